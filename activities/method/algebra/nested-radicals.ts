/** sqrt(a + b sqrt(c)) = sqrt((a + d) / 2) ± sqrt((a - d) / 2) when d² = a² - b²c is the square of a fraction. */
import type { Algebra } from './algebra.ts';
import type { Value } from './quotients.ts';
import { ONE, add, fraction, multiply, subtract, type Rational } from './rational.ts';
import { integerRoot } from './roots.ts';
import type { Sum, Term } from './sums.ts';

const MAX_LENGTH = 256;

/** The square root of a positive sum of a fraction and a square root, without the outer root; null where there is none. */
export function denestedRoot(algebra: Algebra, sum: Sum): Value | null {
  if (sum.size !== 2) return null;
  const terms = [...sum.values()];
  const plain = terms.find((term) => term.factors.size === 0);
  const root = terms.find((term) => term.factors.size > 0);
  if (plain === undefined || root === undefined || plain.coefficient.num < 0n) return null;
  const square = squareOf(root);
  const a = plain.coefficient;
  if (square === null) return null;
  const d = rationalRoot(subtract(multiply(a, a), square));
  if (d === null) return null;
  const half = (value: Rational): Value =>
    algebra.root(algebra.constant(multiply(value, fraction(1n, 2n) as Rational)), 2n);
  const [large, small] = [half(add(a, d)), half(subtract(a, d))];
  return root.coefficient.num < 0n ? algebra.subtract(large, small) : algebra.add(large, small);
}

/** The square of b sqrt(c); null for anything else. */
function squareOf({ coefficient, factors }: Term): Rational | null {
  let square = multiply(coefficient, coefficient);
  for (const [atom, exponent] of factors) {
    if (!atom.startsWith('#') || exponent.den !== 2n) return null;
    square = multiply(square, { num: BigInt(atom.slice(1)), den: 1n });
  }
  return square;
}

function rationalRoot(value: Rational): Rational | null {
  if (value.num < 0n || value.num.toString(16).length > MAX_LENGTH || value.den.toString(16).length > MAX_LENGTH)
    return null;
  if (value.num === 0n) return { num: 0n, den: ONE.den };
  const [num, den] = [integerRoot(value.num, 2n), integerRoot(value.den, 2n)];
  return num * num === value.num && den * den === value.den ? { num, den } : null;
}
