/** Named functions in answers: computed where the result is exact and small, otherwise an opaque atom of their argument's key. */
import { NotComparable, type Algebra, type Value } from './algebra.ts';
import { exponential, logarithm } from './exponentials.ts';
import { floorOf } from './numeric-sign.ts';
import {
  ONE,
  ZERO,
  add,
  compare,
  floor,
  gcd,
  integer,
  isInteger,
  multiply,
  negate,
  subtract,
  type Rational,
} from './rational.ts';
import { IMAGINARY, UNIT, constantSum, type Sum } from './sums.ts';
import { INVERSES, TRIGONOMETRIC, inverseAngle, trigonometric } from './trigonometry.ts';

export const FUNCTION_NAMES: ReadonlySet<string> = new Set(
  'sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh log ln lg exp abs floor ceil gcd lcm min max det binom'.split(
    ' ',
  ),
);

const MAX_FACTORIAL = 400n;
const MAX_SHIFT = 8n;

/** The value of name(args); `base` is the subscript of log. */
export function applyFunction(
  algebra: Algebra,
  name: string,
  args: readonly Value[],
  base: Value | null = null,
): Value {
  const [first] = args;
  const known = args.length === 1 && first !== undefined ? ofOne(algebra, name, first, base) : null;
  if (known !== null) return known;
  const numbers = args.map((arg) => algebra.rational(arg));
  const exact = numbers.every((number): number is Rational => number !== null) ? computed(name, numbers) : null;
  if (exact !== null) return algebra.constant(exact);
  return algebra.atom(`${name}(${args.map((arg) => algebra.key(arg)).join(',')})`);
}

function ofOne(algebra: Algebra, name: string, argument: Value, base: Value | null): Value | null {
  if (TRIGONOMETRIC.has(name)) return trigonometric(algebra, name, argument);
  if (INVERSES.has(name)) return inverseAngle(algebra, name, argument);
  switch (name) {
    case 'exp':
      return exponential(algebra, argument);
    case 'ln':
      return logarithm(algebra, argument);
    // Without a base the logarithm is the common one, as in school and on competitions.
    case 'log':
    case 'lg':
      return algebra.divide(logarithm(algebra, argument), logarithm(algebra, base ?? algebra.constant(integer(10))));
    case 'abs':
      return absolute(algebra, argument);
    case 'floor':
      return rounded(algebra, argument);
    case 'ceil': {
      const below = rounded(algebra, algebra.negate(argument));
      return below === null ? null : algebra.negate(below);
    }
    case 'factorial':
      return shiftedFactorial(algebra, argument);
    default:
      return null;
  }
}

/** |x| for real and complex numbers whose sign or parts are known; |-x| and |x| are one. */
function absolute(algebra: Algebra, argument: Value): Value | null {
  const sign = algebra.sign(argument);
  if (sign !== null) return sign < 0 ? algebra.negate(argument) : argument;
  const { num, den } = algebra.simplify(argument);
  if (den === UNIT) {
    const parts = complexParts(num);
    if (parts !== null) {
      const [re, im] = parts;
      return algebra.root(algebra.constant(add(multiply(re, re), multiply(im, im))), 2n);
    }
  }
  const [plus, minus] = [algebra.key(argument), algebra.key(algebra.negate(argument))];
  return algebra.atom(`abs(${plus < minus ? plus : minus})`);
}

function complexParts(sum: Sum): [Rational, Rational] | null {
  let [re, im] = [ZERO, ZERO];
  for (const { coefficient, factors } of sum.values()) {
    if (factors.size === 0) re = coefficient;
    else if (factors.size === 1 && factors.has(IMAGINARY)) im = coefficient;
    else return null;
  }
  return [re, im];
}

function rounded(algebra: Algebra, argument: Value): Value | null {
  const { num, den } = algebra.simplify(argument);
  if (den !== UNIT || algebra.rational(argument) !== null) return null;
  const whole = floorOf(algebra.sums, num);
  return whole === null ? null : algebra.constant(integer(whole));
}

/** (n+2)! = (n+2)(n+1) n!, so that quotients of factorials cancel. */
function shiftedFactorial(algebra: Algebra, argument: Value): Value | null {
  const { num, den } = algebra.simplify(argument);
  const shift = num.get('')?.coefficient;
  if (den !== UNIT || num.size < 2 || shift === undefined || !isInteger(shift)) return null;
  if (shift.num > MAX_SHIFT || shift.num < -MAX_SHIFT) return null;
  const rest: Value = { num: algebra.sums.subtract(num, constantSum(shift)), den };
  let result = algebra.atom(`factorial(${algebra.key(rest)})`);
  for (let k = 1n; k <= shift.num; k += 1n)
    result = algebra.multiply(result, algebra.add(rest, algebra.constant(integer(k))));
  for (let k = 0n; k > shift.num; k -= 1n)
    result = algebra.divide(result, algebra.add(rest, algebra.constant(integer(k))));
  return result;
}

function computed(name: string, numbers: readonly Rational[]): Rational | null {
  const [a, b] = numbers;
  if (a === undefined) return null;
  switch (name) {
    case 'factorial':
      return steppedFactorial(a, 1n);
    case 'double factorial':
      return steppedFactorial(a, 2n);
    case 'binom':
      return b === undefined ? null : binomial(a, b);
    case 'floor':
      return integer(floor(a));
    case 'ceil':
      return integer(-floor(negate(a)));
    case 'min':
      return numbers.reduce((best, value) => (compare(value, best) < 0 ? value : best));
    case 'max':
      return numbers.reduce((best, value) => (compare(value, best) > 0 ? value : best));
    case 'gcd':
    case 'lcm':
      return commonDivisorOrMultiple(name, numbers);
    case 'sinh':
    case 'tanh':
      return a.num === 0n ? ZERO : null;
    case 'cosh':
      return a.num === 0n ? ONE : null;
    default:
      return null;
  }
}

function commonDivisorOrMultiple(name: 'gcd' | 'lcm', numbers: readonly Rational[]): Rational | null {
  if (!numbers.every((number) => isInteger(number) && number.num !== 0n)) return null;
  const positive = numbers.map(({ num }) => (num < 0n ? -num : num));
  return integer(positive.reduce((a, b) => (name === 'gcd' ? gcd(a, b) : (a / gcd(a, b)) * b)));
}

/** n (n - step) (n - 2 step) … */
function steppedFactorial(n: Rational, step: bigint): Rational | null {
  if (!isInteger(n) || n.num < 0n) return null;
  if (n.num > MAX_FACTORIAL) throw new NotComparable('factorial too large');
  let product = 1n;
  for (let k = n.num; k > 1n; k -= step) product *= k;
  return integer(product);
}

function binomial(n: Rational, k: Rational): Rational | null {
  if (!isInteger(n) || !isInteger(k) || n.num < 0n || k.num < 0n) return null;
  if (k.num > n.num) return ZERO;
  const short = k.num * 2n > n.num ? subtract(n, k).num : k.num;
  if (short > MAX_FACTORIAL || n.num > 1_000_000n) throw new NotComparable('binomial too large');
  let product = 1n;
  for (let j = 1n; j <= short; j += 1n) product = (product * (n.num - short + j)) / j;
  return integer(product);
}
