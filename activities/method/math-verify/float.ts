/**
 * SymPy's Float: a binary number of a given precision, every operation rounded half to even. The verdicts depend on it: a
 * decimal is compared with six places, a difference with zero to the last bit. Source: sympy 1.14.0, core/numbers.py, core/expr.py.
 */
import { add, compare, floor, fraction, integer, multiply, negate, type Rational } from '../algebra/rational.ts';

/** A number after evaluation: exact when `precision` is null. */
export interface Quantity {
  readonly value: Rational;
  readonly precision: number | null;
}

/** mpmath dps_to_prec. */
function bitsOfDigits(digits: number): number {
  return Math.max(1, Math.round((digits + 1) * 3.3219280948873626));
}

function digitsOfBits(precision: number): number {
  return Math.max(1, Math.round(precision / 3.3219280948873626) - 1);
}

function bitLength(value: bigint): number {
  return value === 0n ? 0 : value.toString(2).length;
}

/** The integer nearest to a fraction, ties to even. */
function nearest(value: Rational): bigint {
  const down = floor(value);
  const order = compare(add(value, integer(-down)), { num: 1n, den: 2n });
  return order > 0 || (order === 0 && down % 2n !== 0n) ? down + 1n : down;
}

function scaleByPower(value: Rational, base: bigint, exponent: number): Rational {
  const power = base ** BigInt(Math.abs(exponent));
  return exponent >= 0 ? multiply(value, integer(power)) : (fraction(value.num, value.den * power) as Rational);
}

/** The nearest binary number of the precision. */
export function roundToBits(value: Rational, precision: number): Rational {
  if (value.num === 0n) return value;
  const size = value.num < 0n ? -value.num : value.num;
  let shift = precision - (bitLength(size) - bitLength(value.den));
  let scaled = scaleByPower(value, 2n, shift);
  const limit = 1n << BigInt(precision);
  const tooLarge = compare(scaled.num < 0n ? negate(scaled) : scaled, integer(limit)) >= 0;
  if (tooLarge) {
    shift -= 1;
    scaled = scaleByPower(value, 2n, shift);
  }
  return scaleByPower(integer(nearest(scaled)), 2n, -shift);
}

/** Precision of Float(text): at least that of 15 significant digits. */
export function floatBits(digits: number): number {
  return bitsOfDigits(Math.max(15, digits));
}

function joint(a: Quantity, b: Quantity): number | null {
  if (a.precision === null) return b.precision;
  return b.precision === null ? a.precision : Math.max(a.precision, b.precision);
}

function rounded(value: Rational, precision: number | null): Quantity {
  return { value: precision === null ? value : roundToBits(value, precision), precision };
}

/** An exact operand is rounded before the operation, and the result again. */
function operated(a: Quantity, b: Quantity, operate: (a: Rational, b: Rational) => Rational): Quantity {
  const precision = joint(a, b);
  const operand = ({ value, precision: own }: Quantity): Rational =>
    own === null ? rounded(value, precision).value : value;
  return rounded(operate(operand(a), operand(b)), precision);
}

export function addQuantities(a: Quantity, b: Quantity): Quantity {
  return operated(a, b, add);
}

export function multiplyQuantities(a: Quantity, b: Quantity): Quantity {
  return operated(a, b, multiply);
}

/** value^exponent; null for 0 to a negative power and for powers beyond the bounds. */
export function powerOf(base: Quantity, exponent: bigint): Quantity | null {
  if (exponent > 4096n || exponent < -4096n) return null;
  const size = exponent < 0n ? -exponent : exponent;
  const { num, den } = base.value;
  if ((num.toString(16).length + den.toString(16).length) * Number(size) > 8192) return null;
  const power = exponent < 0n ? fraction(den ** size, num ** size) : fraction(num ** size, den ** size);
  return power === null ? null : rounded(power, base.precision);
}

/** _mag: i with 0.1 <= |x| / 10^i < 1. */
function magnitude(value: Rational): number {
  const size = value.num < 0n ? negate(value) : value;
  let guess = size.num.toString().length - size.den.toString().length;
  while (compare(size, scaleByPower(integer(1), 10n, guess)) >= 0) guess += 1;
  while (compare(size, scaleByPower(integer(1), 10n, guess - 1)) < 0) guess -= 1;
  return guess;
}

/** Expr.round(places) of a number: equal texts are equal results (value and precision both count). */
export function roundedKey(quantity: Quantity, places: number): string {
  const { value, precision } = quantity;
  const text = (result: Rational, digits: number | null): string =>
    `${result.num}/${result.den}@${digits === null ? 'exact' : bitsOfDigits(digits)}`;
  if (precision === null && value.den === 1n) return text(value, null);
  if (value.num === 0n) return `0/1@${precision}`;
  const digitsBefore = magnitude(value);
  let allow = digitsBefore + places;
  const digits = precision === null ? Math.max(15, allow) : digitsOfBits(precision);
  if (precision !== null) allow = Math.min(allow, digits);
  const shift = digits - digitsBefore;
  const working = bitsOfDigits(digits + 1);
  const scaled = roundToBits(scaleByPower(roundToBits(value, working), 10n, shift), working);
  const sign = scaled.num < 0n ? -1n : 1n;
  const size = sign < 0n ? negate(scaled) : scaled;
  let whole = floor(size);
  const rest = roundToBits(add(size, integer(-whole)), bitsOfDigits(1));
  const order = compare(rest, { num: 1n, den: 2n });
  if (order > 0) whole += 1n;
  // The reference steps towards the even neighbour, which for an even number is the one below.
  else if (order === 0) whole += whole % 2n === 1n ? 1n : -1n;
  const position = places - shift;
  if (position < 0) {
    const unit = 10n ** BigInt(-position);
    whole = nearest(fraction(whole, unit) as Rational) * unit;
  }
  const result = scaleByPower(integer(sign * whole), 10n, -shift);
  if (result.den === 1n) return text(roundToBits(result, bitsOfDigits(digits)), digits);
  if (allow <= 0 && compare(result, value) > 0) allow += 1;
  return text(roundToBits(result, bitsOfDigits(allow)), allow);
}
