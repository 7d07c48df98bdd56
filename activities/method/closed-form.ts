/**
 * Ground truth for questions that are one closed form in TeX, as mathematical models write them: fractions, roots, powers, factorials
 * and binomials of numbers, evaluated by the exact algebra of the `default` grader. Strict like the arithmetic of oracle.ts: a word, a
 * name, a relation or a list, and there is no truth.
 */
import { canonicalAnswer } from './answers/answer-canonical.ts';
import { expressionIn } from './oracle.ts';

const COMMANDS = new Set('frac dfrac tfrac sqrt cdot times div left right bigl bigr binom dbinom tbinom pi'.split(' '));
/** One pair of mathematical delimiters around all of it. */
const DELIMITED = /^(?:\$([^$]+)\$|\\\((.+)\\\)|\\\[(.+)\\\])$/s;
const RATIONAL = /^value:(-?\d+(?:\/\d+)?)$/;

/**
 * The value, as `19/4` where it is rational and otherwise as the closed form itself, which any grader reads.
 *
 * @returns null when the question is no closed form, has no value, or is beyond the bounds of the grader's work
 */
export function evaluateClosedForm(question: string): { value: string } | null {
  const text = expressionIn(question);
  if (text === null) return null;
  const [whole, ...inside] = DELIMITED.exec(text) ?? [text];
  const form = (inside.find((part) => part !== undefined) ?? whole).trim();
  if (!isNumeric(form)) return null;
  const { kind, key } = canonicalAnswer(form);
  if (kind !== 'exact' || !key.startsWith('value:')) return null;
  return { value: RATIONAL.exec(key)?.[1] ?? form };
}

/** Digits, operators, brackets and the commands above, with something to evaluate. */
function isNumeric(form: string): boolean {
  let known = true;
  const rest = form.replace(/\\([a-zA-Z]+|[,;:! ])/g, (_, name: string) => {
    known &&= !/[a-zA-Z]/.test(name) || COMMANDS.has(name);
    return ' ';
  });
  if (!known || !/^[\d.+\-*/^!(){}[\] \u00d7\u00f7\u00b7\u2212]*$/.test(rest)) return false;
  return /\d/.test(rest) && (rest !== form || /[+*/^!\u00d7\u00f7\u00b7]|\d\s*[-\u2212]/.test(rest));
}
