/**
 * Binary floating point of any precision on BigInt: what the zero test of the official grader computes with. Truncating, so the last few
 * bits are not to be trusted; the caller compares with a wide margin.
 */

/** mantissa * 2^exponent. */
export interface BigFloat {
  readonly m: bigint;
  readonly e: number;
}

/** The number is too large or too small to compute with, or has no value. Control flow inside of the grader. */
export class NoNumber extends Error {
  override readonly name = 'NoNumber';
}

export const PRECISION = 224;
/** Bits that the elementary functions carry beyond the precision. */
const GUARD = 64;
const FIXED = PRECISION + GUARD;
const MAX_EXPONENT = 1_000_000;

export const FLOAT_ZERO: BigFloat = { m: 0n, e: 0 };
export const FLOAT_ONE: BigFloat = { m: 1n, e: 0 };

export function bitLength(value: bigint): number {
  const hex = (value < 0n ? -value : value).toString(16);
  return 4 * hex.length - Math.clz32(Number.parseInt(hex.charAt(0), 16)) + 28;
}

/** Position of the leading bit; -Infinity for 0. */
export function magnitude(a: BigFloat): number {
  return a.m === 0n ? -Infinity : bitLength(a.m) + a.e;
}

function trimmed(m: bigint, e: number): BigFloat {
  if (m === 0n) return FLOAT_ZERO;
  const excess = bitLength(m) - PRECISION;
  if (Math.abs(e) > MAX_EXPONENT) throw new NoNumber('exponent out of range');
  return excess > 0 ? { m: m >> BigInt(excess), e: e + excess } : { m, e };
}

export function fromFraction(num: bigint, den: bigint): BigFloat {
  if (den === 1n) return trimmed(num, 0);
  const shift = PRECISION + Math.max(0, bitLength(den) - bitLength(num)) + 2;
  return trimmed((num << BigInt(shift)) / den, -shift);
}

export function negateFloat(a: BigFloat): BigFloat {
  return { m: -a.m, e: a.e };
}

export function addFloat(a: BigFloat, b: BigFloat): BigFloat {
  if (a.m === 0n) return b;
  if (b.m === 0n) return a;
  const [low, high] = a.e <= b.e ? [a, b] : [b, a];
  const gap = high.e - low.e;
  // Beyond this gap the smaller one is below the precision of the larger.
  if (gap > 2 * PRECISION) return magnitude(high) > magnitude(low) + PRECISION ? high : low;
  return trimmed((high.m << BigInt(gap)) + low.m, low.e);
}

export function multiplyFloat(a: BigFloat, b: BigFloat): BigFloat {
  return trimmed(a.m * b.m, a.e + b.e);
}

export function divideFloat(a: BigFloat, b: BigFloat): BigFloat {
  if (b.m === 0n) throw new NoNumber('division by zero');
  const shift = Math.max(0, PRECISION + bitLength(b.m) - bitLength(a.m) + 2);
  return trimmed((a.m << BigInt(shift)) / b.m, a.e - b.e - shift);
}

/** Floor of the square root. */
export function integerSquareRoot(value: bigint): bigint {
  if (value < 2n) return value;
  let guess = 1n << BigInt((bitLength(value) >> 1) + 1);
  for (;;) {
    const next = (guess + value / guess) >> 1n;
    if (next >= guess) return guess;
    guess = next;
  }
}

/** Square root of a number that is not negative. */
export function rootFloat(a: BigFloat): BigFloat {
  if (a.m === 0n) return a;
  let shift = Math.max(0, 2 * PRECISION - bitLength(a.m));
  if ((a.e - shift) % 2 !== 0) shift += 1;
  return trimmed(integerSquareRoot(a.m << BigInt(shift)), (a.e - shift) / 2);
}

/** Near enough for the start of an iteration. The exponent is taken apart so that nothing overflows. */
export function toDouble(a: BigFloat, scale = 0): number {
  if (a.m === 0n) return 0;
  const excess = Math.max(0, bitLength(a.m) - 64);
  return Number(a.m >> BigInt(excess)) * 2 ** (a.e + excess - scale);
}

/** The number as an integer multiple of 2^-FIXED. */
function toFixed(a: BigFloat): bigint {
  if (magnitude(a) > 40) throw new NoNumber('argument too large');
  const shift = a.e + FIXED;
  return shift >= 0 ? a.m << BigInt(shift) : a.m >> BigInt(-shift);
}

const fromFixed = (value: bigint): BigFloat => trimmed(value, -FIXED);
const UNIT = 1n << BigInt(FIXED);
const BIG_FIXED = BigInt(FIXED);

