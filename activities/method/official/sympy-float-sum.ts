/**
 * Whether an expression with floats cancels to 0 in sympy 1.14: expanded, with coefficients that round at every step, over atoms that are
 * equal only when they are spelled alike (`x**0.5` is not `sqrt(x)`, `1.0*sqrt(2)` is `sqrt(2)`). Quotients are cross-multiplied.
 */
import { NotAnExpression, type Expression } from './python-expression.ts';
import { integer, type Rational } from '../algebra/rational.ts';
import { exactCall } from './sympy-exact.ts';
import { rootOfRational } from '../algebra/roots.ts';
import {
  addNumbers,
  divideNumbers,
  floatLogarithm,
  floatPower,
  invertNumber,
  isFloat,
  isZeroNumber,
  multiplyNumbers,
  negateNumber,
  numberKey,
  type SympyNumber,
} from './sympy-number.ts';

interface Term {
  coefficient: SympyNumber;
  /** Atom → exponent, never 0. */
  factors: ReadonlyMap<string, Rational>;
}
type Sum = ReadonlyMap<string, Term>;
interface Quotient {
  num: Sum;
  den: Sum;
}

const MAX_STEPS = 1200;
const MAX_TERMS = 200;
const MAX_WHOLE_POWER = 30n;

export function floatSumVanishes(expression: Expression): boolean {
  return new FloatReader().read(expression).num.size === 0;
}

function termKey(factors: ReadonlyMap<string, Rational>): string {
  return [...factors]
    .map(([atom, exponent]) => `${atom}^${exponent.num}/${exponent.den}`)
    .sort()
    .join('*');
}

function single(coefficient: SympyNumber, factors: ReadonlyMap<string, Rational> = new Map()): Sum {
  return isZeroNumber(coefficient) ? new Map() : new Map([[termKey(factors), { coefficient, factors }]]);
}

const UNIT: Sum = single(integer(1));

function sumKey(sum: Sum): string {
  return [...sum]
    .map(([key, term]) => `${numberKey(term.coefficient)}*${key}`)
    .sort()
    .join('+');
}

function onlyTerm(sum: Sum): Term | null {
  return sum.size === 1 ? ([...sum.values()][0] as Term) : null;
}

class FloatReader {
  #steps = 0;

  read(node: Expression): Quotient {
    switch (node.kind) {
      case 'number':
        return { num: single(node.value), den: UNIT };
      case 'symbol':
        return this.#atom(`symbol ${node.name}`);
      case 'constant':
        return this.#atom(node.name === 'pi' ? 'pi' : 'i');
      case 'negate':
        return this.#negated(this.read(node.operand));
      case 'add':
        return this.#added(this.read(node.left), this.read(node.right));
      case 'multiply':
        return this.#multiplied(this.read(node.left), this.read(node.right));
      case 'divide':
        return this.#divided(this.read(node.left), this.read(node.right));
      case 'power':
        return this.#power(this.read(node.left), this.read(node.right));
      case 'call':
        return this.#called(node.name, this.read(node.argument));
      default:
        throw new NotAnExpression(node.kind);
    }
  }

  #charge(steps: number): void {
    this.#steps += steps;
    if (this.#steps > MAX_STEPS) throw new NotAnExpression('step budget');
  }

