/** Bounded arithmetic on sums of monomials: every operation is charged to one budget of work, and products come out in normal form. */
import { NotComparable } from './not-comparable.ts';
import {
  ONE,
  add as addRational,
  bits,
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
import { IMAGINARY, UNIT, onlyTerm, single, type Sum, type Term } from './sums.ts';

const MAX_BITS = 8192;
/** Fractions are reduced by Euclid's algorithm, whose cost is the square of their length. */
const MAX_FRACTION_BITS = 3072;
const SHORT = 1n << 64n;
const MAX_TERMS = 300;
const MAX_STEPS = 3000;
const MAX_SUM_POWER = 60n;
const MAX_EXPONENT = 1_000_000n;

/** atom^degree = sum: (x+1)^(1/2) has degree 1 and stands for x+1, sin(x) has degree 2 and stands for 1 - cos(x)^2. */
interface Definition {
  degree: bigint;
  sum: Sum;
}

export class SumArithmetic {
  #steps = 0;
  readonly #definitions = new Map<string, Definition>();

  /** Takes work off the budget; throws `NotComparable` when nothing is left. A step is one to two microseconds. */
  charge(steps: number): void {
    this.#steps += steps;
    if (this.#steps > MAX_STEPS) throw new NotComparable('step budget');
  }

  /** Makes `atom^degree` expand to `sum` wherever it occurs. */
  define(atom: string, degree: bigint, sum: Sum): void {
    this.#definitions.set(atom, { degree, sum });
  }

  definition(atom: string): Definition | undefined {
    return this.#definitions.get(atom);
  }

  /** Whether powers of the atom are tied to other values, so that it must not be treated as a variable. */
  isAlgebraic(atom: string): boolean {
    return atom.startsWith('#') || atom === IMAGINARY || this.#definitions.has(atom);
  }

  guard(value: Rational): Rational {
    if (value.num < SHORT && value.num > -SHORT && value.den < SHORT) return value;
    const length = bits(value);
    if (length > (value.den === 1n ? MAX_BITS : MAX_FRACTION_BITS)) throw new NotComparable('number too long');
    this.charge(value.den === 1n ? length / 1024 : (length / 128) ** 2);
    return value;
  }

  #product(a: Rational, b: Rational): Rational {
    return this.guard(multiplyRational(a, b));
  }

  scale(sum: Sum, by: Rational): Sum {
    this.charge(sum.size / 4);
    return new Map([...sum].map(([key, term]) => [key, { ...term, coefficient: this.#product(term.coefficient, by) }]));
  }

  negate(sum: Sum): Sum {
    return new Map([...sum].map(([key, term]) => [key, { ...term, coefficient: negate(term.coefficient) }]));
  }

  add(a: Sum, b: Sum): Sum {
    this.charge((a.size + b.size) / 4);
    const result = new Map(a);
    this.#accumulate(result, b);
    return result;
  }

  subtract(a: Sum, b: Sum): Sum {
    return this.add(a, this.negate(b));
  }

  #accumulate(result: Map<string, Term>, addend: Sum): void {
    for (const [key, term] of addend) {
      const known = result.get(key);
      const coefficient =
        known === undefined ? term.coefficient : this.guard(addRational(known.coefficient, term.coefficient));
      if (coefficient.num === 0n) result.delete(key);
      else result.set(key, { coefficient, factors: term.factors });
    }
    if (result.size > MAX_TERMS) throw new NotComparable('too many terms');
  }

  multiply(a: Sum, b: Sum): Sum {
    if (a === UNIT) return b;
    if (b === UNIT) return a;
    const result = new Map<string, Term>();
    for (const left of a.values()) {
      for (const right of b.values()) {
        this.charge(1 + (left.factors.size + right.factors.size) / 2);
        const coefficient = this.#product(left.coefficient, right.coefficient);
        this.#accumulate(result, this.normalTerm(coefficient, mergeFactors(left.factors, right.factors)));
      }
    }
    return result;
  }

  power(sum: Sum, exponent: bigint): Sum {
    if (sum === UNIT || sum.size === 0 || exponent === 1n) return sum;
    const only = onlyTerm(sum);
    if (only !== null) return this.#termPower(only, exponent);
    if (exponent > MAX_SUM_POWER) throw new NotComparable('power of a sum too large');
    let result: Sum = UNIT;
    for (let i = 0n; i < exponent; i += 1n) result = this.multiply(result, sum);
    return result;
  }

  #termPower({ coefficient, factors }: Term, exponent: bigint): Sum {
    const unit = (coefficient.num === 1n || coefficient.num === -1n) && coefficient.den === 1n;
    if (exponent > MAX_EXPONENT) throw new NotComparable('exponent too large');
    // `bits` of small numbers is rounded up to whole digits, so the check is made generous; `guard` is exact.
    if (!unit && BigInt(bits(coefficient)) * exponent > BigInt(8 * MAX_BITS))
      throw new NotComparable('number too long');
    const odd = exponent % 2n === 1n;
    const power: Rational = unit
      ? integer(odd ? coefficient.num : 1n)
      : { num: coefficient.num ** exponent, den: coefficient.den ** exponent };
    const raised = new Map([...factors].map(([atom, e]) => [atom, multiplyRational(e, integer(exponent))] as const));
    return this.normalTerm(this.guard(power), raised);
  }

  /** Normal form of a product: roots of primes below exponent 1, i below exponent 2, defined atoms below their degree. */
  normalTerm(coefficient: Rational, factors: ReadonlyMap<string, Rational>): Sum {
    let scale = coefficient;
    let kept: Map<string, Rational> | null = null;
    let expand: [Sum, bigint][] | null = null;
    for (const [atom, exponent] of factors) {
      if (exponent.num === 0n) {
        kept ??= new Map(factors);
        kept.delete(atom);
        continue;
      }
      const defined = this.#definitions.get(atom);
      if (!atom.startsWith('#') && atom !== IMAGINARY && defined === undefined) continue;
      let rest: Rational;
      if (defined !== undefined) {
        const whole = floor(exponent) / defined.degree;
        if (exponent.num < 0n || whole < 1n) continue;
        (expand ??= []).push([defined.sum, whole]);
        rest = subtractRational(exponent, integer(whole * defined.degree));
      } else if (atom === IMAGINARY) {
        if (!isInteger(exponent)) continue;
        const turn = ((exponent.num % 4n) + 4n) % 4n;
        if (turn >= 2n) scale = negate(scale);
        rest = integer(turn % 2n);
      } else {
        const whole = floor(exponent);
        rest = subtractRational(exponent, integer(whole));
        if (whole !== 0n) scale = this.#product(scale, this.#wholePower(BigInt(atom.slice(1)), whole));
      }
      kept ??= new Map(factors);
      if (rest.num === 0n) kept.delete(atom);
      else kept.set(atom, rest);
    }
    let result = single({ coefficient: scale, factors: kept ?? factors });
    for (const [sum, whole] of expand ?? []) result = this.multiply(result, this.power(sum, whole));
    return result;
  }

  #wholePower(base: bigint, exponent: bigint): Rational {
    const size = exponent < 0n ? -exponent : exponent;
    if (BigInt(bits(integer(base))) * size > BigInt(8 * MAX_BITS)) throw new NotComparable('exponent too large');
    return this.guard(exponent >= 0n ? integer(base ** size) : (fraction(1n, base ** size) as Rational));
  }

  /** 1 / term, as a sum. */
  inverseOf(term: Term): Sum {
    const factors = new Map([...term.factors].map(([atom, e]) => [atom, negate(e)] as const));
    return this.normalTerm(invert(term.coefficient) as Rational, factors);
  }

  atomPower(atom: string, exponent: Rational): Sum {
    return this.normalTerm(ONE, new Map([[atom, exponent]]));
  }
}

function mergeFactors(
  a: ReadonlyMap<string, Rational>,
  b: ReadonlyMap<string, Rational>,
): ReadonlyMap<string, Rational> {
  if (a.size === 0) return b;
  if (b.size === 0) return a;
  const factors = new Map(a);
  for (const [atom, exponent] of b) {
    const known = factors.get(atom);
    factors.set(atom, known === undefined ? exponent : addRational(known, exponent));
  }
  return factors;
}
