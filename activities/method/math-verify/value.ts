/**
 * Values of expressions, in place of SymPy's doit, evalf and simplify: exact algebra where it reaches, SymPy's own rounding
 * where decimals are involved, and double precision at fixed points for what is left (nested roots, logarithms, identities).
 */
import { Algebra, NotComparable, type Value } from '../algebra/algebra.ts';
import { approximate, difference, fromNumber, size, toNumber, type Complex } from './approximate.ts';
import { addQuantities, multiplyQuantities, powerOf, roundToBits, type Quantity } from './float.ts';
import { freeSymbols, isAtomicOrPercent, isNumberTree, nodes, some, substituted, type Tree } from './tree.ts';
import { ONE, ZERO, compare, isInteger, subtract, type Rational } from '../algebra/rational.ts';
import { applyFunction } from '../algebra/special-functions.ts';

const FUNCTIONS: Readonly<Record<string, string>> = { Abs: 'abs', ceiling: 'ceil', binomial: 'binom' };
/** Relative differences that count as none: of constants, and of expressions in letters at all sample points. */
const CONSTANT_TOLERANCE = 2e-14;
const SAMPLE_TOLERANCE = 1e-9;
const SAMPLES = 4;
/** Larger expressions are compared at the sample points only. */
const MAX_NODES = 160;
/** evalf(chop=True) at 53 bits and its four guard bits. */
const TINY = 2 ** -54;

function exact(algebra: Algebra, tree: Tree, decimalPowers: boolean): Value {
  const args = (): Value[] => tree.args.map((arg) => exact(algebra, arg, decimalPowers));
  switch (tree.kind) {
    case 'rational':
    case 'float':
      return algebra.constant(tree.value ?? ZERO);
    case 'symbol':
      return algebra.atom(`\\${tree.name}`);
    case 'constant':
      if (tree.name === 'i') return algebra.imaginary();
      if (tree.name === 'pi' || tree.name === 'e') return algebra.atom(tree.name);
      throw new NotComparable(tree.name);
    case 'add':
      return args().reduce((a, b) => algebra.add(a, b));
    case 'mul':
      return args().reduce((a, b) => algebra.multiply(a, b));
    case 'pow': {
      const [base, exponent] = args() as [Value, Value];
      if (!decimalPowers && isInexactPower(tree)) throw new NotComparable('decimal power');
      // SymPy has 0^0 = 1.
      if (algebra.isZero(exponent)) return algebra.constant(ONE);
      return algebra.power(base, exponent);
    }
    case 'apply':
      return applied(algebra, tree, args());
    default:
      throw new NotComparable(tree.kind);
  }
}

function applied(algebra: Algebra, tree: Tree, args: Value[]): Value {
  if (tree.name === 'Mod') throw new NotComparable('Mod');
  if (tree.name !== 'log') return applyFunction(algebra, FUNCTIONS[tree.name] ?? tree.name, args);
  const [argument, base] = args as [Value, Value];
  if (tree.args[1]?.name === 'e') return applyFunction(algebra, 'ln', [argument]);
  return applyFunction(algebra, 'log', [argument], base);
}

function exactOrNull(tree: Tree, minus: Tree | null = null): { algebra: Algebra; value: Value } | null {
  if (nodes(tree) + (minus === null ? 0 : nodes(minus)) > MAX_NODES) return null;
  const algebra = new Algebra();
  try {
    // The subtraction turns a power with a decimal into a decimal, whose digits and not its exact value count from then on.
    const value = exact(algebra, tree, true);
    return { algebra, value: minus === null ? value : algebra.subtract(value, exact(algebra, minus, false)) };
  } catch (error) {
    if (error instanceof NotComparable) return null;
    throw error;
  }
}

const isFloat = (tree: Tree): boolean => tree.kind === 'float';

function isInexactPower({ kind, args }: Tree): boolean {
  const [base, exponent] = args;
  if (kind !== 'pow' || base === undefined || exponent === undefined) return false;
  return some(exponent, isFloat) || (some(base, isFloat) && exponent.value?.den !== 1n);
}

/** A decimal of so many digits that its distance from another value is below what a double can tell. */
function isLongFloat({ kind, value }: Tree): boolean {
  return kind === 'float' && value !== undefined && value.den > 10n ** 12n;
}

/** The number an expression evaluates to (doit), or null when it is none. */
export function quantityOf(tree: Tree): Quantity | null {
  if (tree.value !== undefined) {
    const precision = tree.precision ?? null;
    return { value: precision === null ? tree.value : roundToBits(tree.value, precision), precision };
  }
  if (!some(tree, isFloat)) {
    const known = exactOrNull(tree);
    const value = known === null ? null : rationalOf(known);
    return value === null ? null : { value, precision: null };
  }
  const args = tree.args.map(quantityOf);
  if (!args.every((arg): arg is Quantity => arg !== null)) return null;
  if (tree.kind === 'add') return args.reduce(addQuantities);
  if (tree.kind === 'mul') return args.reduce(multiplyQuantities);
  const [base, exponent] = args;
  if (tree.kind !== 'pow' || base === undefined || exponent === undefined) return null;
  if (isInteger(exponent.value)) return powerOf(base, exponent.value.num);
  return decimalPower(tree, Math.max(base.precision ?? 0, exponent.precision ?? 0));
}

/** 2^0.5 as the nearest double. */
function decimalPower(tree: Tree, precision: number): Quantity | null {
  const value = fromNumber(realNumber(tree));
  return value === null ? null : { value, precision };
}

