/** Complex numbers on `BigFloat`, with the principal branches that sympy uses. Real numbers stay exactly real. */
import {
  FLOAT_ONE,
  FLOAT_ZERO,
  NoNumber,
  addFloat,
  angleFloat,
  cosSinFloat,
  divideFloat,
  expFloat,
  fromFraction,
  logFloat,
  magnitude,
  multiplyFloat,
  negateFloat,
  rootFloat,
  type BigFloat,
} from './big-float.ts';

export interface BigComplex {
  readonly re: BigFloat;
  readonly im: BigFloat;
}

export const COMPLEX_ONE: BigComplex = { re: FLOAT_ONE, im: FLOAT_ZERO };

export function complexFraction(num: bigint, den: bigint): BigComplex {
  return { re: fromFraction(num, den), im: FLOAT_ZERO };
}

export function isComplexZero({ re, im }: BigComplex): boolean {
  return re.m === 0n && im.m === 0n;
}

export function complexMagnitude({ re, im }: BigComplex): number {
  return Math.max(magnitude(re), magnitude(im));
}

export function addComplex(a: BigComplex, b: BigComplex): BigComplex {
  return { re: addFloat(a.re, b.re), im: addFloat(a.im, b.im) };
}

export function negateComplex(a: BigComplex): BigComplex {
  return { re: negateFloat(a.re), im: negateFloat(a.im) };
}

export function multiplyComplex(a: BigComplex, b: BigComplex): BigComplex {
  if (a.im.m === 0n) return { re: multiplyFloat(a.re, b.re), im: multiplyFloat(a.re, b.im) };
  if (b.im.m === 0n) return { re: multiplyFloat(a.re, b.re), im: multiplyFloat(a.im, b.re) };
  return {
    re: addFloat(multiplyFloat(a.re, b.re), negateFloat(multiplyFloat(a.im, b.im))),
    im: addFloat(multiplyFloat(a.re, b.im), multiplyFloat(a.im, b.re)),
  };
}

export function divideComplex(a: BigComplex, b: BigComplex): BigComplex {
  if (isComplexZero(b)) throw new NoNumber('division by zero');
  if (b.im.m === 0n) return { re: divideFloat(a.re, b.re), im: divideFloat(a.im, b.re) };
  const square = addFloat(multiplyFloat(b.re, b.re), multiplyFloat(b.im, b.im));
  const top = multiplyComplex(a, { re: b.re, im: negateFloat(b.im) });
  return { re: divideFloat(top.re, square), im: divideFloat(top.im, square) };
}

function length(a: BigComplex): BigFloat {
  return rootFloat(addFloat(multiplyFloat(a.re, a.re), multiplyFloat(a.im, a.im)));
}

function rootComplex(a: BigComplex): BigComplex {
  if (a.im.m === 0n) {
    return a.re.m < 0n ? { re: FLOAT_ZERO, im: rootFloat(negateFloat(a.re)) } : { re: rootFloat(a.re), im: FLOAT_ZERO };
  }
  // The larger part first, so that nothing cancels.
  const half: BigFloat = { m: 1n, e: -1 };
  const size = length(a);
  const positive = a.re.m >= 0n;
  const large = rootFloat(multiplyFloat(half, addFloat(size, positive ? a.re : negateFloat(a.re))));
  const small = multiplyFloat(half, divideFloat(a.im, large));
  if (positive) return { re: large, im: small };
  return a.im.m < 0n ? { re: negateFloat(small), im: negateFloat(large) } : { re: small, im: large };
}

export function logComplex(a: BigComplex): BigComplex {
  if (isComplexZero(a)) throw new NoNumber('logarithm of zero');
  const size = a.im.m === 0n ? (a.re.m < 0n ? negateFloat(a.re) : a.re) : length(a);
  return { re: logFloat(size), im: angleFloat(a.re, a.im) };
}

function expComplex(a: BigComplex): BigComplex {
  const size = expFloat(a.re);
  if (a.im.m === 0n) return { re: size, im: FLOAT_ZERO };
  const [cos, sin] = cosSinFloat(a.im);
  return { re: multiplyFloat(size, cos), im: multiplyFloat(size, sin) };
}

function wholePower(base: BigComplex, exponent: bigint): BigComplex {
  if (exponent < 0n) return divideComplex(COMPLEX_ONE, wholePower(base, -exponent));
  let result = COMPLEX_ONE;
  let square = base;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = multiplyComplex(result, square);
    if (rest > 1n) square = multiplyComplex(square, square);
  }
  return result;
}

/** base^(num/den); exact in its branch for whole and half exponents. */
export function rationalPower(base: BigComplex, num: bigint, den: bigint): BigComplex {
  if (den === 1n) return wholePower(base, num);
  if (den === 2n) return wholePower(rootComplex(base), num);
  return complexPower(base, complexFraction(num, den));
}

export function complexPower(base: BigComplex, exponent: BigComplex): BigComplex {
  if (isComplexZero(base)) {
    if (exponent.re.m > 0n && exponent.im.m === 0n) return base;
    throw new NoNumber('power of zero');
  }
  return expComplex(multiplyComplex(exponent, logComplex(base)));
}
