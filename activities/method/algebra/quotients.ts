/** Lowest terms of a quotient of sums: no roots in the denominator, no common divisor, a denominator that leads with 1. */
import { NotComparable } from './not-comparable.ts';
import { divideExactly, greatestCommonDivisor, monomialContent } from './polynomials.ts';
import { ONE, ZERO, floor, gcd, integer, invert, multiply, negate, type Rational } from './rational.ts';
import type { SumArithmetic } from './sum-arithmetic.ts';
import { IMAGINARY, UNIT, atomsOf, constantSum, leadingTerm, onlyTerm, single, type Sum, type Term } from './sums.ts';

export interface Value {
  num: Sum;
  den: Sum;
}

const MAX_ROUNDS = 8;
/** Taking a root out of a denominator doubles or triples its terms. */
const MAX_ROOTS = 5;

/** The quotient with a denominator of one term multiplied into the numerator. */
export function quotient(arithmetic: SumArithmetic, num: Sum, den: Sum): Value {
  const only = onlyTerm(den);
  if (den === UNIT || only === null) return { num, den };
  return { num: arithmetic.multiply(num, arithmetic.inverseOf(only)), den: UNIT };
}

export function lowestTerms(arithmetic: SumArithmetic, value: Value): Value {
  let result = clearNegativePowers(arithmetic, value);
  const roots = result.den === UNIT ? [] : atomsOf(result.den).filter((atom) => arithmetic.isAlgebraic(atom));
  if (roots.length > MAX_ROOTS) throw new NotComparable('too many roots in a denominator');
  for (let round = 0; round < MAX_ROUNDS && result.den.size > 1; round += 1) {
    const cofactor = rationalisingFactor(arithmetic, result.den);
    if (cofactor === null) break;
    const { num, den } = result;
    result = quotient(arithmetic, arithmetic.multiply(num, cofactor), arithmetic.multiply(den, cofactor));
  }
  if (result.den === UNIT || result.num.size === 0) return { num: result.num, den: UNIT };
  return reduced(arithmetic, result);
}

/** (x+1)^(-1/2) = (x+1)^(1/2) / (x+1): a power that stands for a sum has one spelling, the one with a positive exponent. */
function clearNegativePowers(arithmetic: SumArithmetic, value: Value): Value {
  let { num, den } = value;
  for (const atom of atomsOf(num, den)) {
    const definition = arithmetic.definition(atom);
    if (definition === undefined) continue;
    const least = (sum: Sum): bigint => {
      let minimum = 0n;
      for (const term of sum.values()) {
        const exponent = floor(term.factors.get(atom) ?? ZERO);
        if (exponent < minimum) minimum = exponent;
      }
      return minimum;
    };
    const missing = least(num) < least(den) ? least(num) : least(den);
    if (missing === 0n) continue;
    const rounds = (-missing + definition.degree - 1n) / definition.degree;
    const power = single({ coefficient: ONE, factors: new Map([[atom, integer(rounds * definition.degree)]]) });
    const raise = (sum: Sum): Sum => arithmetic.multiply(sum, power);
    if (least(den) < 0n) [num, den] = [raise(num), raise(den)];
    else [num, den] = [raise(num), arithmetic.multiply(den, arithmetic.power(definition.sum, rounds))];
  }
  return quotient(arithmetic, num, den);
}

/** What a denominator is multiplied with to lose one root: the conjugate of square roots, the cofactor of the norm of cube roots. */
function rationalisingFactor(arithmetic: SumArithmetic, den: Sum): Sum | null {
  for (const atom of atomsOf(den)) {
    if (!arithmetic.isAlgebraic(atom)) continue;
    const degree = arithmetic.definition(atom)?.degree ?? 1n;
    let index = 1n;
    for (const term of den.values()) {
      const exponent = term.factors.get(atom) ?? ZERO;
      index = (index / gcd(index, exponent.den)) * exponent.den;
    }
    if (atom === IMAGINARY || degree === 2n) index *= 2n;
    const step = (term: Term): bigint => {
      const exponent = multiply(term.factors.get(atom) ?? ZERO, integer(index));
      return atom === IMAGINARY || degree === 2n ? exponent.num / 2n : exponent.num;
    };
    if (index % 2n === 0n) {
      return new Map(
        [...den].map(([key, term]) => [
          key,
          step(term) % 2n === 0n ? term : { ...term, coefficient: negate(term.coefficient) },
        ]),
      );
    }
    if (index === 3n) return cubicCofactor(arithmetic, den, atom, step);
  }
  return null;
}

