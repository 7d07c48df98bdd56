/**
 * Exponentials and logarithms in normal form: ln of a product is the sum of logarithms, e to a sum the product of powers, so that
 * log_2 8 = 3, 2^(x+1) = 2·2^x and e^(2 ln 3) = 9 by expansion. Variables stand for positive numbers here, as in textbooks.
 */
import type { Algebra } from './algebra.ts';
import { NotComparable } from './not-comparable.ts';
import type { Value } from './quotients.ts';
import { ONE, integer, isInteger, multiply, type Rational } from './rational.ts';
import { rootOfRational } from './roots.ts';
import {
  IMAGINARY,
  UNIT,
  atomsOf,
  leadingTerm,
  monomialKey,
  onlyTerm,
  single,
  sumContent,
  sumKey,
  type Sum,
} from './sums.ts';
import { cosineOfTurn, sineOfTurn } from './trigonometry.ts';

/** ln(value). */
export function logarithm(algebra: Algebra, value: Value): Value {
  const { num, den } = algebra.simplify(value);
  if (num.size === 0) throw new NotComparable('logarithm of zero');
  const top = logarithmOfSum(algebra, num);
  return den === UNIT ? top : algebra.subtract(top, logarithmOfSum(algebra, den));
}

function logarithmOfSum(algebra: Algebra, sum: Sum): Value {
  const content = sumContent(sum);
  let result = algebra.constant(integer(0));
  const add = (value: Value, times: Rational): void => {
    result = algebra.add(result, algebra.multiply(value, algebra.constant(times)));
  };
  for (const [base, power] of rootOfRational(content)) add(algebra.atom(`ln(${base})`), power);
  const rest = algebra.sums.scale(sum, { num: content.den, den: content.num });
  const only = onlyTerm(rest);
  if (only === null) {
    const name = `ln(${sumKey(rest)})`;
    algebra.logarithms.set(name, rest);
    add(algebra.atom(name), ONE);
    return result;
  }
  if (only.coefficient.num < 0n) add(algebra.multiply(algebra.imaginary(), algebra.atom('pi')), ONE);
  for (const [atom, exponent] of only.factors) {
    if (atom === 'e') add(algebra.constant(ONE), exponent);
    else if (atom.startsWith('#')) add(algebra.atom(`ln(${atom.slice(1)})`), exponent);
    else if (atom === IMAGINARY) add(algebra.multiply(algebra.imaginary(), algebra.atom('pi')), { num: 1n, den: 2n });
    else if (algebra.exponents.has(atom)) add(algebra.exponents.get(atom) as Value, exponent);
    else {
      const name = `ln(${atom})`;
      algebra.logarithms.set(name, single({ coefficient: ONE, factors: new Map([[atom, ONE]]) }));
      add(algebra.atom(name), exponent);
    }
  }
  return result;
}

/** e^value. */
export function exponential(algebra: Algebra, value: Value): Value {
  const { num, den } = algebra.simplify(value);
  if (num.size === 0) return algebra.constant(ONE);
  if (den !== UNIT) {
    // One name for e^E and e^-E, and for rational multiples of E.
    const content = sumContent(num);
    const negative = leadingTerm(num, atomsOf(num)).coefficient.num < 0n;
    const scale: Rational = negative ? { num: -content.num, den: content.den } : content;
    const base = { num: algebra.sums.scale(num, { num: scale.den, den: content.num * (negative ? -1n : 1n) }), den };
    return opaqueExponential(algebra, algebra.key(base), base, scale);
  }
  let result = algebra.constant(ONE);
  for (const { coefficient, factors } of num.values()) {
    const unit = { num: single({ coefficient: ONE, factors }), den: UNIT };
    result = algebra.multiply(result, power(algebra, unit, factors, coefficient));
  }
  return result;
}

/** (e^monomial)^exponent. */
function power(algebra: Algebra, unit: Value, factors: ReadonlyMap<string, Rational>, exponent: Rational): Value {
  const [[atom, degree] = ['', ONE]] = [...factors];
  const linear = factors.size === 1 && degree.num === 1n && degree.den === 1n;
  if (factors.size === 0) return { num: algebra.sums.atomPower('e', exponent), den: UNIT };
  const inside = linear ? algebra.logarithms.get(atom) : undefined;
  if (inside !== undefined) {
    const base = { num: inside, den: UNIT };
    return isInteger(exponent)
      ? algebra.wholePower(base, exponent.num)
      : algebra.power(base, algebra.constant(exponent));
  }
  const prime = linear ? /^ln\((\d+)\)$/.exec(atom)?.[1] : undefined;
  if (prime !== undefined) return algebra.numericPower({ num: BigInt(prime), den: 1n }, exponent);
  const turning =
    factors.size === 2 && factors.has(IMAGINARY) && factors.get('pi')?.num === 1n && factors.get('pi')?.den === 1n;
  if (turning) {
    const sine = sineOfTurn(algebra, exponent);
    return algebra.add(cosineOfTurn(algebra, exponent), algebra.multiply(algebra.imaginary(), sine));
  }
  return opaqueExponential(algebra, monomialKey(factors), unit, exponent);
}

function opaqueExponential(algebra: Algebra, name: string, exponent: Value, times: Rational): Value {
  const atom = `exp(${name})`;
  algebra.exponents.set(atom, exponent);
  return { num: algebra.sums.atomPower(atom, multiply(times, ONE)), den: UNIT };
}
