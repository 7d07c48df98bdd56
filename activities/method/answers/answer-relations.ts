/** Answers that describe a set of real numbers: intervals and unions as written, and inequalities. */
import { NotComparable, type Algebra, type Value } from '../algebra/algebra.ts';
import {
  ALL_REALS,
  inequalityKey,
  intersection,
  intervalKey,
  solveLinear,
  unionKey,
  without,
  type Interval,
} from './answer-regions.ts';
import { splitTopLevel, unwrap } from './answer-structure.ts';
import { readValue } from './answer-value.ts';
import { NotAnExpression } from '../algebra/expression-parser.ts';

const RELATION = /\\(?:leqslant|leq|le|geqslant|geq|ge|lt|gt|ne)(?![a-zA-Z])|<=|>=|!=|<|>/g;
const UNION = /\\cup(?![a-zA-Z])|(?<=[)\]])\s*[Uu]\s*(?=[([])/g;
const SET_BUILDER = /^[a-zA-Z]\s*(?:\\in\s*\\reals)?\s*(?:\\mid(?![a-zA-Z])|\\vert(?![a-zA-Z])|\||:)\s*(.*)$/s;
const ALL =
  /^(?:[a-z]\s*\\in\s*)?(?:the set of )?(?:\\reals|all real numbers|all reals|any real number|every real number|real numbers)$/i;
const PUNCTURED = /^(?:[a-z]\s*\\in\s*)?\\reals\s*(?:\\setminus|\\backslash|-)\s*\\?\{([^{}]*?)\\?\}$/;
const MAX_PARTS = 50;

/** The key of such a set; null when the text describes none. */
export function regionKey(text: string, algebra: Algebra): string | null {
  if (ALL.test(text)) return intervalKey(algebra, ALL_REALS);
  const points = PUNCTURED.exec(text)?.[1];
  if (points !== undefined)
    return without(
      algebra,
      points.split(',').map((point) => readValue(point.trim(), algebra)),
    );
  const union = splitTopLevel(text, UNION);
  if (union.length > 1) return writtenUnion(union, algebra);
  const french = /^([\][])(.*),(.*)([\][])$/s.exec(text);
  if (french !== null && (french[1] === ']' || french[4] === '[')) {
    const [, open, low = '', high = '', close] = french;
    return regionKeyOfPair(`${open === ']' ? '(' : '['}${low},${high}${close === '[' ? ')' : ']'}`, algebra);
  }
  const built = text.startsWith('\\{') ? SET_BUILDER.exec(unwrap(text)?.inside.trim() ?? '')?.[1] : undefined;
  return inequalities(built ?? text, algebra);
}

function regionKeyOfPair(text: string, algebra: Algebra): string | null {
  const interval = writtenInterval(text, algebra);
  return interval === null ? null : intervalKey(algebra, interval);
}

function writtenUnion(parts: readonly string[], algebra: Algebra): string {
  if (parts.length > MAX_PARTS) throw new NotComparable('too many parts');
  const intervals = parts.map((part) => writtenInterval(part.trim(), algebra));
  if (intervals.some((interval) => interval === null)) throw new NotAnExpression('union of something else');
  return unionKey(algebra, intervals as Interval[]);
}

/** `(a, b]`, or the point {a}. */
function writtenInterval(text: string, algebra: Algebra): Interval | null {
  const wrapped = unwrap(text);
  if (wrapped === null) return null;
  const parts = splitTopLevel(wrapped.inside, /,/g);
  const bound = (part: string | undefined): Value | null => {
    const value = readValue((part ?? '').trim(), algebra);
    return /^-?1\*inf$/.test(algebra.key(value)) ? null : value;
  };
  if (wrapped.open === '{' && parts.length === 1) {
    const point = bound(parts[0]);
    return point === null ? null : { low: point, high: point, lowClosed: true, highClosed: true };
  }
  if (wrapped.open === '{' || parts.length !== 2) return null;
  const [low, high] = [bound(parts[0]), bound(parts[1])];
  if ((low === null && !parts[0]?.includes('-')) || (high === null && parts[1]?.includes('-'))) return null;
  return { low, high, lowClosed: wrapped.open === '[', highClosed: wrapped.close === ']' };
}

/** Inequalities, alone or joined by "or" or "and". */
function inequalities(text: string, algebra: Algebra): string | null {
  if (text.search(RELATION) === -1) return null;
  const either = splitTopLevel(text, /\sor\s|\\(?:lor|vee)(?![a-zA-Z])/g);
  const both = splitTopLevel(text, /\sand\s|\\(?:land|wedge)(?![a-zA-Z])/g);
  if (either.length === 1 && both.length === 1) return inequality(text.trim(), algebra);
  const parts = either.length > 1 ? either : both;
  if (parts.length > MAX_PARTS || (either.length > 1 && both.length > 1)) return null;
  const intervals = parts.map((part) => solved(part.trim(), algebra));
  if (intervals.some((interval) => interval === null)) return null;
  if (either.length > 1) return unionKey(algebra, intervals as Interval[]);
  const shared = intersection(algebra, intervals as Interval[]);
  return shared === null ? null : intervalKey(algebra, shared);
}

function solved(text: string, algebra: Algebra): Interval | null {
  const read = chain(text, algebra);
  return read === null || read.some(({ kind }) => kind === '!=') ? null : solutionOf(read, algebra);
}

interface Relation {
  /** Above zero, or not below it. */
  value: Value;
  kind: '>' | '>=' | '!=';
}

function inequality(text: string, algebra: Algebra): string | null {
  const relations = chain(text, algebra);
  const [only] = relations ?? [];
  if (relations === null || only === undefined) return null;
  if (only.kind === '!=') {
    const point = solveLinear(algebra, only.value)?.root;
    return point === undefined ? inequalityKey(algebra, only.value, '!=') : without(algebra, [point]);
  }
  const solution = solutionOf(relations, algebra);
  if (solution !== null) return intervalKey(algebra, solution);
  return relations.length === 1 ? inequalityKey(algebra, only.value, only.kind) : null;
}

/** a < b <= c, as differences that are positive; null for text that is no such chain. */
function chain(text: string, algebra: Algebra): Relation[] | null {
  const operators = text.match(RELATION) ?? [];
  if (operators.length === 0 || operators.length > 2 || /(?<![<>!])=/.test(text)) return null;
  const sides = text.split(RELATION).map((side) => side.trim());
  if (sides.some((side) => side === '')) return null;
  const values = sides.map((side) => readValue(side, algebra));
  const relations = operators.map((operator, i): Relation => {
    const [left, right] = [values[i] as Value, values[i + 1] as Value];
    if (/^(?:!=|\\ne)$/.test(operator)) return { value: algebra.subtract(left, right), kind: '!=' };
    const below = /^(?:<|\\l)/.test(operator);
    const strict = /^(?:<|>|\\lt|\\gt)$/.test(operator);
    return { value: below ? algebra.subtract(right, left) : algebra.subtract(left, right), kind: strict ? '>' : '>=' };
  });
  return relations.length === 2 && relations.some(({ kind }) => kind === '!=') ? null : relations;
}

function solutionOf(relations: readonly Relation[], algebra: Algebra): Interval | null {
  const variables = new Set<string>();
  const intervals: Interval[] = [];
  for (const { value, kind } of relations) {
    const solution = solveLinear(algebra, value);
    if (solution === null) return null;
    variables.add(solution.variable);
    intervals.push(half(algebra, solution.root, solution.rising, kind === '>='));
  }
  if (variables.size !== 1) return null;
  return intervals.length === 1 ? (intervals[0] as Interval) : intersection(algebra, intervals);
}

function half(algebra: Algebra, root: Value, rising: boolean, closed: boolean): Interval {
  const infinite = /^-?1\*inf$/.test(algebra.key(root));
  const bound = infinite ? null : root;
  return rising
    ? { low: bound, lowClosed: closed && !infinite, high: null, highClosed: false }
    : { low: null, lowClosed: false, high: bound, highClosed: closed && !infinite };
}
