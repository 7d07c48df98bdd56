/** Sets of real numbers: intervals, their unions, and the inequalities that describe them. */
import type { Algebra, Value } from '../algebra/algebra.ts';
import { integer } from '../algebra/rational.ts';
import { UNIT, atomsOf, sumAsRational, sumKey, type Sum } from '../algebra/sums.ts';

/** null stands for an infinite bound. */
export interface Interval {
  low: Value | null;
  high: Value | null;
  lowClosed: boolean;
  highClosed: boolean;
}

export const ALL_REALS: Interval = { low: null, high: null, lowClosed: false, highClosed: false };

export function intervalKey(algebra: Algebra, interval: Interval): string {
  const low = interval.low === null ? 'value:-1*inf' : `value:${algebra.key(interval.low)}`;
  const high = interval.high === null ? 'value:1*inf' : `value:${algebra.key(interval.high)}`;
  return `tuple:${interval.lowClosed ? '[' : '('}${low}|${high}${interval.highClosed ? ']' : ')'}`;
}

/** One key for a union: overlapping and touching intervals merged where their bounds can be compared, the rest sorted. */
export function unionKey(algebra: Algebra, intervals: readonly Interval[]): string {
  const parts = merged(algebra, intervals) ?? [...intervals];
  const keys = [...new Set(parts.map((interval) => intervalKey(algebra, interval)))].sort();
  return keys.length === 1 ? (keys[0] as string) : `union:{${keys.join('|')}}`;
}

/** Order of two bounds; null where it cannot be told. */
function order(algebra: Algebra, a: Value, b: Value): number | null {
  return algebra.sign(algebra.subtract(a, b));
}

function merged(algebra: Algebra, intervals: readonly Interval[]): Interval[] | null {
  let comparable = true;
  const byLow = [...intervals].sort((a, b) => {
    if (a.low === null || b.low === null) return (a.low === null ? 0 : 1) - (b.low === null ? 0 : 1);
    const sign = order(algebra, a.low, b.low);
    if (sign === null) comparable = false;
    return sign === 0 ? Number(b.lowClosed) - Number(a.lowClosed) : (sign ?? 0);
  });
  const result: Interval[] = [];
  for (const next of byLow) {
    const last = result.at(-1);
    if (last === undefined) {
      result.push(next);
      continue;
    }
    if (last.high === null) continue;
    const gap = next.low === null ? -1 : order(algebra, next.low, last.high);
    if (gap === null) comparable = false;
    if ((gap ?? 1) > 0 || (gap === 0 && !next.lowClosed && !last.highClosed)) {
      result.push(next);
      continue;
    }
    const further = next.high === null ? 1 : order(algebra, next.high, last.high);
    if (further === null) comparable = false;
    if ((further ?? 0) > 0) result[result.length - 1] = { ...last, high: next.high, highClosed: next.highClosed };
    else if (further === 0) result[result.length - 1] = { ...last, highClosed: last.highClosed || next.highClosed };
  }
  return comparable ? result : null;
}

/** What all of the intervals share; null where bounds cannot be compared or nothing is left. */
export function intersection(algebra: Algebra, intervals: readonly Interval[]): Interval | null {
  let result = ALL_REALS;
  for (const next of intervals) {
    const low = tighter(algebra, [result.low, result.lowClosed], [next.low, next.lowClosed], 1);
    const high = tighter(algebra, [result.high, result.highClosed], [next.high, next.highClosed], -1);
    if (low === null || high === null) return null;
    result = { low: low[0], lowClosed: low[1], high: high[0], highClosed: high[1] };
  }
  if (result.low !== null && result.high !== null && order(algebra, result.low, result.high) !== -1) return null;
  return result;
}

type Bound = readonly [Value | null, boolean];

function tighter(algebra: Algebra, a: Bound, b: Bound, direction: 1 | -1): Bound | null {
  if (a[0] === null) return b;
  if (b[0] === null) return a;
  const sign = order(algebra, a[0], b[0]);
  if (sign === null) return null;
  if (sign === 0) return [a[0], a[1] && b[1]];
  return sign === direction ? a : b;
}

/** The reals without some points. */
export function without(algebra: Algebra, points: readonly Value[]): string | null {
  const sorted = [...points].sort((a, b) => order(algebra, a, b) ?? 0);
  const bounds = [null, ...sorted, null];
  const pieces = sorted.concat([sorted[0] as Value]).map((_, i) => ({
    low: bounds[i] as Value | null,
    high: bounds[i + 1] as Value | null,
    lowClosed: false,
    highClosed: false,
  }));
  return unionKey(algebra, pieces);
}

/** An inequality `value > 0` (or `>= 0`, or `!= 0`) as the set of its one variable, if it is linear in it; null otherwise. */
export function solveLinear(algebra: Algebra, value: Value): { variable: string; root: Value; rising: boolean } | null {
  const { num, den } = algebra.simplify(value);
  if (den !== UNIT) return null;
  const variables = variablesOf(num);
  const [variable] = variables;
  if (variables.length !== 1 || variable === undefined) return null;
  const solved = solveFor(algebra, num, variable);
  return solved === null ? null : { variable, ...solved };
}

/** Names that stand for an unknown: no constants, no roots, no functions. */
export function variablesOf(sum: Sum): string[] {
  return atomsOf(sum).filter((atom) => /^(?:[a-zA-Z]|\\[a-zA-Z]+)(?:_\w+)?$/.test(atom) && atom !== 'e');
}

/** sum = 0 solved for a variable with a rational factor that occurs nowhere else. */
export function solveFor(algebra: Algebra, sum: Sum, variable: string): { root: Value; rising: boolean } | null {
  const linear = sum.get(variable)?.coefficient;
  if (linear === undefined) return null;
  const rest = new Map(sum);
  rest.delete(variable);
  if ([...rest.values()].some(({ factors }) => [...factors.keys()].some((atom) => mentions(atom, variable))))
    return null;
  const scale = algebra.constant({
    num: linear.num < 0n ? linear.den : -linear.den,
    den: linear.num < 0n ? -linear.num : linear.num,
  });
  return { root: algebra.multiply({ num: rest, den: UNIT }, scale), rising: linear.num > 0n };
}

/** Whether the name of an atom, which may hold a whole expression, contains the variable. */
function mentions(atom: string, variable: string): boolean {
  return atom === variable || (atom.includes('(') && atom.includes(variable));
}

/** The key of an inequality that is no interval: equal for all that differ by a positive rational factor. */
export function inequalityKey(algebra: Algebra, value: Value, kind: '>' | '>=' | '!='): string | null {
  const { num, den } = algebra.simplify(value);
  const constant = sumAsRational(num);
  if (den !== UNIT || constant !== null) return null;
  const equation = algebra.equation({ num, den });
  const [key, term] = [...num][0] as [string, { coefficient: { num: bigint } }];
  const same = (equation.get(key)?.coefficient.num ?? 0n) > 0n === term.coefficient.num > 0n;
  if (kind === '!=') return `!=:${sumKey(equation)}`;
  return `${kind}:${sumKey(same ? equation : algebra.sums.scale(equation, integer(-1)))}`;
}
