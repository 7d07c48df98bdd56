/**
 * Spelling of answers: what LaTeX, typography and phrasing add around a value, taken away before it is read. Everything here is linear
 * in the text, or quadratic on texts bounded by `MAX_ANSWER_LENGTH`.
 */

/** Typographic characters, and what they mean in LaTeX or ASCII. */
const CHARACTERS = new Map<string, string>([
  ...pairs('− – — ﹣ －', '-'),
  ...pairs('× · ⋅ ∙', '*'),
  ...pairs('÷ ⁄ ∕', '/'),
  ...pairs('≤ ⩽', '\\le '),
  ...pairs('≥ ⩾', '\\ge '),
  ...pairs('∞', '\\infty '),
  ...pairs('∪', '\\cup '),
  ...pairs('∩', '\\cap '),
  ...pairs('∈', '\\in '),
  ...pairs('±', '\\pm '),
  ...pairs('≠', '\\ne '),
  ...pairs('≈', '\\approx '),
  ...pairs('∅ ⌀', '\\emptyset '),
  ...pairs('∖', '\\setminus '),
  ...pairs('ℝ', '\\mathbb{R}'),
  ...pairs('…', '...'),
  ...pairs('∶', ':'),
  ...pairs('％', '%'),
  ...pairs('¥ ₹ € £', '$'),
  ...pairs('½', '{1/2}'),
  ...pairs('¼', '{1/4}'),
  ...pairs('¾', '{3/4}'),
  ...pairs('⅓', '{1/3}'),
  ...pairs('⅔', '{2/3}'),
  ...pairs('⅕', '{1/5}'),
  ...pairs('⅛', '{1/8}'),
  ...'αalpha βbeta γgamma δdelta εvarepsilon θtheta λlambda μmu πpi ρrho σsigma τtau φphi χchi ψpsi ωomega ΓGamma ΔDelta ΘTheta ΛLambda ΣSigma ΦPhi ΨPsi ΩOmega'
    .split(' ')
    .map((entry) => [entry.charAt(0), `\\${entry.slice(1)} `] as const),
]);
const SPACES = /[\u00a0\u2000-\u200a\u202f\u205f\u3000]/g;
const SUPERSCRIPTS = '⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ';
const SUBSCRIPTS = '₀₁₂₃₄₅₆₇₈₉';
const SCRIPT_VALUES = '0123456789+-n';

function pairs(characters: string, meaning: string): (readonly [string, string])[] {
  return characters.split(' ').map((character) => [character, meaning] as const);
}

function plainCharacters(text: string): string {
  if (!/[\u0080-\uffff]/.test(text)) return text;
  return text
    .replace(SPACES, ' ')
    .replace(
      /[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ]+/g,
      (run) => `^{${Array.from(run, (c) => SCRIPT_VALUES[SUPERSCRIPTS.indexOf(c)]).join('')}}`,
    )
    .replace(/[₀₁₂₃₄₅₆₇₈₉]+/g, (run) => `_{${Array.from(run, (c) => SUBSCRIPTS.indexOf(c)).join('')}}`)
    .replace(/[\u0080-\uffff]/g, (character) => CHARACTERS.get(character) ?? character);
}

const WRAPPER_NAMES =
  '\\\\(?:text|mathrm|textrm|textbf|textit|mathbf|mathit|mathsf|operatorname|mbox|textnormal|boxed|fbox|mathbb|emph)';
