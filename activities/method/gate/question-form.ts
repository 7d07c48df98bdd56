/**
 * What two questions are compared by. A question falls apart into its skeleton, which must be the same in a near duplicate,
 * and other words, most of which must.
 *
 * Skeleton, in order: numbers, operators, brackets, LaTeX commands, single letters (with their case: `A` is not `a`), names of
 * points such as `ABC`, words of meaning (`question-words.ts`), and every letter that is not Latin, since nothing is known here about
 * words of other scripts. Left out: white space, punctuation of sentences, delimiters of formulas, LaTeX spacing, braces
 * around a single symbol, a final `=`, and words that only ask. Where it is unclear whether something is mathematics it is
 * taken for it: a near duplicate that is kept costs little, a new question that is dropped is lost.
 *
 * Linear in the length of the text.
 */
import { FILLER_WORDS, MEANING_WORDS, SHORT_WORDS } from './question-words.ts';

export interface QuestionForm {
  /** The same for texts that differ in white space and Unicode composition only. */
  exact: string;
  skeleton: string;
  /** Words that may be reworded, in lower case and singular; the k-th occurrence of a word, k > 1, is `word#k`. */
  words: string[];
}

const TOKEN =
  /\\[A-Za-z]+|\\[^]|\p{Nd}+(?:\.\p{Nd}+)?|\.\p{Nd}+|\p{Script=Latin}{2,}(?:['’]\p{Script=Latin}+)*|[^\s]/gu;
const WORD = /^\p{Script=Latin}{2,}/u;
const ARTICLE_BEFORE_WORD = /\s\p{Script=Latin}{2}/uy;

const IGNORED = new Set([
  ...String.raw`\left \right \big \Big \displaystyle \quad \qquad \text \textbf \textit \mathrm \mathbf`.split(' '),
  ...String.raw`\, \; \: \! \> \( \) \[ \] \\ \$`.split(' '),
  '\\ ',
  '\\\n',
  ...`. , ; : ? " “ ” „ « » ‘ \` … $ ~ ' ’ —`.split(' '),
]);

/** Ways to write the same symbol. */
const SAME_SYMBOL: ReadonlyMap<string, string> = new Map(
  String.raw`− - | – - | × \times | · \cdot | ⋅ \cdot | ÷ \div | ≤ \le | \leq \le | ≥ \ge | \geq \ge | ≠ \ne | \neq \ne
  | √ \sqrt | π \pi | ∞ \infty | ∠ \angle | \dfrac \frac | \tfrac \frac | \% % | ′ '`
    .split('|')
    .map((pair) => pair.trim().split(' ') as [string, string]),
);

export function questionForm(text: string): QuestionForm {
  const composed = text.normalize('NFC');
  const skeleton = new Skeleton();
  const words = new Map<string, number>();
  // The hyphen of "three-sided" or "5-sided" is known for one only when the word after it is.
  let joint: number | undefined;
  let hyphen = false;
  let afterWord: number | undefined;
  for (const { 0: token, index } of composed.matchAll(TOKEN)) {
    const word = wordOf(token, composed, index);
    // "5 is what percent of 20" is not "what is 5 percent of 20": inside a sentence the word stands for the unknown.
    const unknown = word === 'what' && afterWord !== undefined;
    const plain = word !== undefined && !unknown && !MEANING_WORDS.has(word);
    if (hyphen && !(plain && joint === index)) skeleton.add('-');
    hyphen = token === '-' && joint === index;
    // n! is a factorial, "square!" an exclamation.
    const exclamation = token === '!' && afterWord === index;
    const end = index + token.length;
    joint = hyphen || word !== undefined || isDigit(token.charAt(0)) ? end : undefined;
    afterWord = word === undefined ? undefined : end;
    if (hyphen || exclamation) continue;
    if (!plain) skeleton.add(word ?? symbolOf(token, composed, index));
    else if (!FILLER_WORDS.has(word)) words.set(word, (words.get(word) ?? 0) + 1);
  }
  if (hyphen) skeleton.add('-');
  return {
    exact: composed.replace(/\s+/g, ' ').trim(),
    skeleton: skeleton.toString(),
    words: [...words].flatMap(([word, count]) =>
      Array.from({ length: count }, (_, k) => (k === 0 ? word : `${word}#${k + 1}`)),
    ),
  };
}

/** The token as a word in lower case and singular; undefined when it is mathematics. */
function wordOf(token: string, text: string, at: number): string | undefined {
  if (token === 'a' || token === 'A') {
    ARTICLE_BEFORE_WORD.lastIndex = at + 1;
    return ARTICLE_BEFORE_WORD.test(text) ? 'a' : undefined;
  }
  if (!WORD.test(token) || /\p{Lu}.*\p{Lu}/u.test(token)) return undefined;
  const lower = token.toLowerCase();
  if (lower.length === 2) return SHORT_WORDS.has(lower) ? lower : undefined;
  // Without a vowel it is a unit or a product of variables.
  if (!/[aeiou\u00df-\u024f]/.test(lower) && !MEANING_WORDS.has(lower)) return undefined;
  return lower.length > 3 && lower.endsWith('s') && !lower.endsWith('ss') ? lower.slice(0, -1) : lower;
}

/** The token as the skeleton spells it; empty when it says nothing. */
function symbolOf(token: string, text: string, at: number): string {
  const before = text.charAt(at - 1);
  const after = text.charAt(at + token.length);
  // 3:4 is a ratio, f'(x) a derivative; elsewhere both are punctuation.
  if (token === ':' && isDigit(before) && isDigit(after)) return token;
  if ((token === "'" || token === '’') && isLatin(before)) return "'";
  return IGNORED.has(token) ? '' : (SAME_SYMBOL.get(token) ?? token);
}

const isDigit = (character: string): boolean => /\p{Nd}/u.test(character);
const isLatin = (character: string): boolean => /\p{Script=Latin}/u.test(character);

class Skeleton {
  readonly #symbols: string[] = [];
  /** Where the braces that are still open stand. */
  readonly #open: number[] = [];

  add(symbol: string): void {
    if (symbol === '') return;
    if (symbol === '{') this.#open.push(this.#symbols.length);
    const start = symbol === '}' ? this.#open.pop() : undefined;
    // x^{2} is x^2: braces around one symbol, or around words alone, go.
    if (start !== undefined && this.#symbols.length - start <= 2) this.#symbols.splice(start, 1);
    else this.#symbols.push(symbol);
  }

  toString(): string {
    while (this.#symbols.at(-1) === '=') this.#symbols.pop();
    return this.#symbols.join(' ');
  }
}
