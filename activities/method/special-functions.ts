/** Named functions in answers: computed where the result is exact and small, otherwise an opaque atom of their argument's key. */
import { NotComparable, type Algebra, type Value } from './algebra.ts';
import { ONE, ZERO, compare, floor, integer, isInteger, negate, type Rational } from './rational.ts';

export const FUNCTION_NAMES: ReadonlySet<string> = new Set(
  'sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh log ln lg exp abs floor ceil gcd lcm min max det binom'.split(
    ' ',
  ),
);

const MAX_FACTORIAL = 400n;

/** The value of name(args); `base` is the subscript of log. */
export function applyFunction(
  algebra: Algebra,
  name: string,
  args: readonly Value[],
  base: Value | null = null,
): Value {
  const numbers = args.map((arg) => algebra.rational(arg));
  const exact = numbers.every((number): number is Rational => number !== null) ? computed(name, numbers) : null;
  if (exact !== null) return algebra.constant(exact);
  if (name === 'exp' && args.length === 1) return algebra.power(algebra.atom('e'), args[0] as Value);
  const keys = args.map((arg) => algebra.key(arg));
  const label = base === null ? name : `${name}_${algebra.key(base)}`;
  if (name === 'ln' && keys[0] === '1*e') return algebra.constant(ONE);
  if (base !== null && keys[0] === algebra.key(base)) return algebra.constant(ONE);
  return algebra.atom(`${label}(${keys.join(',')})`);
}

function computed(name: string, numbers: readonly Rational[]): Rational | null {
  const [a, b] = numbers;
  if (a === undefined) return null;
  switch (name) {
    case 'factorial':
      return factorial(a);
    case 'binom':
      return b === undefined ? null : binomial(a, b);
    case 'abs':
      return a.num < 0n ? negate(a) : a;
    case 'floor':
      return integer(floor(a));
    case 'ceil':
      return integer(-floor(negate(a)));
    case 'min':
      return numbers.reduce((best, value) => (compare(value, best) < 0 ? value : best));
    case 'max':
      return numbers.reduce((best, value) => (compare(value, best) > 0 ? value : best));
    case 'log':
    case 'ln':
    case 'lg':
      return compare(a, ONE) === 0 ? ZERO : null;
    case 'sin':
    case 'tan':
      return a.num === 0n ? ZERO : null;
    case 'cos':
    case 'exp':
      return a.num === 0n ? ONE : null;
    default:
      return null;
  }
}

function factorial(n: Rational): Rational | null {
  if (!isInteger(n) || n.num < 0n) return null;
  if (n.num > MAX_FACTORIAL) throw new NotComparable('factorial too large');
  let product = 1n;
  for (let k = 2n; k <= n.num; k += 1n) product *= k;
  return integer(product);
}

function binomial(n: Rational, k: Rational): Rational | null {
  if (!isInteger(n) || !isInteger(k) || n.num < 0n || k.num < 0n) return null;
  if (k.num > n.num) return ZERO;
  const short = k.num * 2n > n.num ? n.num - k.num : k.num;
  if (short > MAX_FACTORIAL || n.num > 1_000_000n) throw new NotComparable('binomial too large');
  let product = 1n;
  for (let j = 1n; j <= short; j += 1n) product = (product * (n.num - short + j)) / j;
  return integer(product);
}
