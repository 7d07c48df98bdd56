/**
 * Whether sympy 1.14 simplifies an expression to 0. On everything that gets through the reference's filter its `simplify` finds what is
 * mathematically zero, so expressions without floats are computed to 224 bits at several complex points, and rational ones exactly; with
 * floats its rounding decides, which `sympy-float-sum.ts` follows. Bounded work, no search.
 */
import { COMPLEX_ONE, addComplex, complexFraction, negateComplex, type BigComplex } from './big-complex.ts';
import { FLOAT_ZERO, fromDouble } from './big-float.ts';
import { NotAnExpression, type Expression } from './python-expression.ts';
import { ExactReader } from './sympy-exact.ts';
import { floatSumVanishes } from './sympy-float-sum.ts';
import { isFloat } from './sympy-number.ts';
import { PointReader } from './sympy-point.ts';

const MAX_NODES = 1500;

export function vanishes(expression: Expression): boolean {
  const seen = survey(expression);
  if (seen.floats) return floatSumVanishes(expression);
  const exact = new ExactReader(vanishes);
  const value = exact.read(expression);
  if (value !== null) return value.num === 0n;
  const pointOf = (round: number): Map<string, BigComplex> =>
    new Map([...seen.symbols].map((name, i) => [name, coordinate(name, i, round)] as const));
  let nested = false;
  for (let round = 0; round < (seen.symbols.size === 0 ? 1 : ROUNDS); round += 1) {
    const reader = new PointReader(exact, { symbols: pointOf(round), conjugate: false, stretch: COMPLEX_ONE });
    if (!reader.isNegligible(reader.read(expression))) return false;
    nested ||= reader.nested;
  }
  if (!nested || (seen.symbols.size === 0 && !seen.transcendental)) return true;
  return survivesConjugation(expression, exact, [pointOf(1), pointOf(2)]);
}

/**
 * A nested root that could be taken apart, sqrt(3 + 2 sqrt(2)) = 1 + sqrt(2), is found by sympy in algebraic numbers only. Beside letters, π
 * and logarithms it knows no more of the root than its square, so that the identity has to hold for the other root, too, unless all
 * of those cancel.
 */
function survivesConjugation(
  expression: Expression,
  exact: ExactReader,
  [first, second]: readonly [ReadonlyMap<string, BigComplex>, ReadonlyMap<string, BigComplex>],
): boolean {
  const reader = new PointReader(exact, { symbols: first, conjugate: true, stretch: COMPLEX_ONE });
  const here = reader.read(expression);
  const other = new PointReader(exact, { symbols: second, conjugate: true, stretch: complexFraction(11n, 10n) });
  const there = other.read(expression);
  return (
    (reader.isNegligible(here) && other.isNegligible(there)) ||
    reader.isNegligible(addComplex(here, negateComplex(there)))
  );
}

interface Survey {
  floats: boolean;
  /** π or a logarithm occurs. */
  transcendental: boolean;
  symbols: Set<string>;
}

function survey(expression: Expression): Survey {
  const symbols = new Set<string>();
  let floats = false;
  let transcendental = false;
  let nodes = 0;
  const pending: Expression[] = [expression];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    nodes += 1;
    if (nodes > MAX_NODES) throw new NotAnExpression('too many terms');
    if (node.kind === 'number') floats ||= isFloat(node.value);
    else if (node.kind === 'symbol') symbols.add(node.name);
    else if (node.kind === 'negate') pending.push(node.operand);
    else if (node.kind === 'call') {
      transcendental ||= node.name === 'ln';
      pending.push(node.argument);
    } else if (node.kind === 'constant') transcendental ||= node.name === 'pi';
    else pending.push(node.left, node.right);
  }
  return { floats, transcendental, symbols };
}

/** Real negative, then all four quadrants: identities that hold in a part of the plane only are none for sympy. */
const ROUNDS = 6;

function coordinate(name: string, index: number, round: number): BigComplex {
  let seed = 7 + 101 * round + 1009 * index;
  for (let i = 0; i < name.length; i += 1) seed = (seed * 31 + name.charCodeAt(i)) % 1_000_003;
  const size = 0.7 + (seed % 997) / 613;
  const real = (round + index) % 3 === 0;
  if (real) return { re: fromDouble(round === 3 && index === 0 ? size : -size), im: FLOAT_ZERO };
  const angle = 0.37 + (seed % 911) / 4001 + (Math.PI / 2) * (round + 2 * index + (index > 0 ? round >> 1 : 0));
  return { re: fromDouble(size * Math.cos(angle)), im: fromDouble(size * Math.sin(angle)) };
}
