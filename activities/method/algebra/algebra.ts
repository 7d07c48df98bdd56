/**
 * A small exact algebra for answers: sums of monomials with rational coefficients over atoms (variables, π, e, i, roots of primes,
 * logarithms, exponentials, and opaque terms), as quotients. Values that are equal by expansion get one canonical key. Work, size and
 * depth are bounded: a computation beyond the bounds throws `NotComparable`, which callers of this folder turn into a verdict.
 */
import { exponential, logarithm } from './exponentials.ts';
import { denestedRoot } from './nested-radicals.ts';
import { NotComparable } from './not-comparable.ts';
import { signOf } from './numeric-sign.ts';
import { lowestTerms, quotient, type Value } from './quotients.ts';
import { ONE, integer, invert, isInteger, multiply as multiplyRational, negate, type Rational } from './rational.ts';
import { rootOfRational } from './roots.ts';
import { SumArithmetic } from './sum-arithmetic.ts';
import {
  IMAGINARY,
  UNIT,
  atomsOf,
  constantSum,
  isPositive,
  leadingTerm,
  onlyTerm,
  single,
  sumAsRational,
  sumContent,
  sumKey,
  type Sum,
  type Term,
} from './sums.ts';

export { NotComparable } from './not-comparable.ts';
export type { Value } from './quotients.ts';

const MAX_ROOT_INDEX = 64n;
const MAX_ROOT_EXPONENT = 4096n;

export class Algebra {
  /** The bounded arithmetic underneath, for the parts of the algebra that live in files of their own. */
  readonly sums = new SumArithmetic();
  /** What `ln(...)` and `exp(...)` atoms are the logarithm and the power of, so that each undoes the other. */
  readonly logarithms = new Map<string, Sum>();
  readonly exponents = new Map<string, Value>();

  constant(value: Rational): Value {
    return { num: constantSum(this.sums.guard(value)), den: UNIT };
  }

  atom(name: string): Value {
    return { num: single({ coefficient: ONE, factors: new Map([[name, ONE]]) }), den: UNIT };
  }

  imaginary(): Value {
    return this.atom(IMAGINARY);
  }

  /** The value as a plain fraction, when it is one. */
  rational(value: Value): Rational | null {
    const { num, den } = this.simplify(value);
    return den === UNIT ? sumAsRational(num) : null;
  }

  /** Negative, zero or positive; null where the value is no number, or too near to zero to tell. */
  sign(value: Value): -1 | 0 | 1 | null {
    const { num, den } = this.simplify(value);
    return den === UNIT ? signOf(this.sums, num) : null;
  }

  isZero(value: Value): boolean {
    if (value.num.size === 0) return true;
    const roots = atomsOf(value.num).some((atom) => this.sums.definition(atom) !== undefined);
    return roots && this.simplify(value).num.size === 0;
  }

  add(a: Value, b: Value): Value {
    if (a.den === b.den) return quotient(this.sums, this.sums.add(a.num, b.num), a.den);
    const { sums } = this;
    const num = sums.add(sums.multiply(a.num, b.den), sums.multiply(b.num, a.den));
    return quotient(sums, num, sums.multiply(a.den, b.den));
  }

  negate(a: Value): Value {
    return { num: this.sums.negate(a.num), den: a.den };
  }

  subtract(a: Value, b: Value): Value {
    return this.add(a, this.negate(b));
  }

  multiply(a: Value, b: Value): Value {
    return quotient(this.sums, this.sums.multiply(a.num, b.num), this.sums.multiply(a.den, b.den));
  }

  divide(a: Value, b: Value): Value {
    const divisor = b.den === UNIT && b.num.size === 1 ? b : this.simplify(b);
    if (divisor.num.size === 0) throw new NotComparable('division by zero');
    return quotient(this.sums, this.sums.multiply(a.num, divisor.den), this.sums.multiply(a.den, divisor.num));
  }

  power(base: Value, exponent: Value): Value {
    const e = this.rational(exponent);
    if (e === null) return exponential(this, this.multiply(exponent, logarithm(this, base)));
    if (isInteger(e)) return this.wholePower(base, e.num);
    const { num, den } = this.simplify(base);
    return den === UNIT ? this.#rootPower(num, e) : this.divide(this.#rootPower(num, e), this.#rootPower(den, e));
  }

  root(value: Value, index: bigint): Value {
    return this.power(value, this.constant({ num: 1n, den: index }));
  }

  wholePower(base: Value, exponent: bigint): Value {
    if (exponent < 0n) return this.divide({ num: UNIT, den: UNIT }, this.wholePower(base, -exponent));
    if (exponent === 0n) {
      if (this.isZero(base)) throw new NotComparable('zero to the power zero');
      return { num: UNIT, den: UNIT };
    }
    return quotient(this.sums, this.sums.power(base.num, exponent), this.sums.power(base.den, exponent));
  }

