/** The exact part of sympy's automatic evaluation: operations and functions of fractions. Null where the result is no fraction. */
import { NotAnExpression, type BinaryKind, type Expression } from './python-expression.ts';
import {
  add,
  bits,
  compare,
  floor,
  integer,
  invert,
  multiply,
  negate,
  subtract,
  type Rational,
} from '../algebra/rational.ts';
import { isFloat } from './sympy-number.ts';

const MAX_BITS = 8192;
/** Reducing a fraction costs the square of its length, and a sum of many has to be reduced at every term. */
const MAX_FRACTION_BITS = 2048;
const MAX_FACTORIAL = 400n;

function guarded(value: Rational): Rational {
  if (bits(value) > (value.den === 1n ? MAX_BITS : MAX_FRACTION_BITS)) throw new NotAnExpression('number too long');
  return value;
}

export function exactOperation(kind: BinaryKind, a: Rational, b: Rational): Rational | null {
  if (kind === 'add') return guarded(add(a, b));
  if (kind === 'equal' || kind === 'unequal') return integer((compare(a, b) === 0) === (kind === 'equal') ? 1 : 0);
  if (kind === 'multiply') return guarded(multiply(a, b));
  if (kind === 'power') return exactPower(a, b);
  const inverse = invert(b);
  if (inverse === null) throw new NotAnExpression('division by zero');
  const quotient = guarded(multiply(a, inverse));
  return kind === 'divide' ? quotient : integer(floor(quotient));
}

function exactPower(base: Rational, exponent: Rational): Rational | null {
  if (exponent.den !== 1n) return null;
  const size = exponent.num < 0n ? -exponent.num : exponent.num;
  if (size > 0n && BigInt(bits(base)) * size > BigInt(4 * MAX_BITS)) {
    // Powers of 0, 1 and -1 stay small however often they are multiplied.
    if (base.den !== 1n || base.num > 1n || base.num < -1n) throw new NotAnExpression('number too long');
    return integer(size % 2n === 0n ? base.num * base.num : base.num);
  }
  const raised: Rational = { num: base.num ** size, den: base.den ** size };
  if (exponent.num >= 0n) return guarded(raised);
  const inverse = invert(raised);
  if (inverse === null) throw new NotAnExpression('division by zero');
  return guarded(inverse);
}

export function exactCall(name: string, value: Rational): Rational | null {
  switch (name) {
    case 're':
      return value;
    case 'im':
      return integer(0);
    case 'frac':
      return subtract(value, integer(floor(value)));
    case 'ln':
      return compare(value, integer(1)) === 0 ? integer(0) : null;
    default:
      return exactFactorial(value, name === 'factorial2' ? 2n : 1n);
  }
}

function exactFactorial(value: Rational, step: bigint): Rational | null {
  if (value.den !== 1n) return null;
  if (value.num < 0n) {
    if (step === 2n && value.num % 2n !== 0n) return null;
    throw new NotAnExpression('factorial of a negative number');
  }
  if (value.num > MAX_FACTORIAL) throw new NotAnExpression('factorial too large');
  let product = 1n;
  for (let k = value.num; k > 1n; k -= step) product *= k;
  return guarded(integer(product));
}

/** Values of sub-expressions that are plain fractions; null for all others. */
export class ExactReader {
  readonly #known = new Map<Expression, Rational | null>();
  readonly #vanishes: (difference: Expression) => boolean;

  /** `vanishes` decides comparisons, which are numbers in Python. */
  constructor(vanishes: (difference: Expression) => boolean) {
    this.#vanishes = vanishes;
  }

  read(node: Expression): Rational | null {
    const known = this.#known.get(node);
    if (known !== undefined) return known;
    const value = this.#compute(node);
    this.#known.set(node, value);
    return value;
  }

  #compute(node: Expression): Rational | null {
    switch (node.kind) {
      case 'number':
        return isFloat(node.value) ? null : node.value;
      case 'symbol':
      case 'constant':
        return null;
      case 'negate': {
        const value = this.read(node.operand);
        return value === null ? null : negate(value);
      }
      case 'call': {
        const value = this.read(node.argument);
        return value === null ? null : exactCall(node.name, value);
      }
      default: {
        const left = this.read(node.left);
        const right = this.read(node.right);
        if (left !== null && right !== null) return exactOperation(node.kind, left, right);
        return node.kind === 'equal' || node.kind === 'unequal' ? this.#comparison(node) : null;
      }
    }
  }

  /** Python compares trees; here values, which differs for sums that were not yet multiplied out. */
  #comparison(node: Extract<Expression, { kind: BinaryKind }>): Rational {
    const difference: Expression = { kind: 'add', left: node.left, right: { kind: 'negate', operand: node.right } };
    return integer(this.#vanishes(difference) === (node.kind === 'equal') ? 1 : 0);
  }
}