  #atom(name: string, exponent: Rational = integer(1)): Quotient {
    return { num: single(integer(1), new Map([[name, exponent]])), den: UNIT };
  }

  /** The value as one number, when it is one. */
  #number({ num, den }: Quotient): SympyNumber | null {
    if (den !== UNIT) return null;
    if (num.size === 0) return integer(0);
    const term = onlyTerm(num);
    return term !== null && term.factors.size === 0 ? term.coefficient : null;
  }

  #constant(value: SympyNumber): Quotient {
    return { num: single(value), den: UNIT };
  }

  #negated({ num, den }: Quotient): Quotient {
    return {
      num: new Map([...num].map(([key, term]) => [key, { ...term, coefficient: negateNumber(term.coefficient) }])),
      den,
    };
  }

  #added(a: Quotient, b: Quotient): Quotient {
    if (a.den === b.den) return { num: this.#addSums(a.num, b.num), den: a.den };
    const num = this.#addSums(this.#multiplySums(a.num, b.den), this.#multiplySums(b.num, a.den));
    return { num, den: this.#multiplySums(a.den, b.den) };
  }

  #addSums(a: Sum, b: Sum): Sum {
    this.#charge(a.size + b.size);
    const result = new Map(a);
    for (const [key, term] of b) accumulate(result, key, term);
    if (result.size > MAX_TERMS) throw new NotAnExpression('too many terms');
    return result;
  }

  #multiplied(a: Quotient, b: Quotient): Quotient {
    return { num: this.#multiplySums(a.num, b.num), den: this.#multiplySums(a.den, b.den) };
  }

  #multiplySums(a: Sum, b: Sum): Sum {
    if (a === UNIT) return b;
    if (b === UNIT) return a;
    this.#charge(a.size * b.size);
    const result = new Map<string, Term>();
    for (const left of a.values()) {
      for (const right of b.values()) {
        const { coefficient, factors } = normalProduct(left.factors, right.factors);
        const scaled = multiplyNumbers(multiplyNumbers(left.coefficient, right.coefficient), coefficient);
        accumulate(result, termKey(factors), { coefficient: scaled, factors });
      }
    }
    if (result.size > MAX_TERMS) throw new NotAnExpression('too many terms');
    return result;
  }

  #divided(a: Quotient, b: Quotient): Quotient {
    const top = this.#number(a);
    const bottom = this.#number(b);
    if (top !== null && bottom !== null) {
      const quotient = divideNumbers(top, bottom);
      if (quotient === null) throw new NotAnExpression('division by zero');
      return this.#constant(quotient);
    }
    return this.#multiplied(a, this.#inverted(b));
  }

  #inverted({ num, den }: Quotient): Quotient {
    if (num.size === 0) throw new NotAnExpression('division by zero');
    const term = onlyTerm(num);
    if (term === null) return { num: den, den: num };
    const factors = new Map([...term.factors].map(([atom, e]) => [atom, { num: -e.num, den: e.den }] as const));
    const product = normalProduct(factors, new Map());
    const coefficient = multiplyNumbers(invertNumber(term.coefficient) as SympyNumber, product.coefficient);
    return { num: this.#multiplySums(den, single(coefficient, product.factors)), den: UNIT };
  }

  #power(base: Quotient, exponent: Quotient): Quotient {
    const e = this.#number(exponent);
    const b = this.#number(base);
    if (e !== null && b !== null && isZeroNumber(b)) {
      const sign = isFloat(e) ? e.man : e.num;
      if (sign < 0n) throw new NotAnExpression('division by zero');
      return this.#constant(integer(sign === 0n ? 1 : 0));
    }
    if (e !== null && b !== null && (isFloat(e) || isFloat(b))) {
      const value = floatPower(b, e);
      return value === null ? this.#opaquePower(base, numberKey(e)) : this.#constant(value);
    }
    if (e === null) return this.#opaquePower(base, `(${sumKey(exponent.num)})/(${sumKey(exponent.den)})`);
    if (isFloat(e)) return this.#opaquePower(base, numberKey(e));
    return e.den === 1n ? this.#wholePower(base, e.num) : this.#fractionalPower(base, e);
  }

  #opaquePower(base: Quotient, exponent: string): Quotient {
    return this.#atom(`power (${sumKey(base.num)})/(${sumKey(base.den)}) ${exponent}`);
  }

  #wholePower(base: Quotient, exponent: bigint): Quotient {
    if (exponent < 0n) return this.#wholePower(this.#inverted(base), -exponent);
    if (exponent > MAX_WHOLE_POWER) throw new NotAnExpression('power too large');
    let result: Quotient = { num: UNIT, den: UNIT };
    for (let k = 0n; k < exponent; k += 1n) result = this.#multiplied(result, base);
    return result;
  }

  /** Positive coefficients come out of a root, letters stay together in it. */
  #fractionalPower(base: Quotient, exponent: Rational): Quotient {
    const term = base.den === UNIT ? onlyTerm(base.num) : null;
    const { coefficient } = term ?? { coefficient: integer(-1) };
    const positive = isFloat(coefficient) ? coefficient.man > 0n : coefficient.num > 0n;
    if (term === null || !positive) return this.#opaquePower(base, numberKey(exponent));
    let result = isFloat(coefficient) ? this.#floatRoot(coefficient, exponent) : this.#root(coefficient, exponent);
    if (term.factors.size === 0) return result;
    const [atom, e] = [...term.factors][0] as [string, Rational];
    const rest =
      term.factors.size === 1 && e.num === 1n && e.den === 1n
        ? this.#atom(atom, exponent)
        : this.#opaquePower({ num: single(integer(1), term.factors), den: UNIT }, numberKey(exponent));
    result = this.#multiplied(result, rest);
    return result;
  }

  #floatRoot(coefficient: SympyNumber, exponent: Rational): Quotient {
    const value = floatPower(coefficient, exponent);
    if (value === null) throw new NotAnExpression('root of a float');
    return this.#constant(value);
  }

  #root(value: Rational, exponent: Rational): Quotient {
    if (exponent.den > 64n || exponent.num > 64n || exponent.num < -64n) throw new NotAnExpression('root too large');
    let result = this.#constant(integer(1));
    for (const [base, power] of rootOfRational(value)) {
      const factor = new Map([[`#${base}`, { num: power.num * exponent.num, den: exponent.den }]]);
      const { coefficient, factors } = normalProduct(factor, new Map());
      result = this.#multiplied(result, { num: single(coefficient, factors), den: UNIT });
    }
    return result;
  }

  #called(name: string, argument: Quotient): Quotient {
    const value = this.#number(argument);
    if (value !== null && !isFloat(value)) {
      const exact = exactCall(name, value);
      if (exact !== null) return this.#constant(exact);
    }
    if (value !== null && isFloat(value)) {
      const result = name === 'ln' ? floatLogarithm(value) : name === 'factorial' ? floatFactorial(value) : null;
      if (result !== null) return this.#constant(result);
    }
    return this.#atom(`${name} (${sumKey(argument.num)})/(${sumKey(argument.den)})`);
  }
}