const WRAPPERS = new RegExp(`${WRAPPER_NAMES}\\s*\\{([^{}]*)\\}`, 'g');
/** Around braces that stay, as groups. */
const WRAPPERS_OF_GROUPS = new RegExp(`${WRAPPER_NAMES}\\s*(?=\\{)`, 'g');
const SIZES = /\\(?:left|right|displaystyle|textstyle|limits|[bB]igg?[lr]?)(?![a-zA-Z])\s?/g;
/** LaTeX with a shorter spelling of the same meaning. */
const SYNONYMS: readonly (readonly [RegExp, string])[] = [
  [/\\(?:lbrace)(?![a-zA-Z])/g, '\\{'],
  [/\\(?:rbrace)(?![a-zA-Z])/g, '\\}'],
  [/\\langle(?![a-zA-Z])/g, '('],
  [/\\rangle(?![a-zA-Z])/g, ')'],
  [/\\lvert(?![a-zA-Z])|\\rvert(?![a-zA-Z])/g, '|'],
  [/\\(?:math(?:bb|bf|rm)\s*\{\s*R\s*\}|Reals?|R)(?![a-zA-Z])/g, '\\reals '],
  [/\\varnothing(?![a-zA-Z])/g, '\\emptyset '],
  [/\\neq(?![a-zA-Z])/g, '\\ne '],
  [/\\(?:ldots|dotsc?|cdots|dotsb)(?![a-zA-Z])/g, '...'],
  [/\\dot\s*\{?(\d)\}?(?:(\d*)\\dot\s*\{?(\d)\}?)?/g, '\\overline{$1$2$3}'],
  [/\\bar\s*\{(\d+)\}/g, '\\overline{$1}'],
  [/\{\s*(\d+|[a-z])\s*\\choose\s*(\d+|[a-z])\s*\}/g, '\\binom{$1}{$2}'],
  [/\^\s*(?:\{\s*\\circ\s*\}|\\circ(?![a-zA-Z]))|\\degree(?![a-zA-Z])|\\textdegree(?![a-zA-Z])/g, '°'],
  [/°\s*[CF](?![a-zA-Z])/g, ' '],
];
const ANGLES = /\\?(?:sin|cos|tan|cot|sec|csc)(?![a-z])/;
const THOUSANDS = /(\d)(?:\{,\}|\\,|(?:\\!)?,\\!|\\!,)(?=\d{3}(?!\d))/g;
const SPACED_THOUSANDS = /(?<![\d.,^_/])\d{1,3}(?: \d{3})+(?![\d,/]| *\/)/g;
const LEAD =
  /^(?:(?:so |thus |hence |therefore,? )?(?:the |our )?(?:final |correct )?answer(?: is|\s*[:=])|\\therefore|=(?!=)|\\approx|approximately|about|USD|EUR|GBP|Rs\.?(?=\s*\d))\s*:?\s*/i;

/** Clean-up that keeps meaning: delimiters, spacing, text wrappers, currency. Percent signs stay when `keepPercent` says so. */
export function cleanAnswer(text: string, keepPercent: boolean): string {
  let result = plainCharacters(text).replace(SIZES, '').replace(THOUSANDS, '$1,');
  if (result.includes('\\')) {
    result = result.replace(/\\\\|\\[()[\]]/g, (mark) => (mark === '\\\\' ? mark : ' '));
    for (const [pattern, replacement] of SYNONYMS) result = result.replace(pattern, replacement);
    result = result.replace(/\\\\|\\[,;:! ]|\\q?quad(?![a-zA-Z])/g, (mark) => (mark === '\\\\' ? mark : ' '));
  }
  // A degree sign means something to a trigonometric function only; elsewhere it is a unit.
  if (result.includes('°') && !ANGLES.test(result)) result = result.replaceAll('°', ' ');
  result = result.replace(/\\?%|(?<=\d\s?)per\s?cent(?![a-z])/gi, keepPercent ? '%' : ' ').replace(/\\?\$|~/g, ' ');
  for (let round = 0; round < 4 && result.includes('\\'); round += 1) result = result.replace(WRAPPERS, ' $1 '); // innermost first
  result = result.replace(WRAPPERS_OF_GROUPS, '');
  result = trimmed(result.replace(/\s+/g, ' '));
  if (LEAD.test(result)) result = result.replace(LEAD, '').replace(LEAD, '');
  return result.replace(SPACED_THOUSANDS, (number) => number.replaceAll(' ', ''));
}

/** Without white space at the ends and punctuation at the end; an ellipsis stays. */
function trimmed(text: string): string {
  let end = text.length;
  while (end > 0 && ' .;:,'.includes(text.charAt(end - 1)) && !text.endsWith('...', end)) end -= 1;
  return text.slice(0, end).trim();
}

/** The text without the spaces that separate nothing: those between two letters or digits stay. */
export function compact(text: string): string {
  return text.replace(/(?<![\p{L}\p{N}])\s+|\s+(?![\p{L}\p{N}])/gu, '');
}

/** Mixed numbers become sums, scale words powers of ten. */
export function spellOutNumbers(text: string): string {
  return text
    .replace(/(?<![\d.^_a-zA-Z,])(\d+)\s+(\d+)\s*\/\s*(\d+)(?![\d.])/g, '($1+$2/$3)')
    .replace(/(?<![\d.^_a-zA-Z,])(\d+)\s*(\\[dtc]?frac\s*(?:\{\d+\}\s*\{\d+\}|\d\s*\d(?!\d)|\d\s*\{\d+\}))/g, '($1+$2)')
    .replace(/(?<![\d.^_a-zA-Z,])(\d+)\s*\{(\d\/\d)\}/g, '($1+$2)')
    .replace(/(?<![\w.^])(\d+\/\d+)\s*%/g, '($1)%')
    .replace(/(\d)\s*(thousand|million|billion|trillion)s?(?![a-z])/gi, (_, digit: string, word: string) => {
      const power = { thousand: 3, million: 6, billion: 9, trillion: 12 }[word.toLowerCase()] as number;
      return `${digit}*10^${power}`;
    });
}