/** arctan(1/n) or artanh(1/n) times 2^FIXED. */
function inverseSeries(n: bigint, alternating: boolean): bigint {
  let term = UNIT / n;
  let sum = term;
  for (let k = 3n; term !== 0n; k += 2n) {
    term /= alternating ? -(n * n) : n * n;
    sum += term / k;
  }
  return sum;
}

const PI_FIXED = 16n * inverseSeries(5n, true) - 4n * inverseSeries(239n, true);
const LN2_FIXED = 18n * inverseSeries(26n, false) - 2n * inverseSeries(4801n, false) + 8n * inverseSeries(8749n, false);
export const FLOAT_PI: BigFloat = fromFixed(PI_FIXED);

const roundedQuotient = (a: bigint, b: bigint): bigint => {
  const doubled = 2n * a + b;
  const quotient = doubled / (2n * b);
  return doubled < 0n && quotient * 2n * b !== doubled ? quotient - 1n : quotient;
};

export function expFloat(a: BigFloat): BigFloat {
  const x = toFixed(a);
  const turns = roundedQuotient(x, LN2_FIXED);
  const reduced = (x - turns * LN2_FIXED) >> 8n;
  let sum = UNIT;
  let term = UNIT;
  for (let k = 1n; ; k += 1n) {
    term = ((term * reduced) >> BIG_FIXED) / k;
    if (term === 0n) break;
    sum += term;
  }
  for (let i = 0; i < 8; i += 1) sum = (sum * sum) >> BIG_FIXED;
  return trimmed(sum, Number(turns) - FIXED);
}

/** Natural logarithm of a positive number, by a third-order iteration on exp. */
export function logFloat(a: BigFloat): BigFloat {
  const exponent = magnitude(a);
  const unit: BigFloat = { m: a.m, e: a.e - exponent };
  let y = fromDouble(Math.log(toDouble(unit)));
  for (let i = 0; i < 2; i += 1) {
    const power = expFloat(y);
    const step = divideFloat(addFloat(unit, negateFloat(power)), addFloat(unit, power));
    y = addFloat(y, multiplyFloat({ m: 2n, e: 0 }, step));
  }
  return addFloat(y, multiplyFloat(fromFixed(LN2_FIXED), { m: BigInt(exponent), e: 0 }));
}

export function fromDouble(value: number): BigFloat {
  if (value === 0) return FLOAT_ZERO;
  const e = Math.floor(Math.log2(Math.abs(value))) - 52;
  return trimmed(BigInt(Math.round(value / 2 ** e)), e);
}

/** [cos, sin]. */
export function cosSinFloat(a: BigFloat): [BigFloat, BigFloat] {
  const x = toFixed(a);
  const reduced = (x - roundedQuotient(x, 2n * PI_FIXED) * 2n * PI_FIXED) >> 6n;
  let cos = 0n;
  let sin = 0n;
  let term = UNIT;
  for (let k = 1n; term !== 0n; k += 2n) {
    cos += term;
    term = ((term * reduced) >> BIG_FIXED) / k;
    sin += term;
    term = -((term * reduced) >> BIG_FIXED) / (k + 1n);
  }
  for (let i = 0; i < 6; i += 1) [cos, sin] = [((2n * cos * cos) >> BIG_FIXED) - UNIT, (2n * sin * cos) >> BIG_FIXED];
  return [fromFixed(cos), fromFixed(sin)];
}

/** Angle of the point (re, im), in (-π, π]; exact on the real axis, where the branch cuts are. */
export function angleFloat(re: BigFloat, im: BigFloat): BigFloat {
  if (im.m === 0n) return re.m < 0n ? FLOAT_PI : FLOAT_ZERO;
  const scale = Math.max(magnitude(re), magnitude(im));
  const start = fromDouble(Math.atan2(toDouble(im, scale), toDouble(re, scale)));
  const [cos, sin] = cosSinFloat(start);
  const length = rootFloat(addFloat(multiplyFloat(re, re), multiplyFloat(im, im)));
  const sine = divideFloat(addFloat(multiplyFloat(im, cos), negateFloat(multiplyFloat(re, sin))), length);
  const square = multiplyFloat(sine, sine);
  // The start is right to 50 bits, so three terms of arcsin reach 350.
  const cubic = divideFloat(multiplyFloat(sine, square), { m: 6n, e: 0 });
  const quintic = multiplyFloat(multiplyFloat(sine, multiplyFloat(square, square)), fromFraction(3n, 40n));
  return addFloat(start, addFloat(sine, addFloat(cubic, quintic)));
}
