/**
 * Trigonometric functions in normal form: exact at multiples of 15 and 18 degrees, parity and the reduction to the first quadrant
 * elsewhere, sums and whole multiples of angles expanded, sin² replaced by 1 - cos², everything else written with sin and cos.
 */
import type { Algebra } from './algebra.ts';
import type { Value } from './quotients.ts';
import {
  ONE,
  ZERO,
  add,
  floor,
  fraction,
  integer,
  isInteger,
  multiply,
  negate,
  subtract,
  type Rational,
} from './rational.ts';
import { UNIT, atomsOf, leadingTerm, monomialKey, sumContent } from './sums.ts';

const HALF: Rational = { num: 1n, den: 2n };
const MAX_MULTIPLE = 8n;
const MAX_ANGLES = 3;

export const TRIGONOMETRIC: ReadonlySet<string> = new Set('sin cos tan cot sec csc'.split(' '));
export const INVERSES: ReadonlyMap<string, string> = new Map([
  ['arcsin', 'sin'],
  ['arccos', 'cos'],
  ['arctan', 'tan'],
]);

interface SineCosine {
  sin: Value;
  cos: Value;
}

export function trigonometric(algebra: Algebra, name: string, argument: Value): Value {
  const { sin, cos } = ofAngle(algebra, argument);
  const one = algebra.constant(ONE);
  switch (name) {
    case 'sin':
      return sin;
    case 'cos':
      return cos;
    case 'tan':
      return algebra.divide(sin, cos);
    case 'cot':
      return algebra.divide(cos, sin);
    case 'sec':
      return algebra.divide(one, cos);
    default:
      return algebra.divide(one, sin);
  }
}

/** cos(qπ) for a fraction q. */
export function cosineOfTurn(algebra: Algebra, turn: Rational): Value {
  // Into [0, 1], using the period 2 and the symmetry about π.
  const two = integer(2);
  let q = subtract(turn, multiply(two, integer(floor(multiply(turn, HALF)))));
  if (q.num > q.den) q = subtract(two, q);
  const negative = q.num * 2n > q.den;
  if (negative) q = subtract(ONE, q);
  const value = firstQuadrantCosine(algebra, q);
  return negative ? algebra.negate(value) : value;
}

export function sineOfTurn(algebra: Algebra, turn: Rational): Value {
  return cosineOfTurn(algebra, subtract(HALF, turn));
}

function firstQuadrantCosine(algebra: Algebra, q: Rational): Value {
  const root = (n: number): Value => algebra.root(algebra.constant(integer(n)), 2n);
  const over = (value: Value, n: number): Value => algebra.divide(value, algebra.constant(integer(n)));
  const one = algebra.constant(ONE);
  switch (`${q.num}/${q.den}`) {
    case '0/1':
      return one;
    case '1/2':
      return algebra.constant(ZERO);
    case '1/3':
      return over(one, 2);
    case '1/4':
      return over(root(2), 2);
    case '1/6':
      return over(root(3), 2);
    case '1/12':
      return over(algebra.add(root(6), root(2)), 4);
    case '5/12':
      return over(algebra.subtract(root(6), root(2)), 4);
    case '1/5':
      return over(algebra.add(root(5), one), 4);
    case '2/5':
      return over(algebra.subtract(root(5), one), 4);
    default:
      return algebra.atom(`cos(${q.num}/${q.den}*pi)`);
  }
}

function ofAngle(algebra: Algebra, argument: Value): SineCosine {
  const { num, den } = algebra.simplify(argument);
  if (den !== UNIT || num.size > MAX_ANGLES) {
    if (num.size === 0) return ofTurn(algebra, ZERO);
    const content = sumContent(num);
    const negative = leadingTerm(num, atomsOf(num)).coefficient.num < 0n;
    const sign: Rational = { num: negative ? -content.den : content.den, den: content.num };
    const base = algebra.key({ num: algebra.sums.scale(num, sign), den });
    return ofMultiple(algebra, base, negative ? negate(content) : content);
  }
  let result = ofTurn(algebra, ZERO);
  for (const { coefficient, factors } of num.values()) {
    const isTurn = factors.size === 1 && factors.get('pi')?.num === 1n && factors.get('pi')?.den === 1n;
    const next = isTurn ? ofTurn(algebra, coefficient) : ofMultiple(algebra, monomialKey(factors), coefficient);
    result = sumOfAngles(algebra, result, next);
  }
  return result;
}

function ofTurn(algebra: Algebra, turn: Rational): SineCosine {
  return { sin: sineOfTurn(algebra, turn), cos: cosineOfTurn(algebra, turn) };
}

/** The angle `times` · base, from base / den by adding it up. */
function ofMultiple(algebra: Algebra, base: string, times: Rational): SineCosine {
  const size = times.num < 0n ? -times.num : times.num;
  // An angle of plain radians is a number like any other; taking it apart would gain nothing.
  const whole = base === '' || size > MAX_MULTIPLE ? 1n : size;
  const unit = fraction(size, whole * times.den) as Rational;
  const name = `${unit.num}/${unit.den}*${base === '' ? 'rad' : base}`;
  const sine = `sin(${name})`;
  const cosine = `cos(${name})`;
  const cos = algebra.atom(cosine);
  algebra.sums.define(sine, 2n, algebra.subtract(algebra.constant(ONE), algebra.wholePower(cos, 2n)).num);
  const step = { sin: algebra.atom(sine), cos };
  let result: SineCosine = step;
  for (let k = 1n; k < whole; k += 1n) result = sumOfAngles(algebra, result, step);
  return times.num < 0n ? { sin: algebra.negate(result.sin), cos: result.cos } : result;
}

function sumOfAngles(algebra: Algebra, a: SineCosine, b: SineCosine): SineCosine {
  const times = (x: Value, y: Value): Value => algebra.multiply(x, y);
  return {
    sin: algebra.add(times(a.sin, b.cos), times(a.cos, b.sin)),
    cos: algebra.subtract(times(a.cos, b.cos), times(a.sin, b.sin)),
  };
}

/** arcsin, arccos and arctan of the values of the table; null elsewhere. */
export function inverseAngle(algebra: Algebra, name: string, argument: Value): Value | null {
  const key = algebra.key(argument);
  const offset = name === 'arccos' ? ZERO : negate(HALF);
  // Twelfths and tenths of π over the range of the function.
  for (const parts of [12n, 10n]) {
    for (let k = 0n; k <= parts; k += 1n) {
      const turn = add(offset, fraction(k, parts) as Rational);
      if (isInteger(multiply(turn, integer(2))) && name === 'arctan' && !isInteger(turn)) continue;
      const { sin, cos } = ofTurn(algebra, turn);
      const value = name === 'arcsin' ? sin : name === 'arccos' ? cos : algebra.divide(sin, cos);
      if (algebra.isZero(algebra.subtract(value, argument)) || algebra.key(value) === key)
        return algebra.multiply(algebra.constant(turn), algebra.atom('pi'));
    }
  }
  return null;
}
