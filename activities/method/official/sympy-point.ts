/** The numeric part of the official grader's zero test: an expression at one point of the complex plane. */
import {
  COMPLEX_ONE,
  addComplex,
  complexFraction,
  complexMagnitude,
  complexPower,
  divideComplex,
  isComplexZero,
  logComplex,
  multiplyComplex,
  negateComplex,
  rationalPower,
  type BigComplex,
} from './big-complex.ts';
import { FLOAT_PI, FLOAT_ZERO, NoNumber, PRECISION, fromDouble, rootFloat, toDouble } from './big-float.ts';
import { NotAnExpression, type Expression } from './python-expression.ts';
import type { ExactReader } from './sympy-exact.ts';

export interface Point {
  symbols: ReadonlyMap<string, BigComplex>;
  /** Takes the other value of nested square roots. */
  conjugate: boolean;
  /** Factor on π and logarithms: another number in the place of each. */
  stretch: BigComplex;
}

/** Bits that may be lost to rounding before a value stops counting as zero. */
const LOST_BITS = 88;
const COMPLEX_ZERO: BigComplex = { re: FLOAT_ZERO, im: FLOAT_ZERO };

export class PointReader {
  readonly #exact: ExactReader;
  readonly #point: Point;
  /** Largest addend so far: what is this far below it has cancelled. */
  #scale = -Infinity;
  /** A root of a sum that holds roots or π, and no letters, was taken. */
  nested = false;

  constructor(exact: ExactReader, point: Point) {
    this.#exact = exact;
    this.#point = point;
  }

  isNegligible(value: BigComplex): boolean {
    return isComplexZero(value) || complexMagnitude(value) < this.#scale - (PRECISION - LOST_BITS);
  }

  read(node: Expression): BigComplex {
    const exact = this.#exact.read(node);
    if (exact !== null) return complexFraction(exact.num, exact.den);
    switch (node.kind) {
      case 'symbol':
        return this.#point.symbols.get(node.name) as BigComplex;
      case 'constant':
        return node.name === 'pi'
          ? multiplyComplex({ re: FLOAT_PI, im: FLOAT_ZERO }, this.#point.stretch)
          : { re: FLOAT_ZERO, im: COMPLEX_ONE.re };
      case 'negate':
        return negateComplex(this.read(node.operand));
      case 'add': {
        const left = this.read(node.left);
        const right = this.read(node.right);
        const size = Math.max(complexMagnitude(left), complexMagnitude(right));
        this.#scale = Math.max(this.#scale, size);
        const sum = addComplex(left, right);
        // A sum that has cancelled is zero, lest a division or a logarithm be taken of rounding errors.
        return complexMagnitude(sum) < size - (PRECISION - LOST_BITS / 2) ? COMPLEX_ZERO : sum;
      }
      case 'multiply':
        return multiplyComplex(this.read(node.left), this.read(node.right));
      case 'divide':
        return divideComplex(this.read(node.left), this.read(node.right));
      case 'power': {
        const exponent = this.#exact.read(node.right);
        const base = this.read(node.left);
        if (exponent === null) return complexPower(base, this.read(node.right));
        if (exponent.num === 0n) return COMPLEX_ONE;
        const value = rationalPower(base, exponent.num, exponent.den);
        if (exponent.den % 2n !== 0n || !isNestedRadicand(node.left)) return value;
        this.nested = true;
        return this.#point.conjugate ? negateComplex(value) : value;
      }
      case 'call':
        return this.#call(node.name, this.read(node.argument));
      default:
        throw new NotAnExpression(node.kind);
    }
  }

  #call(name: string, value: BigComplex): BigComplex {
    if (name === 'ln') return multiplyComplex(logComplex(value), this.#point.stretch);
    if (name === 'factorial') return gammaLike(value, 1);
    if (name === 'factorial2') return gammaLike(value, 2);
    throw new NotAnExpression(name);
  }
}

/** A sum, or a product with one, that is made of roots or π and has no letters. A power under the root is taken out by sympy itself. */
function isNestedRadicand(node: Expression): boolean {
  if (node.kind !== 'add' && node.kind !== 'multiply' && node.kind !== 'divide') return false;
  let sums = false;
  let irrational = false;
  const pending: Expression[] = [node];
  for (let part = pending.pop(); part !== undefined; part = pending.pop()) {
    if (part.kind === 'symbol') return false;
    if (part.kind === 'constant') irrational ||= part.name === 'pi';
    else if (part.kind === 'negate') pending.push(part.operand);
    else if (part.kind === 'call') pending.push(part.argument);
    else if (part.kind !== 'number') {
      sums ||= part.kind === 'add';
      irrational ||= part.kind === 'power';
      pending.push(part.left, part.right);
    }
  }
  return sums && irrational;
}

/**
 * z! as far as identities go: f(z) = z f(z - 1), with a value that depends on the fractional part of z in between, exact where sympy knows
 * it, at halves. For z!! the step is 2.
 */
function gammaLike(value: BigComplex, step: 1 | 2): BigComplex {
  const re = toDouble(value.re);
  const steps = Math.floor(re / step + 0.25);
  if (!(Math.abs(steps) <= 400)) throw new NoNumber('factorial too large');
  const offset = complexFraction(BigInt(-steps * step), 1n);
  const start = addComplex(value, offset);
  let result = startOf(start, step);
  let factor = start;
  const one = complexFraction(BigInt(step), 1n);
  for (let k = 0; k < steps; k += 1) {
    factor = addComplex(factor, one);
    result = multiplyComplex(result, factor);
  }
  for (let k = 0; k > steps; k -= 1) {
    result = divideComplex(result, factor);
    factor = addComplex(factor, negateComplex(one));
  }
  return result;
}

function startOf(start: BigComplex, step: 1 | 2): BigComplex {
  const re = toDouble(start.re);
  const im = toDouble(start.im);
  // (1/2)! = sqrt(pi)/2.
  if (step === 1 && start.im.m === 0n && re === 0.5) {
    return divideComplex({ re: rootFloat(FLOAT_PI), im: FLOAT_ZERO }, complexFraction(2n, 1n));
  }
  const mixed = Math.round((re * 7919 + im * 104_729) * 4096) / 4096;
  return { re: fromDouble(1.25 + Math.cos(mixed) / 3), im: fromDouble(Math.sin(mixed) / 3) };
}
