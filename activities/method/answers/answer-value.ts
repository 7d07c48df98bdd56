/** A single value or equation as a key. */
import { type Algebra, type Value } from '../algebra/algebra.ts';
import { solveFor, variablesOf } from './answer-regions.ts';
import { spellOutNumbers } from './answer-text.ts';
import { stripUnits } from './answer-units.ts';
import { ExpressionParser, NotAnExpression } from '../algebra/expression-parser.ts';

/** Two small letters that are a word and no product. */
const SHORT_WORDS = new Set('no or is it up an am pm ok to in on of by we he me us do go so if as at my be'.split(' '));
const INFINITE = /(?<![a-zA-Z])inf(?:ty|inity)?(?![a-zA-Z])/;

/** The value of an expression with units and mixed numbers. Throws `NotAnExpression` or `NotComparable`. */
export function readValue(text: string, algebra: Algebra): Value {
  // A word of its own is a word, not a product of its letters.
  if (/^[a-zA-Z]{2,}$/.test(text) && !/^(?:pi|inf|infinity)$/.test(text) && !isProduct(text))
    throw new NotAnExpression(text);
  const value = new ExpressionParser(spellOutNumbers(stripUnits(text)), algebra).parse();
  // ∞ - ∞ and 2∞ have no value; ∞ alone is a bound.
  if (INFINITE.test(text) && !/^-?1\*inf$/.test(algebra.key(value)))
    throw new NotAnExpression('arithmetic with infinity');
  return value;
}

function isProduct(word: string): boolean {
  return (
    (word.length === 2 && word === word.toLowerCase() && !SHORT_WORDS.has(word)) || /^(?:[xyz]{3}|[abc]{3})$/.test(word)
  );
}

export function valueKey(text: string, algebra: Algebra): string {
  const sides = text.split('=');
  if (sides.length > 2) return valueKey((sides.at(-1) ?? '').trim(), algebra);
  if (sides.length === 1) return `value:${algebra.key(readValue(text, algebra))}`;
  const [left, right] = sides.map((side) => readValue(side.trim(), algebra)) as [Value, Value];
  return equationKey(algebra, algebra.subtract(left, right));
}

/** An equation solved for z, for y, or for its one variable is the answer that it labels: 2x - y + 1 = 0 is y = 2x + 1 is 2x + 1. */
function equationKey(algebra: Algebra, difference: Value): string {
  const sum = algebra.equation(difference);
  const variables = variablesOf(sum);
  const variable =
    ['z', 'y'].find((name) => variables.includes(name)) ?? (variables.length === 1 ? variables[0] : null);
  const solved = variable == null ? null : solveFor(algebra, sum, variable);
  return solved === null ? `equation:${algebra.equationKey(difference)}` : `value:${algebra.key(solved.root)}`;
}
