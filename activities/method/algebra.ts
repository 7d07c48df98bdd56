/**
 * A small exact algebra for answers: sums of monomials with rational coefficients over atoms (variables, π, e, i, roots of primes,
 * and opaque terms such as sin(x)), as quotients. Values that are equal by expansion get one canonical key. Work, size and depth are
 * bounded: a computation beyond the bounds throws `NotComparable`, which callers of this folder turn into a verdict.
 */
import {
  ONE,
  add as addRational,
  bits,
  compare,
  floor,
  fraction,
  integer,
  invert,
  isInteger,
  multiply as multiplyRational,
  negate,
  subtract as subtractRational,
  type Rational,
} from './rational.ts';
import { rootOfRational } from './roots.ts';
import {
  IMAGINARY,
  UNIT,
  compareTerms,
  contentOf,
  isPositive,
  isSquareRoot,
  single,
  sumKey,
  type Sum,
  type Term,
} from './sums.ts';

/** The work for an answer exceeds the bounds, or it has no value (1/0). Control flow inside this folder, never a failure. */
export class NotComparable extends Error {
  override readonly name = 'NotComparable';
}

const MAX_BITS = 4096;
const MAX_TERMS = 300;
const MAX_STEPS = 5000;
const MAX_SUM_POWER = 40n;

export interface Value {
  num: Sum;
  den: Sum;
}

export class Algebra {
  #steps = 0;
  readonly #opaque = new Map<string, Sum>();

  #charge(steps: number): void {
    this.#steps += steps;
    if (this.#steps > MAX_STEPS) throw new NotComparable('step budget');
  }

