/** Sums of monomials: the data under `Algebra`, with keys and orders that depend on the value only. */
import { ONE, ZERO, compare, format, fraction, gcd, type Rational } from './rational.ts';

/** The atom of the imaginary unit. */
export const IMAGINARY = '@i';

export interface Term {
  coefficient: Rational;
  /** Atom → exponent, never 0. `#2` is a prime under a root, exponent in (0, 1); `@i` the imaginary unit, exponent 1. */
  factors: ReadonlyMap<string, Rational>;
}
export type Sum = ReadonlyMap<string, Term>;

const NO_FACTORS: ReadonlyMap<string, Rational> = new Map();

export function monomialKey(factors: ReadonlyMap<string, Rational>): string {
  if (factors.size === 0) return '';
  return [...factors]
    .map(([atom, exponent]) => (exponent.num === 1n && exponent.den === 1n ? atom : `${atom}^(${format(exponent)})`))
    .sort()
    .join('*');
}

export function single(term: Term): Sum {
  return term.coefficient.num === 0n ? new Map() : new Map([[monomialKey(term.factors), term]]);
}

export function constantSum(value: Rational): Sum {
  return single({ coefficient: value, factors: NO_FACTORS });
}

export const UNIT: Sum = constantSum(ONE);

/** The only term of a sum that has one. */
export function onlyTerm(sum: Sum): Term | null {
  return sum.size === 1 ? (sum.values().next().value as Term) : null;
}

/** The sum as a fraction, if it is one. */
export function sumAsRational(sum: Sum): Rational | null {
  if (sum.size === 0) return ZERO;
  const only = onlyTerm(sum);
  return only !== null && only.factors.size === 0 ? only.coefficient : null;
}

export function sumKey(sum: Sum): string {
  if (sum.size === 0) return '0';
  return [...sum]
    .map(([key, term]) => (key === '' ? format(term.coefficient) : `${format(term.coefficient)}*${key}`))
    .sort()
    .join('+');
}

/** Atoms whose powers may be multiplied out because they are positive numbers. */
export function isPositive(atom: string): boolean {
  return (
    atom.startsWith('#') || atom === 'pi' || atom === 'e' || (atom.startsWith('exp(') && !atom.includes(IMAGINARY))
  );
}

/** Greatest common content of two fractions: gcd of numerators over lcm of denominators. */
export function contentOf(a: Rational, b: Rational): Rational {
  return fraction(gcd(a.num, b.num), (a.den / gcd(a.den, b.den)) * b.den) as Rational;
}

/** The positive fraction that leaves whole coefficients without a common factor. Not for the empty sum. */
export function sumContent(sum: Sum): Rational {
  let content: Rational | null = null;
  for (const { coefficient } of sum.values())
    content = content === null ? coefficient : contentOf(content, coefficient);
  const { num, den } = content as Rational;
  return { num: num < 0n ? -num : num, den };
}

/** All atoms of some sums, in one order. */
export function atomsOf(...sums: readonly Sum[]): string[] {
  const atoms = new Set<string>();
  for (const sum of sums) for (const term of sum.values()) for (const atom of term.factors.keys()) atoms.add(atom);
  return [...atoms].sort();
}

/** Lexicographic order of exponents over the given atoms. */
export function compareTerms(a: Term, b: Term, atoms: readonly string[]): number {
  for (const atom of atoms) {
    const order = compare(a.factors.get(atom) ?? ZERO, b.factors.get(atom) ?? ZERO);
    if (order !== 0) return order;
  }
  return 0;
}

/** The term that is largest in that order. Not for the empty sum. */
export function leadingTerm(sum: Sum, atoms: readonly string[]): Term {
  let best: Term | null = null;
  for (const term of sum.values()) if (best === null || compareTerms(term, best, atoms) > 0) best = term;
  return best as Term;
}