/** For a + bt + ct² with t³ = p: (a² - bcp) + (c²p - ab)t + (b² - ac)t². */
function cubicCofactor(arithmetic: SumArithmetic, den: Sum, atom: string, step: (term: Term) => bigint): Sum {
  const parts = [new Map<string, Term>(), new Map<string, Term>(), new Map<string, Term>()];
  for (const term of den.values()) {
    const factors = new Map(term.factors);
    factors.delete(atom);
    for (const [key, piece] of single({ coefficient: term.coefficient, factors }))
      parts[Number(step(term))]?.set(key, piece);
  }
  const [a, b, c] = parts as unknown as [Sum, Sum, Sum];
  const times = (x: Sum, y: Sum): Sum => arithmetic.multiply(x, y);
  const cube = arithmetic.definition(atom)?.sum ?? constantSum(integer(BigInt(atom.slice(1))));
  const power = (k: number): Sum =>
    single({ coefficient: ONE, factors: new Map([[atom, { num: BigInt(k), den: 3n }]]) });
  const constant = arithmetic.subtract(times(a, a), times(times(b, c), cube));
  const linear = arithmetic.subtract(times(times(c, c), cube), times(a, b));
  const square = arithmetic.subtract(times(b, b), times(a, c));
  return arithmetic.add(constant, arithmetic.add(times(linear, power(1)), times(square, power(2))));
}

/** Takes monomials and common divisors out. The numerator's roots are independent of each other, so each part is divided alone. */
function reduced(arithmetic: SumArithmetic, value: Value): Value {
  const content = monomialContent(value.den);
  for (const atom of content.keys()) if (arithmetic.isAlgebraic(atom)) content.delete(atom);
  const inverse = arithmetic.inverseOf({ coefficient: ONE, factors: content });
  const den = content.size === 0 ? value.den : arithmetic.multiply(value.den, inverse);
  const num = content.size === 0 ? value.num : arithmetic.multiply(value.num, inverse);
  const indexes = rootIndexes(arithmetic, num, den);
  const bottom = spread(den, indexes, false);
  const parts = byRoots(arithmetic, spread(num, indexes, false));
  let divisor = bottom;
  for (const part of parts) {
    divisor = greatestCommonDivisor(arithmetic, divisor, asPolynomial(arithmetic, part));
    if (divisor.size === 1) break;
  }
  const lead = leadingTerm(divisor.size === 1 ? bottom : divisor, atomsOf(bottom));
  if (divisor.size === 1) return monic(arithmetic, num, den);
  const monicDivisor = arithmetic.scale(divisor, invert(lead.coefficient) as Rational);
  const lower = divideExactly(arithmetic, bottom, monicDivisor);
  let upper: Sum = new Map();
  for (const part of parts) {
    const shift = monomialContent(part);
    const back = single({ coefficient: ONE, factors: shift });
    const divided = divideExactly(arithmetic, asPolynomial(arithmetic, part), monicDivisor);
    if (divided === null) return monic(arithmetic, num, den);
    upper = arithmetic.add(upper, shift.size === 0 ? divided : arithmetic.multiply(divided, back));
  }
  if (lower === null) return monic(arithmetic, num, den);
  const { num: top, den: rest } = quotient(arithmetic, upper, lower);
  return monic(arithmetic, spread(top, indexes, true), rest === UNIT ? UNIT : spread(rest, indexes, true));
}

function monic(arithmetic: SumArithmetic, num: Sum, den: Sum): Value {
  if (den === UNIT) return { num, den };
  const scale = invert(leadingTerm(den, atomsOf(den)).coefficient) as Rational;
  return { num: arithmetic.scale(num, scale), den: arithmetic.scale(den, scale) };
}

/** Common denominators of the exponents of variables: √x counts as a variable whose square is x. */
function rootIndexes(arithmetic: SumArithmetic, ...sums: readonly Sum[]): Map<string, bigint> {
  const indexes = new Map<string, bigint>();
  for (const sum of sums)
    for (const term of sum.values())
      for (const [atom, { den }] of term.factors) {
        if (den === 1n || arithmetic.isAlgebraic(atom)) continue;
        const known = indexes.get(atom) ?? 1n;
        indexes.set(atom, (known / gcd(known, den)) * den);
      }
  return indexes;
}

function spread(sum: Sum, indexes: ReadonlyMap<string, bigint>, back: boolean): Sum {
  if (indexes.size === 0) return sum;
  const result = new Map<string, Term>();
  for (const { coefficient, factors } of sum.values()) {
    const scaled = new Map(
      [...factors].map(([atom, exponent]) => {
        const index = indexes.get(atom) ?? 1n;
        return [atom, multiply(exponent, back ? { num: 1n, den: index } : integer(index))] as const;
      }),
    );
    for (const [key, term] of single({ coefficient, factors: scaled })) result.set(key, term);
  }
  return result;
}

/** The terms that share the same roots, together. */
function byRoots(arithmetic: SumArithmetic, sum: Sum): Sum[] {
  const parts = new Map<string, Map<string, Term>>();
  for (const [key, term] of sum) {
    const roots = [...term.factors].filter(([atom]) => arithmetic.isAlgebraic(atom));
    const name = roots
      .map(([atom, { num, den }]) => `${atom}^${num}/${den}`)
      .sort()
      .join('*');
    const part = parts.get(name) ?? new Map<string, Term>();
    part.set(key, term);
    parts.set(name, part);
  }
  return [...parts.values()];
}

/** Without its monomial content, hence without negative exponents and without the roots that all its terms share. */
function asPolynomial(arithmetic: SumArithmetic, part: Sum): Sum {
  const content = monomialContent(part);
  if (content.size === 0) return part;
  return arithmetic.multiply(part, arithmetic.inverseOf({ coefficient: ONE, factors: content }));
}