  #guard(value: Rational): Rational {
    const length = bits(value);
    if (length > MAX_BITS) throw new NotComparable('number too long');
    // Reducing a fraction costs the square of its length.
    this.#charge((length / 128) ** 2);
    return value;
  }

  constant(value: Rational): Value {
    return { num: single({ coefficient: this.#guard(value), factors: new Map() }), den: UNIT };
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
    if (den !== UNIT || num.size > 1) return null;
    if (num.size === 0) return integer(0);
    const term = [...num.values()][0] as Term;
    return term.factors.size === 0 ? term.coefficient : null;
  }

  isZero(value: Value): boolean {
    return value.num.size === 0;
  }

  add(a: Value, b: Value): Value {
    if (a.den === b.den) return this.#quotient(this.#addSums(a.num, b.num), a.den);
    return this.#quotient(
      this.#addSums(this.#multiplySums(a.num, b.den), this.#multiplySums(b.num, a.den)),
      this.#multiplySums(a.den, b.den),
    );
  }

  negate(a: Value): Value {
    return { num: this.#scale(a.num, integer(-1)), den: a.den };
  }

  subtract(a: Value, b: Value): Value {
    return this.add(a, this.negate(b));
  }

  multiply(a: Value, b: Value): Value {
    return this.#quotient(this.#multiplySums(a.num, b.num), this.#multiplySums(a.den, b.den));
  }

  divide(a: Value, b: Value): Value {
    if (b.num.size === 0) throw new NotComparable('division by zero');
    return this.#quotient(this.#multiplySums(a.num, b.den), this.#multiplySums(a.den, b.num));
  }

  power(base: Value, exponent: Value): Value {
    const e = this.rational(exponent);
    if (e === null) {
      const b = this.simplify(base);
      return this.atom(`pow(${this.key(b)},${this.key(exponent)})`);
    }
    if (isInteger(e)) return this.#integerPower(base, e.num);
    const { num, den } = this.simplify(base);
    return this.divide(this.#rootPower(num, e), this.#rootPower(den, e));
  }

  #integerPower(base: Value, exponent: bigint): Value {
    if (exponent < 0n) {
      if (base.num.size === 0) throw new NotComparable('division by zero');
      return this.#integerPower({ num: base.den, den: base.num }, -exponent);
    }
    if (exponent === 0n) {
      if (base.num.size === 0) throw new NotComparable('zero to the power zero');
      return { num: UNIT, den: UNIT };
    }
    return this.#quotient(this.#sumPower(base.num, exponent), this.#sumPower(base.den, exponent));
  }

  #sumPower(sum: Sum, exponent: bigint): Sum {
    if (sum === UNIT || sum.size === 0) return sum;
    const only = sum.size === 1 ? ([...sum.values()][0] as Term) : null;
    if (only !== null) {
      const { coefficient } = only;
      const unit = (coefficient.num === 1n || coefficient.num === -1n) && coefficient.den === 1n;
      if (!unit && BigInt(bits(coefficient)) * exponent > BigInt(4 * MAX_BITS))
        throw new NotComparable('number too long');
      if (exponent > 1_000_000n) throw new NotComparable('exponent too large');
      const odd = exponent % 2n;
      const power: Rational = unit
        ? integer(odd === 1n ? coefficient.num : 1n)
        : { num: coefficient.num ** exponent, den: coefficient.den ** exponent };
      const factors = new Map(
        [...only.factors].map(([atom, e]) => [atom, multiplyRational(e, integer(exponent))] as const),
      );
      return this.#normalTerm(this.#guard(power), factors);
    }
    if (exponent > MAX_SUM_POWER) throw new NotComparable('power of a sum too large');
    let result: Sum = UNIT;
    for (let i = 0n; i < exponent; i += 1n) result = this.#multiplySums(result, sum);
    return result;
  }

  /** sum^exponent for a fractional exponent, as a quotient. */
  #rootPower(sum: Sum, exponent: Rational): Value {
    if (sum === UNIT) return { num: UNIT, den: UNIT };
    if (sum.size === 0) {
      if (exponent.num < 0n) throw new NotComparable('division by zero');
      return { num: sum, den: UNIT };
    }
    // Take the positive rational content out of the root: sqrt(8 + 8x) = 2 sqrt(2) sqrt(1 + x).
    const terms = [...sum.values()];
    let content = (terms[0] as Term).coefficient;
    for (const term of terms) content = contentOf(content, term.coefficient);
    const scaled = this.#scale(sum, invert(content) as Rational);
    const only = scaled.size === 1 ? ([...scaled.values()][0] as Term) : null;
    const negative = only !== null && only.coefficient.num < 0n;
    let result = this.#numericRoot(content, exponent);
    const rest: Map<string, Rational> = new Map();
    if (only === null) return this.multiply(result, this.#opaquePower(scaled, exponent));
    let sign = ONE;
    if (negative) {
      if (exponent.den % 2n === 1n) sign = integer(exponent.num % 2n === 0n ? 1 : -1);
      else if (exponent.den === 2n && ![...only.factors.keys()].some((atom) => !isPositive(atom))) {
        result = this.multiply(result, this.#integerPower(this.imaginary(), exponent.num));
      } else return this.multiply(result, this.#opaquePower(scaled, exponent));
    }
    let factor: Value = this.constant(sign);
    for (const [atom, e] of only.factors) {
      if (isPositive(atom)) factor = this.multiply(factor, this.#atomPower(atom, multiplyRational(e, exponent)));
      else rest.set(atom, e);
    }
    if (rest.size === 1 && [...rest.values()].every((e) => e.num === 1n && e.den === 1n) && !rest.has(IMAGINARY)) {
      factor = this.multiply(factor, this.#atomPower([...rest.keys()][0] as string, exponent));
    } else if (rest.size > 0) {
      factor = this.multiply(factor, this.#opaquePower(single({ coefficient: ONE, factors: rest }), exponent));
    }
    return this.multiply(result, factor);
  }

  #numericRoot(value: Rational, exponent: Rational): Value {
    if (Number(exponent.den) > 64 || exponent.num > 4096n || exponent.num < -4096n)
      throw new NotComparable('exponent too large');
    let result = this.constant(ONE);
    for (const [base, power] of rootOfRational(value)) {
      result = this.multiply(result, this.#atomPower(`#${base}`, multiplyRational(power, exponent)));
    }
    return result;
  }

  #atomPower(atom: string, exponent: Rational): Value {
    return this.#quotient(this.#normalTerm(ONE, new Map([[atom, exponent]])), UNIT);
  }

  #opaquePower(sum: Sum, exponent: Rational): Value {
    const name = `(${sumKey(sum)})`;
    this.#opaque.set(name, sum);
    return this.#atomPower(name, exponent);
  }

  #quotient(num: Sum, den: Sum): Value {
    if (den === UNIT) return { num, den };
    if (den.size === 0) throw new NotComparable('division by zero');
    if (den.size > 1) return { num, den };
    const only = [...den.values()][0] as Term;
    const factors = new Map([...only.factors].map(([atom, e]) => [atom, negate(e)] as const));
    return { num: this.#multiplySums(num, this.#normalTerm(invert(only.coefficient) as Rational, factors)), den: UNIT };
  }

  /** Puts a product into normal form: roots of primes below exponent 1, i below exponent 2, opaque sums expanded from exponent 1. */
  #normalTerm(coefficient: Rational, factors: ReadonlyMap<string, Rational>): Sum {
    let scale = coefficient;
    const kept = new Map<string, Rational>();
    const expand: [string, bigint][] = [];
    for (const [atom, exponent] of factors) {
      if (exponent.num === 0n) continue;
      if (atom.startsWith('#')) {
        const whole = floor(exponent);
        const base = BigInt(atom.slice(1));
        if (whole > 4096n || whole < -4096n) throw new NotComparable('exponent too large');
        const power = whole >= 0n ? integer(base ** whole) : (fraction(1n, base ** -whole) as Rational);
        scale = this.#guard(multiplyRational(scale, power));
        const rest = subtractRational(exponent, integer(whole));
        if (rest.num !== 0n) kept.set(atom, rest);
      } else if (atom === IMAGINARY && isInteger(exponent)) {
        const turn = ((exponent.num % 4n) + 4n) % 4n;
        if (turn >= 2n) scale = negate(scale);
        if (turn % 2n === 1n) kept.set(atom, ONE);
      } else if (this.#opaque.has(atom) && exponent.num >= exponent.den) {
        const whole = floor(exponent);
        expand.push([atom, whole]);
        const rest = subtractRational(exponent, integer(whole));
        if (rest.num !== 0n) kept.set(atom, rest);
      } else {
        kept.set(atom, exponent);
      }
    }
    let result = single({ coefficient: scale, factors: kept });
    for (const [atom, whole] of expand) {
      result = this.#multiplySums(result, this.#sumPower(this.#opaque.get(atom) as Sum, whole));
    }
    return result;
  }

  #scale(sum: Sum, by: Rational): Sum {
    return new Map(
      [...sum].map(([key, term]) => [key, { ...term, coefficient: multiplyRational(term.coefficient, by) }]),
    );
  }

  #addSums(a: Sum, b: Sum): Sum {
    this.#charge(a.size + b.size);
    const result = new Map(a);
    this.#accumulate(result, b);
    return result;
  }

  #accumulate(result: Map<string, Term>, addend: Sum): void {
    for (const [key, term] of addend) {
      const known = result.get(key);
      const coefficient = known === undefined ? term.coefficient : addRational(known.coefficient, term.coefficient);
      if (coefficient.num === 0n) result.delete(key);
      else result.set(key, { coefficient: this.#guard(coefficient), factors: term.factors });
    }
    if (result.size > MAX_TERMS) throw new NotComparable('too many terms');
  }

  #multiplySums(a: Sum, b: Sum): Sum {
    if (a === UNIT) return b;
    if (b === UNIT) return a;
    this.#charge(a.size * b.size);
    const result = new Map<string, Term>();
    for (const left of a.values()) {
      for (const right of b.values()) {
        const factors = new Map(left.factors);
        for (const [atom, exponent] of right.factors) {
          const known = factors.get(atom);
          factors.set(atom, known === undefined ? exponent : addRational(known, exponent));
        }
        const coefficient = this.#guard(multiplyRational(left.coefficient, right.coefficient));
        this.#accumulate(result, this.#normalTerm(coefficient, factors));
      }
    }
    return result;
  }

  /** Rationalises denominators with square roots and i, divides out what divides exactly, and scales the denominator to lead with 1. */
  simplify(value: Value): Value {
    let { num, den } = value;
    if (den === UNIT) return value;
    for (let round = 0; round < 6 && den.size > 1; round += 1) {
      const root = [...den.values()]
        .flatMap((term) => [...term.factors])
        .find(([atom, e]) => isSquareRoot(atom, e))?.[0];
      if (root === undefined) break;
      const conjugate: Sum = new Map(
        [...den].map(([key, term]) => [
          key,
          term.factors.has(root) ? { ...term, coefficient: negate(term.coefficient) } : term,
        ]),
      );
      num = this.#multiplySums(num, conjugate);
      den = this.#multiplySums(den, conjugate);
    }
    let result = this.#quotient(num, den);
    if (result.den === UNIT) return result;
    const exact = this.#divideExactly(result.num, result.den);
    if (exact !== null) return { num: exact, den: UNIT };
    const common = this.#commonFactor(result.num, result.den);
    if (common !== null) {
      const top = this.#divideExactly(result.num, common);
      const bottom = this.#divideExactly(result.den, common);
      if (top !== null && bottom !== null) result = this.#quotient(top, bottom);
      if (result.den === UNIT) return result;
    }
    const leading = invert(this.#leading(result.den).coefficient) as Rational;
    return { num: this.#scale(result.num, leading), den: this.#scale(result.den, leading) };
  }

  #leading(sum: Sum): Term {
    let best: Term | null = null;
    const atoms = [...new Set([...sum.values()].flatMap((term) => [...term.factors.keys()]))].sort();
    for (const term of sum.values()) if (best === null || compareTerms(term, best, atoms) > 0) best = term;
    return best as Term;
  }

  /** Multivariate division by the leading term; null unless it leaves nothing. */
  #divideExactly(num: Sum, den: Sum): Sum | null {
    let rest = num;
    let quotient: Sum = new Map();
    const atoms = [...new Set([...num.values(), ...den.values()].flatMap((term) => [...term.factors.keys()]))].sort();
    const lead = (sum: Sum): Term =>
      [...sum.values()].reduce((best, term) => (compareTerms(term, best, atoms) > 0 ? term : best));
    const divisor = lead(den);
    for (let step = 0; rest.size > 0; step += 1) {
      if (step > 60) return null;
      const top = lead(rest);
      const factors = new Map(top.factors);
      for (const [atom, exponent] of divisor.factors) {
        const left = subtractRational(factors.get(atom) ?? integer(0), exponent);
        if (left.num < 0n) return null;
        if (left.num === 0n) factors.delete(atom);
        else factors.set(atom, left);
      }
      const term = single({
        coefficient: multiplyRational(top.coefficient, invert(divisor.coefficient) as Rational),
        factors,
      });
      quotient = this.#addSums(quotient, term);
      rest = this.#addSums(rest, this.#scale(this.#multiplySums(den, term), integer(-1)));
    }
    return quotient;
  }

  /** Greatest common divisor of two polynomials in the same single atom; null when they are anything else. */
  #commonFactor(a: Sum, b: Sum): Sum | null {
    const atoms = new Set([...a.values(), ...b.values()].flatMap((term) => [...term.factors.keys()]));
    const atom = [...atoms][0];
    if (atoms.size !== 1 || atom === undefined || atom.startsWith('#') || atom === IMAGINARY) return null;
    const degree = (term: Term): Rational => term.factors.get(atom) ?? integer(0);
    if ([...a.values(), ...b.values()].some((term) => !isInteger(degree(term)) || degree(term).num < 0n)) return null;
    const lead = (sum: Sum): Term =>
      [...sum.values()].reduce((best, term) => (compare(degree(term), degree(best)) > 0 ? term : best));
    let [high, low] = [a, b];
    for (let round = 0; round < 200; round += 1) {
      if (low.size === 0) return high;
      let rest = high;
      while (rest.size > 0 && compare(degree(lead(rest)), degree(lead(low))) >= 0) {
        const shift = subtractRational(degree(lead(rest)), degree(lead(low)));
        const coefficient = multiplyRational(lead(rest).coefficient, invert(lead(low).coefficient) as Rational);
        const factors = new Map(shift.num === 0n ? [] : [[atom, shift] as const]);
        rest = this.#addSums(rest, this.#scale(this.#multiplySums(low, single({ coefficient, factors })), integer(-1)));
      }
      [high, low] = [low, rest];
    }
    return null;
  }

  /** One text for all values found equal. */
  key(value: Value): string {
    const { num, den } = this.simplify(value);
    return den === UNIT ? sumKey(num) : `(${sumKey(num)})/(${sumKey(den)})`;
  }

  /** One text for all equations `value = 0` that differ by a rational factor. */
  equationKey(value: Value): string {
    const { num } = this.simplify(value);
    if (num.size === 0) return '0';
    return sumKey(this.#scale(num, invert(this.#leading(num).coefficient) as Rational));
  }
}
