/** Complex double-precision values of expressions, letters replaced by fixed sample values. NaN for what has no value. */
import { keyOf, nodes, number, some, substituted, type Tree } from './tree.ts';
import { fraction, integer, type Rational } from '../algebra/rational.ts';

export interface Complex {
  readonly re: number;
  readonly im: number;
}

const NOTHING: Complex = { re: Number.NaN, im: Number.NaN };
const complex = (re: number, im = 0): Complex => ({ re, im });

export function size(value: Complex): number {
  return Math.hypot(value.re, value.im);
}

export function difference(a: Complex, b: Complex): Complex {
  return complex(a.re - b.re, a.im - b.im);
}

function multiply(a: Complex, b: Complex): Complex {
  if (a.im === 0 && b.im === 0) return complex(a.re * b.re);
  return complex(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re);
}

function logarithm(value: Complex): Complex {
  return complex(Math.log(size(value)), Math.atan2(value.im, value.re));
}

function exponential(value: Complex): Complex {
  const scale = Math.exp(value.re);
  return value.im === 0 ? complex(scale) : complex(scale * Math.cos(value.im), scale * Math.sin(value.im));
}

function power(base: Complex, exponent: Complex): Complex {
  if (exponent.im === 0 && base.im === 0) {
    if (base.re >= 0 || Number.isInteger(exponent.re)) return complex(base.re ** exponent.re);
    // Kept exact where it matters most: the root of a negative number is imaginary.
    if (exponent.re === 0.5) return complex(0, Math.sqrt(-base.re));
  }
  if (size(base) === 0) return NOTHING;
  const raised = exponential(multiply(exponent, logarithm(base)));
  return raised;
}

/** A fraction of big integers as a double, also beyond the range of its parts. */
export function toNumber(value: Rational): number {
  const direct = Number(value.num) / Number(value.den);
  if (Number.isFinite(direct) && (direct !== 0 || value.num === 0n)) return direct;
  const shift = BigInt(Math.max(0, Math.max(value.num.toString().length, value.den.toString().length) - 300));
  const unit = 10n ** shift;
  return Number(value.num / unit) / Number(value.den / unit);
}

/** The double as a fraction; null for infinities and NaN. */
export function fromNumber(value: number): Rational | null {
  if (!Number.isFinite(value)) return null;
  let scaled = value;
  let shift = 0n;
  for (; !Number.isInteger(scaled); shift += 1n) scaled *= 2;
  return fraction(BigInt(scaled), 1n << shift);
}