  /** sum^exponent for a fractional exponent. */
  #rootPower(sum: Sum, exponent: Rational): Value {
    if (sum === UNIT) return { num: UNIT, den: UNIT };
    if (sum.size === 0) {
      if (exponent.num < 0n) throw new NotComparable('division by zero');
      return { num: sum, den: UNIT };
    }
    // Take the positive rational content out of the root: sqrt(8 + 8x) = 2 sqrt(2) sqrt(1 + x).
    const content = sumContent(sum);
    const scaled = this.sums.scale(sum, invert(content) as Rational);
    const only = onlyTerm(scaled);
    const rest = only === null ? this.#sumRoot(scaled, exponent) : this.#termRoot(only, exponent);
    return this.multiply(this.numericPower(content, exponent), rest);
  }

  #sumRoot(sum: Sum, exponent: Rational): Value {
    const odd = exponent.den % 2n === 1n;
    const sign = signOf(this.sums, sum);
    // The real odd root, so that the roots of a - b and b - a differ in the sign alone; i times the root of a negative number.
    if (odd ? leadingTerm(sum, atomsOf(sum)).coefficient.num < 0n : sign === -1 && exponent.den === 2n) {
      const root = this.#sumRoot(this.sums.negate(sum), exponent);
      if (!odd) return this.multiply(root, this.wholePower(this.imaginary(), exponent.num));
      return exponent.num % 2n === 0n ? root : this.negate(root);
    }
    if (exponent.den === 2n && sign === 1) {
      const root = denestedRoot(this, sum);
      if (root !== null) return this.wholePower(root, exponent.num);
    }
    return this.#opaquePower(sum, exponent);
  }

  /** For a product without rational content: its coefficient is 1 or -1. */
  #termRoot(only: Term, exponent: Rational): Value {
    const positive = [...only.factors.keys()].every((atom) => isPositive(atom));
    const asOpaque = (): Value => this.#opaquePower(single(only), exponent);
    let factor: Value = { num: UNIT, den: UNIT };
    if (only.coefficient.num < 0n) {
      if (exponent.den % 2n === 1n) factor = this.constant(integer(exponent.num % 2n === 0n ? 1 : -1));
      else if (exponent.den === 2n && positive) factor = this.wholePower(this.imaginary(), exponent.num);
      else return asOpaque();
    }
    const rest = new Map<string, Rational>();
    for (const [atom, e] of only.factors) {
      if (isPositive(atom)) factor = this.multiply(factor, this.#atomPower(atom, multiplyRational(e, exponent)));
      else rest.set(atom, e);
    }
    if (rest.size === 0) return factor;
    const [atom, e] = [...rest][0] as [string, Rational];
    // A root of a root is one root: (x^a)^b = x^(ab) holds in the whole plane for 0 < a <= 1.
    const plain = rest.size === 1 && e.num > 0n && e.num <= e.den && !this.sums.isAlgebraic(atom);
    return this.multiply(
      factor,
      plain
        ? this.#atomPower(atom, multiplyRational(e, exponent))
        : this.#opaquePower(single({ coefficient: ONE, factors: rest }), exponent),
    );
  }

  /** A positive fraction to a fractional power, as a product of roots of its prime factors. */
  numericPower(value: Rational, exponent: Rational): Value {
    if (exponent.den > MAX_ROOT_INDEX || exponent.num > MAX_ROOT_EXPONENT || exponent.num < -MAX_ROOT_EXPONENT)
      throw new NotComparable('exponent too large');
    let result = this.constant(ONE);
    for (const [base, power] of rootOfRational(value)) {
      result = this.multiply(result, this.#atomPower(`#${base}`, multiplyRational(power, exponent)));
    }
    return result;
  }

  #atomPower(atom: string, exponent: Rational): Value {
    return { num: this.sums.atomPower(atom, exponent), den: UNIT };
  }

  #opaquePower(sum: Sum, exponent: Rational): Value {
    const name = `(${sumKey(sum)})`;
    this.sums.define(name, 1n, sum);
    return this.#atomPower(name, exponent);
  }

  /** Lowest terms, with no roots in the denominator. */
  simplify(value: Value): Value {
    const open = value.den !== UNIT || atomsOf(value.num).some((atom) => this.sums.definition(atom) !== undefined);
    return open ? lowestTerms(this.sums, value) : value;
  }

  /** One text for all values found equal. */
  key(value: Value): string {
    const { num, den } = this.simplify(value);
    return den === UNIT ? sumKey(num) : `(${sumKey(num)})/(${sumKey(den)})`;
  }

  /** The sum whose vanishing is the equation `value = 0`, the same for all that differ by a rational factor. */
  equation(value: Value): Sum {
    const { num } = this.simplify(value);
    if (num.size === 0) return num;
    const leading = leadingTerm(num, atomsOf(num)).coefficient;
    const content = sumContent(num);
    return this.sums.scale(num, invert(leading.num < 0n ? negate(content) : content) as Rational);
  }

  /** One text for all equations `value = 0` that differ by a rational factor. */
  equationKey(value: Value): string {
    return sumKey(this.equation(value));
  }
}
