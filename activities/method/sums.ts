/** Sums of monomials: the data under `Algebra`, with keys and orders that depend on the value only. */
import { ONE, compare, format, fraction, gcd, integer, type Rational } from './rational.ts';

/** The atom of the imaginary unit. */
export const IMAGINARY = '@i';

export interface Term {
  coefficient: Rational;
  /** Atom → exponent, never 0. `#2` is a prime under a root, exponent in (0, 1); `@i` the imaginary unit, exponent 1. */
  factors: ReadonlyMap<string, Rational>;
}
export type Sum = ReadonlyMap<string, Term>;

export function monomialKey(factors: ReadonlyMap<string, Rational>): string {
  return [...factors]
    .map(([atom, exponent]) => (exponent.num === 1n && exponent.den === 1n ? atom : `${atom}^(${format(exponent)})`))
    .sort()
    .join('*');
}

export function single(term: Term): Sum {
  return term.coefficient.num === 0n ? new Map() : new Map([[monomialKey(term.factors), term]]);
}

export const UNIT: Sum = single({ coefficient: ONE, factors: new Map() });

export function sumKey(sum: Sum): string {
  if (sum.size === 0) return '0';
  return [...sum]
    .map(([key, term]) => (key === '' ? format(term.coefficient) : `${format(term.coefficient)}*${key}`))
    .sort()
    .join('+');
}

/** Atoms whose powers may be multiplied out because they are positive numbers. */
export function isPositive(atom: string): boolean {
  return atom.startsWith('#') || atom === 'pi' || atom === 'e';
}

export function isSquareRoot(atom: string, exponent: Rational): boolean {
  return atom === IMAGINARY || (atom.startsWith('#') && exponent.den === 2n);
}

/** Greatest common content of two fractions: gcd of numerators over lcm of denominators. */
export function contentOf(a: Rational, b: Rational): Rational {
  return fraction(gcd(a.num, b.num), (a.den / gcd(a.den, b.den)) * b.den) as Rational;
}

/** Lexicographic order of exponents over the given atoms. */
export function compareTerms(a: Term, b: Term, atoms: readonly string[]): number {
  for (const atom of atoms) {
    const order = compare(a.factors.get(atom) ?? integer(0), b.factors.get(atom) ?? integer(0));
    if (order !== 0) return order;
  }
  return 0;
}
