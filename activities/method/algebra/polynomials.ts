/** Division and greatest common divisors of sums that are polynomials in their atoms: whole exponents, none negative. */
import { NotComparable } from './not-comparable.ts';
import { ONE, ZERO, compare, integer, invert, subtract, type Rational } from './rational.ts';
import type { SumArithmetic } from './sum-arithmetic.ts';
import { UNIT, atomsOf, leadingTerm, onlyTerm, single, sumContent, type Sum, type Term } from './sums.ts';

const MAX_ROUNDS = 100;

/** num / den by leading terms; null unless it leaves nothing. */
export function divideExactly(arithmetic: SumArithmetic, num: Sum, den: Sum): Sum | null {
  if (den === UNIT) return num;
  const atoms = atomsOf(num, den);
  const divisor = leadingTerm(den, atoms);
  const inverse = invert(divisor.coefficient) as Rational;
  let rest = num;
  let quotient: Sum = new Map();
  while (rest.size > 0) {
    const top = leadingTerm(rest, atoms);
    arithmetic.charge((rest.size * atoms.length) / 8);
    const factors = new Map(top.factors);
    for (const [atom, exponent] of divisor.factors) {
      const left = subtract(factors.get(atom) ?? ZERO, exponent);
      if (left.num < 0n) return null;
      if (left.num === 0n) factors.delete(atom);
      else factors.set(atom, left);
    }
    const term = arithmetic.scale(single({ coefficient: top.coefficient, factors }), inverse);
    quotient = arithmetic.add(quotient, term);
    rest = arithmetic.subtract(rest, arithmetic.multiply(den, term));
  }
  return quotient;
}

function exponentOf(term: Term, atom: string): Rational {
  return term.factors.get(atom) ?? ZERO;
}

/** The smallest exponent of each atom over all terms: what can be taken out of the sum, or has to be put in when negative. */
export function monomialContent(sum: Sum): Map<string, Rational> {
  const content = new Map<string, Rational>();
  for (const atom of atomsOf(sum)) {
    let least: Rational | null = null;
    for (const term of sum.values()) {
      const exponent = exponentOf(term, atom);
      if (least === null || compare(exponent, least) < 0) least = exponent;
    }
    if (least !== null && least.num !== 0n) content.set(atom, least);
  }
  return content;
}

function monomial(factors: ReadonlyMap<string, Rational>): Sum {
  return factors.size === 0 ? UNIT : single({ coefficient: ONE, factors });
}

/** Whole coefficients without a common factor, nothing of a monomial left. */
function stripped(arithmetic: SumArithmetic, sum: Sum, content: ReadonlyMap<string, Rational>): Sum {
  const scaled = arithmetic.scale(sum, invert(sumContent(sum)) as Rational);
  if (content.size === 0) return scaled;
  return arithmetic.multiply(scaled, arithmetic.inverseOf({ coefficient: ONE, factors: content }));
}

/** Coefficients of the powers of one atom, by exponent. */
function coefficients(sum: Sum, atom: string): Map<number, Sum> {
  const result = new Map<number, Map<string, Term>>();
  for (const term of sum.values()) {
    const degree = Number(exponentOf(term, atom).num);
    const factors = new Map(term.factors);
    factors.delete(atom);
    const part = result.get(degree) ?? new Map<string, Term>();
    for (const [key, piece] of single({ coefficient: term.coefficient, factors })) part.set(key, piece);
    result.set(degree, part);
  }
  return result;
}

function degreeIn(sum: Sum, atom: string): number {
  let degree = 0;
  for (const term of sum.values()) degree = Math.max(degree, Number(exponentOf(term, atom).num));
  return degree;
}

/** Greatest common divisor, up to a rational factor. */
export function greatestCommonDivisor(arithmetic: SumArithmetic, a: Sum, b: Sum): Sum {
  if (a.size === 0) return b;
  if (b.size === 0) return a;
  const [contentA, contentB] = [monomialContent(a), monomialContent(b)];
  const shared = new Map<string, Rational>();
  for (const [atom, exponent] of contentA) {
    const other = contentB.get(atom);
    if (other !== undefined) shared.set(atom, compare(exponent, other) < 0 ? exponent : other);
  }
  const rest = strippedDivisor(arithmetic, stripped(arithmetic, a, contentA), stripped(arithmetic, b, contentB));
  return shared.size === 0 ? rest : arithmetic.multiply(rest, monomial(shared));
}

function contentIn(arithmetic: SumArithmetic, sum: Sum, atom: string, start: Sum = new Map()): Sum {
  let content = start;
  for (const part of coefficients(sum, atom).values()) {
    content = greatestCommonDivisor(arithmetic, content, part);
    if (content.size === 1 && onlyTerm(content)?.factors.size === 0) return UNIT;
  }
  return content;
}

function strippedDivisor(arithmetic: SumArithmetic, a: Sum, b: Sum): Sum {
  if (a.size === 1 || b.size === 1) return UNIT;
  const [atomsA, atomsB] = [atomsOf(a), atomsOf(b)];
  const onlyInA = atomsA.find((atom) => !atomsB.includes(atom));
  if (onlyInA !== undefined) return contentIn(arithmetic, a, onlyInA, b);
  const onlyInB = atomsB.find((atom) => !atomsA.includes(atom));
  if (onlyInB !== undefined) return contentIn(arithmetic, b, onlyInB, a);
  const [large, small] = a.size >= b.size ? [a, b] : [b, a];
  if (divideExactly(arithmetic, large, small) !== null) return small;
  const atom = atomsA.reduce((best, next) =>
    degreeIn(a, next) + degreeIn(b, next) < degreeIn(a, best) + degreeIn(b, best) ? next : best,
  );
  return byRemainders(arithmetic, a, b, atom);
}

/** Euclid's algorithm on primitive remainders in one atom. */
function byRemainders(arithmetic: SumArithmetic, a: Sum, b: Sum, atom: string): Sum {
  const contentA = contentIn(arithmetic, a, atom);
  const contentB = contentIn(arithmetic, b, atom);
  const content = greatestCommonDivisor(arithmetic, contentA, contentB);
  let high = divideExactly(arithmetic, a, contentA) as Sum;
  let low = divideExactly(arithmetic, b, contentB) as Sum;
  if (degreeIn(high, atom) < degreeIn(low, atom)) [high, low] = [low, high];
  for (let round = 0; low.size > 0; round += 1) {
    if (round > MAX_ROUNDS) throw new NotComparable('divisor too long');
    if (degreeIn(low, atom) === 0) return content;
    const rest = pseudoRemainder(arithmetic, high, low, atom);
    high = low;
    if (rest.size === 0) break;
    const whole = arithmetic.scale(rest, invert(sumContent(rest)) as Rational);
    low = divideExactly(arithmetic, whole, contentIn(arithmetic, whole, atom)) as Sum;
  }
  return arithmetic.multiply(high, content);
}

function pseudoRemainder(arithmetic: SumArithmetic, a: Sum, b: Sum, atom: string): Sum {
  const degree = degreeIn(b, atom);
  const leading = coefficients(b, atom).get(degree) as Sum;
  let rest = a;
  while (rest.size > 0 && degreeIn(rest, atom) >= degree) {
    const top = degreeIn(rest, atom);
    const coefficient = coefficients(rest, atom).get(top) as Sum;
    const shift = monomial(new Map(top === degree ? [] : [[atom, integer(top - degree)]]));
    rest = arithmetic.subtract(
      arithmetic.multiply(rest, leading),
      arithmetic.multiply(arithmetic.multiply(b, coefficient), shift),
    );
  }
  return rest;
}