function rationalOf({ algebra, value }: { algebra: Algebra; value: Value }): ReturnType<Algebra['rational']> {
  try {
    return algebra.rational(value);
  } catch (error) {
    if (error instanceof NotComparable) return null;
    throw error;
  }
}

/** Whether a − b is zero, as evalf or simplify would find. */
export function sameValue(a: Tree, b: Tree): boolean {
  const decimals = some(a, isFloat) || some(b, isFloat);
  // A number by itself is compared to the last bit; of two expressions the difference is evaluated, and a tiny one is none.
  const atomic = [a, b].some((tree) => isAtomicOrPercent(tree, isNumberTree));
  const known = exactOrNull(a, b);
  const rest = known === null ? null : rationalOf(known);
  if (rest !== null && (!decimals || (!atomic && rest.num === 0n))) return rest.num === 0n;
  if (decimals) {
    const [left, right] = [quantityOf(a), quantityOf(b)];
    if (left !== null && right !== null) {
      const distance = addQuantities(left, negated(right)).value;
      return distance.num === 0n || (!atomic && Math.abs(toNumber(distance)) < TINY);
    }
    if (rest !== null) return rest.num === 0n;
  }
  if (decimals && (atomic || [a, b].some((tree) => some(tree, (part) => isInexactPower(part) || isLongFloat(part)))))
    return false;
  return closeAtSamples(a, b, decimals ? CONSTANT_TOLERANCE : SAMPLE_TOLERANCE);
}

function negated(quantity: Quantity): Quantity {
  return { ...quantity, value: { num: -quantity.value.num, den: quantity.value.den } };
}

function closeAtSamples(a: Tree, b: Tree, tolerance: number): boolean {
  const constant = freeSymbols(a).size + freeSymbols(b).size === 0;
  for (let sample = 0; sample < (constant ? 1 : SAMPLES); sample += 1) {
    const [left, right] = [approximate(a, sample), approximate(b, sample)];
    const allowed = (constant ? CONSTANT_TOLERANCE : tolerance) * Math.max(1, size(left), size(right));
    // Anything undefined counts as different.
    if (!(size(difference(left, right)) <= allowed) || !Number.isFinite(allowed)) return false;
  }
  return true;
}

/** Whether a = c·b for a constant c, both not zero. */
export function differByFactor(a: Tree, b: Tree): boolean {
  const ratios = Array.from({ length: SAMPLES }, (_, sample) => {
    const [left, right] = [approximate(a, sample), approximate(b, sample)];
    return isReal(left) && isReal(right) && left.re !== 0 ? right.re / left.re : Number.NaN;
  });
  const [first = Number.NaN] = ratios;
  return first !== 0 && ratios.every((ratio) => Math.abs(ratio - first) <= SAMPLE_TOLERANCE * Math.abs(first));
}

const wholeNumber = (value: bigint): Tree => ({ kind: 'rational', name: '', args: [], value: { num: value, den: 1n } });

/** Whether the value is the same whatever its letters stand for. */
export function isConstant(tree: Tree): boolean {
  if (freeSymbols(tree).size === 0) return true;
  const values = Array.from({ length: SAMPLES }, (_, sample) => approximate(tree, sample));
  const [first] = values as [Complex, ...Complex[]];
  // Beyond a million the letters could be lost in rounding.
  return size(first) < 1e6 && values.every((value) => size(difference(value, first)) <= SAMPLE_TOLERANCE);
}

/** Whether an expression is a·letter + b with a not zero. */
export function isLinearIn(tree: Tree, letter: string): boolean {
  const [at1, at2, at3] = [1n, 2n, 3n].map((value) => approximate(substituted(tree, letter, wholeNumber(value)), 0));
  if (at1 === undefined || at2 === undefined || at3 === undefined) return false;
  const [first, second] = [difference(at2, at1), difference(at3, at2)];
  return size(first) > SAMPLE_TOLERANCE && size(difference(first, second)) <= SAMPLE_TOLERANCE * size(first);
}

/** a and b of an expression a·letter + b in one letter, if they are fractions and a is not zero. */
export function linearCoefficients(tree: Tree, letter: string): { slope: Rational; offset: Rational } | null {
  const [at0, at1, at2] = [0n, 1n, 2n].map((value) => quantityOf(substituted(tree, letter, wholeNumber(value)))?.value);
  if (at0 === undefined || at1 === undefined || at2 === undefined) return null;
  const slope = subtract(at1, at0);
  return slope.num !== 0n && compare(slope, subtract(at2, at1)) === 0 ? { slope, offset: at0 } : null;
}

/** The order of two real numbers; null when they are none. */
export function order(a: Tree, b: Tree): number | null {
  const [left, right] = [approximate(a, 0), approximate(b, 0)];
  if (!isReal(left) || !isReal(right)) return null;
  if (left.re === right.re || sameValue(a, b)) return 0;
  return left.re < right.re ? -1 : 1;
}

function isReal(value: Complex): boolean {
  return !Number.isNaN(value.re) && Math.abs(value.im) <= 1e-12 * Math.max(1, Math.abs(value.re));
}

/** A real number near the expression's value; NaN when it has none. */
export function realNumber(tree: Tree): number {
  if (freeSymbols(tree).size > 0) return Number.NaN;
  const value = approximate(tree, 0);
  return isReal(value) ? value.re : Number.NaN;
}
