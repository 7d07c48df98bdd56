/** Signs of sums of roots, by fixed-point arithmetic wide enough that its error cannot turn a sign. Equality never depends on it. */
import { ONE, compare, type Rational } from './rational.ts';
import { integerRoot } from './roots.ts';
import type { SumArithmetic } from './sum-arithmetic.ts';
import { sumAsRational, type Sum } from './sums.ts';

const FRACTION_BITS = 160n;
/** Anything smaller is left undecided: far above the error of a bounded number of truncations. */
const CERTAIN = 1n << 64n;
const LARGE = 1n << (FRACTION_BITS + 64n);
const MAX_TERMS = 12;
const MAX_INDEX = 8n;
const MAX_DEPTH = 3;
const PI = scaled(31415926535897932384626433832795028841971693993751n, 49n);
const E = scaled(27182818284590452353602874713526624977572470936999n, 49n);

function scaled(digits: bigint, decimals: bigint): bigint {
  return (digits << FRACTION_BITS) / 10n ** decimals;
}

function times(a: bigint, b: bigint): bigint {
  return (a * b) >> FRACTION_BITS;
}

export function signOf(arithmetic: SumArithmetic, sum: Sum): -1 | 0 | 1 | null {
  const rational = sumAsRational(sum);
  if (rational !== null) return rational.num > 0n ? 1 : rational.num < 0n ? -1 : 0;
  const value = approximate(arithmetic, sum, 0);
  if (value === null) return null;
  return value > CERTAIN ? 1 : value < -CERTAIN ? -1 : null;
}

/** The number times 2^160, rounded; null when it is no number of this kind, or too large or too expensive. */
function approximate(arithmetic: SumArithmetic, sum: Sum, depth: number): bigint | null {
  if (sum.size > MAX_TERMS || depth > MAX_DEPTH) return null;
  let total = 0n;
  for (const { coefficient, factors } of sum.values()) {
    let term = (coefficient.num << FRACTION_BITS) / coefficient.den;
    for (const [atom, exponent] of factors) {
      const value = atomPower(arithmetic, atom, exponent, depth);
      if (value === null || value > LARGE || term > LARGE || term < -LARGE) return null;
      term = times(term, value);
    }
    total += term;
  }
  return total;
}

function atomPower(arithmetic: SumArithmetic, atom: string, exponent: Rational, depth: number): bigint | null {
  if (exponent.den > MAX_INDEX || exponent.num < 0n || exponent.num > MAX_INDEX) return null;
  const base = atomValue(arithmetic, atom, depth);
  if (base === null || base <= 0n || base > LARGE) return null;
  arithmetic.charge(Number(exponent.den) * 10);
  let power = base;
  for (let i = 1n; i < exponent.num; i += 1n) power = times(power, base);
  return compare(exponent, ONE) === 0 || exponent.den === 1n
    ? power
    : integerRoot(power << (FRACTION_BITS * (exponent.den - 1n)), exponent.den);
}

function atomValue(arithmetic: SumArithmetic, atom: string, depth: number): bigint | null {
  if (atom.startsWith('#')) return BigInt(atom.slice(1)) << FRACTION_BITS;
  if (atom === 'pi') return PI;
  if (atom === 'e') return E;
  const definition = arithmetic.definition(atom);
  return definition === undefined || definition.degree !== 1n
    ? null
    : approximate(arithmetic, definition.sum, depth + 1);
}

/** Integer part of a number that is no integer; null where it cannot be told. */
export function floorOf(arithmetic: SumArithmetic, sum: Sum): bigint | null {
  const value = approximate(arithmetic, sum, 0);
  if (value === null) return null;
  const whole = value >> FRACTION_BITS;
  const above = value - (whole << FRACTION_BITS);
  return above > CERTAIN && above < (1n << FRACTION_BITS) - CERTAIN ? whole : null;
}
