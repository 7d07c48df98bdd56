/**
 * Numbers as sympy 1.14 adds and multiplies them: exact fractions, and floats of a precision of their own that round to nearest, ties to
 * even, at every step. 0.1 + 0.2 is therefore not 0.3 for the official grader.
 */
import { bitLength, expFloat, fromFraction, integerSquareRoot, logFloat, multiplyFloat } from './big-float.ts';
import { add, fraction, integer, invert, multiply, negate, type Rational } from '../algebra/rational.ts';

/** man * 2^exp, man odd; precision in bits. */
export interface SympyFloat {
  readonly man: bigint;
  readonly exp: number;
  readonly precision: number;
}
export type SympyNumber = Rational | SympyFloat;

export function isFloat(value: SympyNumber): value is SympyFloat {
  return 'man' in value;
}

/** Zero floats turn into the integer 0, as in sympy. */
function rounded(man: bigint, exp: number, precision: number): SympyNumber {
  if (man === 0n) return integer(0);
  let mantissa = man;
  let exponent = exp;
  const excess = bitLength(man) - precision;
  if (excess > 0) {
    const size = mantissa < 0n ? -mantissa : mantissa;
    const shift = BigInt(excess);
    const half = 1n << (shift - 1n);
    const rest = size & ((1n << shift) - 1n);
    let kept = size >> shift;
    if (rest > half || (rest === half && (kept & 1n) === 1n)) kept += 1n;
    mantissa = mantissa < 0n ? -kept : kept;
    exponent += excess;
  }
  while ((mantissa & 1n) === 0n) {
    mantissa >>= 1n;
    exponent += 1;
  }
  return { man: mantissa, exp: exponent, precision };
}

function roundedFraction({ num, den }: Rational, precision: number): SympyNumber {
  if (num === 0n) return integer(0);
  const shift = Math.max(0, precision + bitLength(den) - bitLength(num) + 4);
  const top = num << BigInt(shift);
  const quotient = top / den;
  // A sticky bit below the last one keeps ties apart from what is just above them.
  const sticky = quotient * den === top ? 0n : num < 0n ? -1n : 1n;
  return rounded(2n * quotient + sticky, -shift - 1, precision);
}

function asFloat(value: SympyNumber, precision: number): SympyFloat | null {
  const result = isFloat(value) ? value : roundedFraction(value, precision);
  return isFloat(result) ? result : null;
}

function exact(value: SympyNumber): Rational {
  if (!isFloat(value)) return value;
  return value.exp >= 0
    ? integer(value.man << BigInt(value.exp))
    : (fraction(value.man, 1n << BigInt(-value.exp)) as Rational);
}

/** A float literal: 15 digits, or as many as are written. */
export function floatLiteral(text: string, value: Rational): SympyNumber {
  const [digits, exponent] = text.toLowerCase().replaceAll('_', '').split('e') as [string, string?];
  const significant = digits.replace('.', '').replace(/^0+(?=\d)/, '').length;
  const whole = value.den === 1n && exponent !== undefined && !digits.includes('.');
  const decimals = Math.max(15, significant, whole ? value.num.toString().length : 0);
  return roundedFraction(value, Math.max(1, Math.round((decimals + 1) * 3.3219280948873626)));
}

export function isZeroNumber(value: SympyNumber): boolean {
  return !isFloat(value) && value.num === 0n;
}

export function negateNumber(value: SympyNumber): SympyNumber {
  return isFloat(value) ? { ...value, man: -value.man } : negate(value);
}

function commonPrecision(a: SympyNumber, b: SympyNumber): number {
  return Math.max(isFloat(a) ? a.precision : 0, isFloat(b) ? b.precision : 0);
}

export function addNumbers(a: SympyNumber, b: SympyNumber): SympyNumber {
  if (!isFloat(a) && !isFloat(b)) return add(a, b);
  const precision = commonPrecision(a, b);
  const left = asFloat(a, precision);
  const right = asFloat(b, precision);
  if (left === null || right === null) {
    const only = left ?? right;
    return only === null ? integer(0) : rounded(only.man, only.exp, precision);
  }
  const exp = Math.min(left.exp, right.exp);
  return rounded((left.man << BigInt(left.exp - exp)) + (right.man << BigInt(right.exp - exp)), exp, precision);
}

export function multiplyNumbers(a: SympyNumber, b: SympyNumber): SympyNumber {
  if (!isFloat(a) && !isFloat(b)) return multiply(a, b);
  const precision = commonPrecision(a, b);
  const left = asFloat(a, precision);
  const right = asFloat(b, precision);
  return left === null || right === null ? integer(0) : rounded(left.man * right.man, left.exp + right.exp, precision);
}

/** 1 / a; null for 0. */
export function invertNumber(a: SympyNumber): SympyNumber | null {
  if (!isFloat(a)) return invert(a);
  return roundedFraction(invert(exact(a)) as Rational, a.precision);
}

/** Floats divide in one step; a fraction by a float in two. Null for division by 0. */
export function divideNumbers(a: SympyNumber, b: SympyNumber): SympyNumber | null {
  if (isFloat(a)) {
    const precision = commonPrecision(a, b);
    const divisor = asFloat(b, precision);
    return divisor === null ? null : roundedFraction(multiply(exact(a), invert(exact(divisor)) as Rational), precision);
  }
  const inverse = invertNumber(b);
  return inverse === null ? null : multiplyNumbers(a, inverse);
}

/** base^exponent where a float takes part; null when the result is not one float. */
export function floatPower(base: SympyNumber, exponent: SympyNumber): SympyNumber | null {
  const precision = commonPrecision(base, isFloat(base) && !isFloat(exponent) ? integer(0) : exponent);
  const root = asFloat(base, precision);
  if (root === null) return null;
  const power = exact(exponent);
  if (power.den === 1n) {
    if (power.num > 4096n || power.num < -4096n || root.precision > 4096) return null;
    const size = power.num < 0n ? -power.num : power.num;
    const whole = exact(root);
    const raised: Rational = { num: whole.num ** size, den: whole.den ** size };
    return roundedFraction(power.num < 0n ? (invert(raised) as Rational) : raised, precision);
  }
  if (root.man < 0n || precision > 160) return null;
  if (power.den === 2n && power.num === 1n) return rootOfFloat(root, precision);
  const positive = exact(root);
  const logarithm = logFloat(fromFraction(positive.num, positive.den));
  const result = expFloat(multiplyFloat(logarithm, fromFraction(power.num, power.den)));
  return rounded(result.m, result.e, precision);
}

function rootOfFloat({ man, exp }: SympyFloat, precision: number): SympyNumber {
  let shift = Math.max(0, 2 * precision + 8 - bitLength(man));
  if ((exp - shift) % 2 !== 0) shift += 1;
  const top = man << BigInt(shift);
  const root = integerSquareRoot(top);
  return rounded(2n * root + (root * root === top ? 0n : 1n), (exp - shift) / 2 - 1, precision);
}

/** Natural logarithm of a positive float. */
export function floatLogarithm(value: SympyFloat): SympyNumber | null {
  if (value.man <= 0n || value.precision > 160) return null;
  const positive = exact(value);
  const result = logFloat(fromFraction(positive.num, positive.den));
  return rounded(result.m, result.e, value.precision);
}

/** One text for each number; floats and fractions never share one. */
export function numberKey(value: SympyNumber): string {
  return isFloat(value) ? `f${value.man}e${value.exp}p${value.precision}` : `${value.num}/${value.den}`;
}