/** A number in (0.3, 2.7), its sign changing, that depends on the name and the sample only. */
function sampleOf(name: string, sample: number): number {
  let hash = 2166136261 ^ sample;
  for (let i = 0; i < name.length; i += 1) hash = Math.imul(hash ^ name.charCodeAt(i), 16777619);
  hash = Math.imul(hash ^ (hash >>> 15), 2246822507);
  const unit = ((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32;
  return (0.3 + 2.4 * unit) * (sample % 2 === 1 ? -1 : 1);
}

export function approximate(tree: Tree, sample: number): Complex {
  const args = (): Complex[] => tree.args.map((arg) => approximate(arg, sample));
  switch (tree.kind) {
    case 'rational':
    case 'float':
      return tree.value === undefined ? NOTHING : complex(toNumber(tree.value));
    case 'symbol':
      return complex(sampleOf(tree.name, sample));
    case 'constant':
      return constant(tree.name);
    case 'add':
      return args().reduce((a, b) => complex(a.re + b.re, a.im + b.im));
    case 'mul':
      return args().reduce(multiply);
    case 'pow': {
      const [base, exponent] = args() as [Complex, Complex];
      return tree.args[0]?.name === 'e' && tree.args[0].kind === 'constant'
        ? exponential(exponent)
        : power(base, exponent);
    }
    case 'apply':
      if (tree.name === 'Sum' || tree.name === 'Product') return accumulated(tree, sample);
      if (tree.name === 'Limit') return limit(tree, sample);
      return tree.name.startsWith('f:') ? complex(sampleOf(keyOf(tree), sample)) : applied(tree.name, args());
    default:
      return NOTHING;
  }
}

function constant(name: string): Complex {
  if (name === 'i') return complex(0, 1);
  if (name === 'oo' || name === '-oo') return complex(name === 'oo' ? Infinity : -Infinity);
  return name === 'pi' ? complex(Math.PI) : name === 'e' ? complex(Math.E) : NOTHING;
}

/** A limit where the expression is continuous. */
function limit({ args }: Tree, sample: number): Complex {
  const [body, variable, target] = args as [Tree, Tree, Tree];
  return approximate(substituted(body, keyOf(variable), target.args[0] as Tree), sample);
}

const MAX_SUMMAND_NODES = 4000;

/** A sum or product over a short range of integers; of longer or nested ones nothing is known. */
function accumulated({ name, args }: Tree, sample: number): Complex {
  const [body, index, start, end] = args as [Tree, Tree, Tree, Tree];
  const [from, to] = [approximate(start, sample).re, approximate(end, sample).re];
  if (!Number.isInteger(from) || !Number.isInteger(to) || (to - from) * nodes(body) > MAX_SUMMAND_NODES) return NOTHING;
  if (some(body, (part) => part.name === 'Sum' || part.name === 'Product')) return NOTHING;
  let total = complex(name === 'Sum' ? 0 : 1);
  for (let k = from; k <= to; k += 1) {
    const value = approximate(substituted(body, keyOf(index), number(integer(k))), sample);
    total = name === 'Sum' ? complex(total.re + value.re, total.im + value.im) : multiply(total, value);
  }
  return total;
}

const REAL_FUNCTIONS: Readonly<Record<string, (...values: number[]) => number>> = {
  sin: (x = 0) => Math.sin(x),
  cos: (x = 0) => Math.cos(x),
  tan: (x = 0) => Math.tan(x),
  cot: (x = 0) => 1 / Math.tan(x),
  sec: (x = 0) => 1 / Math.cos(x),
  csc: (x = 0) => 1 / Math.sin(x),
  asin: (x = 0) => Math.asin(x),
  acos: (x = 0) => Math.acos(x),
  atan: (x = 0) => Math.atan(x),
  acot: (x = 0) => Math.atan(1 / x),
  asec: (x = 0) => Math.acos(1 / x),
  acsc: (x = 0) => Math.asin(1 / x),
  sinh: (x = 0) => Math.sinh(x),
  cosh: (x = 0) => Math.cosh(x),
  tanh: (x = 0) => Math.tanh(x),
  asinh: (x = 0) => Math.asinh(x),
  acosh: (x = 0) => Math.acosh(x),
  atanh: (x = 0) => Math.atanh(x),
  floor: (x = 0) => Math.floor(x),
  ceiling: (x = 0) => Math.ceil(x),
  factorial: (x = 0) => factorial(x),
  binomial: (n = 0, k = 0) => binomial(n, k),
  Mod: (a = 0, b = 1) => a - b * Math.floor(a / b),
  max: (...values) => Math.max(...values),
  min: (...values) => Math.min(...values),
  gcd: (...values) => values.reduce(commonDivisor),
  lcm: (...values) => values.reduce((a, b) => (a * b) / commonDivisor(a, b)),
};

function applied(name: string, args: readonly Complex[]): Complex {
  if (name === 'Abs') return complex(size(args[0] ?? NOTHING));
  if (name === 'log') {
    const [value, base] = args.map(logarithm) as [Complex, Complex];
    if (base.im === 0) return complex(value.re / base.re, value.im / base.re);
    return NOTHING;
  }
  const compute = Object.hasOwn(REAL_FUNCTIONS, name) ? REAL_FUNCTIONS[name] : undefined;
  if (compute === undefined || args.some(({ im }) => im !== 0)) return NOTHING;
  return complex(compute(...args.map(({ re }) => re)));
}

function factorial(x: number): number {
  if (!Number.isInteger(x)) return gamma(x + 1);
  if (x < 0 || x > 170) return Number.NaN;
  let product = 1;
  for (let k = 2; k <= x; k += 1) product *= k;
  return product;
}

/** Lanczos, for the factorials of sample values. */
function gamma(z: number): number {
  const coefficients = [
    676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406, 12.507343278686905,
    -0.13857109526572012, 9.984369578019572e-6, 1.5056327351493116e-7,
  ];
  if (z < 0.5) return Math.PI / (Math.sin(Math.PI * z) * gamma(1 - z));
  const x = z - 1;
  const sum = coefficients.reduce((total, c, k) => total + c / (x + k + 1), 0.9999999999998099);
  const t = x + 7.5;
  return Math.sqrt(2 * Math.PI) * t ** (x + 0.5) * Math.exp(-t) * sum;
}

function binomial(n: number, k: number): number {
  if (!Number.isInteger(k) || k < 0 || k > 200) return factorial(n) / (factorial(k) * factorial(n - k));
  let product = 1;
  for (let j = 1; j <= k; j += 1) product *= (n - k + j) / j;
  return product;
}

function commonDivisor(a: number, b: number): number {
  let [x, y] = [Math.abs(a), Math.abs(b)];
  for (let step = 0; y > 0 && step < 2000; step += 1) [x, y] = [y, x % y];
  return x;
}