function accumulate(result: Map<string, Term>, key: string, term: Term): void {
  const known = result.get(key);
  const coefficient = known === undefined ? term.coefficient : addNumbers(known.coefficient, term.coefficient);
  if (isZeroNumber(coefficient)) result.delete(key);
  else result.set(key, { coefficient, factors: term.factors });
}

/** Multiplies powers; whole powers of numbers under roots and of i go into the coefficient. */
function normalProduct(
  a: ReadonlyMap<string, Rational>,
  b: ReadonlyMap<string, Rational>,
): { coefficient: Rational; factors: Map<string, Rational> } {
  const sums = new Map(a);
  for (const [atom, e] of b) {
    const known = sums.get(atom) ?? integer(0);
    sums.set(atom, reduced(known.num * e.den + e.num * known.den, known.den * e.den));
  }
  const coefficient = { num: 1n, den: 1n };
  const factors = new Map<string, Rational>();
  for (const [atom, raw] of sums) {
    const e = reduced(raw.num, raw.den);
    let kept = e;
    if (atom.startsWith('#')) {
      const whole = e.num >= 0n ? e.num / e.den : -((-e.num + e.den - 1n) / e.den);
      const base = BigInt(atom.slice(1));
      if (whole >= 0n) coefficient.num *= base ** whole;
      else coefficient.den *= base ** -whole;
      kept = { num: e.num - whole * e.den, den: e.den };
    } else if (atom === 'i' && e.den === 1n) {
      const turn = ((e.num % 4n) + 4n) % 4n;
      if (turn >= 2n) coefficient.num = -coefficient.num;
      kept = integer(turn % 2n);
    }
    if (kept.num !== 0n) factors.set(atom, kept);
  }
  return { coefficient: reduced(coefficient.num, coefficient.den), factors };
}

function reduced(num: bigint, den: bigint): Rational {
  let x = num < 0n ? -num : num;
  let y = den;
  while (y !== 0n) [x, y] = [y, x % y];
  return x === 0n ? integer(0) : { num: num / x, den: den / x };
}

function floatFactorial(value: SympyNumber): SympyNumber | null {
  if (!isFloat(value) || value.exp < 0) return null;
  const n = value.man << BigInt(value.exp);
  if (n < 0n || n > 170n) return null;
  let product = 1n;
  for (let k = 2n; k <= n; k += 1n) product *= k;
  return multiplyNumbers({ man: 1n, exp: 0, precision: value.precision }, integer(product));
}
