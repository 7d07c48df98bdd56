/** Taking numbers apart for roots: prime factors as far as trial division goes, the rest as perfect powers. */
import { integer, type Rational } from './rational.ts';

const TRIAL_LIMIT = 2000;
const PRIMES: readonly bigint[] = sieve(TRIAL_LIMIT);

function sieve(limit: number): bigint[] {
  const composite = new Uint8Array(limit + 1);
  const primes: bigint[] = [];
  for (let n = 2; n <= limit; n += 1) {
    if (composite[n] === 1) continue;
    primes.push(BigInt(n));
    for (let multiple = n * n; multiple <= limit; multiple += n) composite[multiple] = 1;
  }
  return primes;
}

/** Integer part of the k-th root of a non-negative number, by Newton's method. */
export function integerRoot(value: bigint, k: bigint): bigint {
  if (value < 2n) return value;
  let guess = 1n << (BigInt(value.toString(2).length) / k + 1n);
  for (;;) {
    const next = ((k - 1n) * guess + value / guess ** (k - 1n)) / k;
    if (next >= guess) return guess;
    guess = next;
  }
}

/**
 * A positive fraction as a product of bases with whole exponents. Bases are primes below 2,000, or what is left of the numerator or
 * denominator after them, reduced to the smallest base of which it is a perfect power.
 */
export function rootOfRational(value: Rational): [bigint, Rational][] {
  const powers = new Map<bigint, bigint>();
  collect(value.num < 0n ? -value.num : value.num, 1n, powers);
  collect(value.den, -1n, powers);
  return [...powers].filter(([, power]) => power !== 0n).map(([base, power]) => [base, integer(power)]);
}

function collect(value: bigint, sign: bigint, powers: Map<bigint, bigint>): void {
  const record = (base: bigint, power: bigint): void => {
    powers.set(base, (powers.get(base) ?? 0n) + sign * power);
  };
  let rest = value;
  for (const prime of PRIMES) {
    if (prime * prime > rest) break;
    let power = 0n;
    while (rest % prime === 0n) {
      rest /= prime;
      power += 1n;
    }
    if (power > 0n) record(prime, power);
  }
  if (rest === 1n) return;
  // Bases are above the trial limit, so at 11 bits a factor few exponents remain to try.
  let total = 1n;
  for (const k of [2n, 3n, 5n, 7n, 11n, 13n]) {
    for (;;) {
      const root = integerRoot(rest, k);
      if (root < 2n || root ** k !== rest) break;
      rest = root;
      total *= k;
    }
  }
  record(rest, total);
}
