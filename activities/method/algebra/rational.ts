/** Exact fractions on BigInt. Always reduced, the denominator positive. */

export interface Rational {
  readonly num: bigint;
  readonly den: bigint;
}

export const ZERO: Rational = { num: 0n, den: 1n };
export const ONE: Rational = { num: 1n, den: 1n };
export const MINUS_ONE: Rational = { num: -1n, den: 1n };

function absolute(value: bigint): bigint {
  return value < 0n ? -value : value;
}

export function gcd(a: bigint, b: bigint): bigint {
  let x = absolute(a);
  let y = absolute(b);
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
}

/** num / den in lowest terms; null when den is 0. */
export function fraction(num: bigint, den: bigint): Rational | null {
  if (den === 0n) return null;
  if (den === 1n) return { num, den };
  const common = gcd(num, den);
  const sign = den < 0n ? -1n : 1n;
  return { num: (sign * num) / common, den: (sign * den) / common };
}

export function integer(value: bigint | number): Rational {
  return { num: BigInt(value), den: 1n };
}

/** Knuth, The Art of Computer Programming 2, 4.5.1: common factors are sought in the smaller numbers, before they are multiplied. */
export function add(a: Rational, b: Rational): Rational {
  if (a.den === 1n && b.den === 1n) return { num: a.num + b.num, den: 1n };
  const common = gcd(a.den, b.den);
  if (common === 1n) return { num: a.num * b.den + b.num * a.den, den: a.den * b.den };
  const sum = a.num * (b.den / common) + b.num * (a.den / common);
  const left = gcd(sum, common);
  return { num: sum / left, den: (a.den / common) * (b.den / left) };
}

export function multiply(a: Rational, b: Rational): Rational {
  if (a.den === 1n && b.den === 1n) return { num: a.num * b.num, den: 1n };
  const first = gcd(a.num, b.den);
  const second = gcd(b.num, a.den);
  return { num: (a.num / first) * (b.num / second), den: (a.den / second) * (b.den / first) };
}

export function negate(a: Rational): Rational {
  return { num: -a.num, den: a.den };
}

export function subtract(a: Rational, b: Rational): Rational {
  return add(a, negate(b));
}

/** 1 / a; null for 0. */
export function invert(a: Rational): Rational | null {
  return fraction(a.den, a.num);
}

export function isInteger(a: Rational): boolean {
  return a.den === 1n;
}

/** Negative, zero or positive as a is below, equal to or above b. */
export function compare(a: Rational, b: Rational): number {
  const difference = a.num * b.den - b.num * a.den;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

export function floor(a: Rational): bigint {
  const quotient = a.num / a.den;
  return a.num < 0n && a.num % a.den !== 0n ? quotient - 1n : quotient;
}

/** Size of the number in bits, near enough for a limit on work. */
export function bits(a: Rational): number {
  return 4 * (a.num.toString(16).length + a.den.toString(16).length);
}

/** `3`, `-1/2`. */
export function format(a: Rational): string {
  return a.den === 1n ? a.num.toString() : `${a.num}/${a.den}`;
}

/** Reads `12`, `1.50`, `.5`, `3.`, `1e3`; null for anything else, and for exponents beyond ±400. */
export function parseDecimal(text: string): Rational | null {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/.exec(text);
  if (match === null) return null;
  const [, sign, whole = '', decimals = '', exponentText] = match;
  if (whole === '' && decimals === '') return null;
  const exponent = (exponentText === undefined ? 0 : Number(exponentText)) - decimals.length;
  if (Math.abs(exponent) > 2400 || Math.abs(Number(exponentText ?? 0)) > 400) return null;
  const digits = BigInt(`${whole}${decimals}`) * (sign === '-' ? -1n : 1n);
  return exponent >= 0 ? integer(digits * 10n ** BigInt(exponent)) : fraction(digits, 10n ** BigInt(-exponent));
}
