/**
 * Top-k, top-p and min-p inside the graph, as `truncate` of `sampling.ts` has them. Rows differ much in how many tokens can
 * remain, a handful where a number is expected and thousands where anything may follow, so the candidates of all rows
 * are one list of as many as there are, N, by row and in each from the likeliest to the least.
 */
import { doubleInput } from './double-input.ts';
import { gatherRows } from './kernels.ts';
import { tensorValue } from './graph.ts';
import type { Ref } from './graph.ts';
import { rowOps } from './row-ops.ts';
import type { Scope } from './scope.ts';

export interface TemperedRows {
  /** float32 [B, V] */
  logits: Ref;
  /** float64 [B, V]: exponentials of the tempered logits, the largest of which is 1. */
  weights: Ref;
  /** float64 [B]: their sum. */
  total: Ref;
  /** float64 [B]: uniform in [0, 1). */
  draws: Ref;
}

/** Shape of a list of candidates: how many there are is known only when the graph runs, and no size is computed from it. */
const LIST = [1];
const INT = { T: { type: 'int32' } } as const;

/** @returns int32 [B] tokens */
export function chooseAmongLikeliest(scope: Scope, tempered: TemperedRows, variant: 'top' | 'nucleus'): Ref {
  const { double, compare, cast, runningSum } = rowOps(scope);
  const { total, draws } = tempered;
  const [topP, minP] = ['topP', 'minP'].map((name) => doubleInput(scope, name, [])) as [Ref, Ref];
  const topK = variant === 'top' ? scope.input('topK', 'int32', []) : undefined;
  const possible = topK ? atLeastLast(scope, tempered, topK) : aboveFloor(scope, tempered, minP);
  const { rows, ids, weights } = sortedCandidates(scope, tempered, possible);

  const integer = (op: string, a: Ref, b: Ref): Ref => scope.node(op, [a, b], INT, [a])[0];
  const both = (a: Ref, b: Ref): Ref => scope.node('LogicalAnd', [a, b], {}, [a])[0];
  const ofRow = (x: Ref): Ref => gatherRows(scope, x, rows);
  /** Sum of each row's part of a list: [B]. */
  const sum = (x: Ref): Ref => {
    const attributes = { T: { type: x.dtype }, Tindices: { type: 'int32' }, Tnumsegments: { type: 'int32' } } as const;
    return scope.node('UnsortedSegmentSum', [x, rows, scope.size(draws.shape[0] as number)], attributes, [
      { dtype: x.dtype, shape: draws.shape },
    ])[0];
  };
  const countIf = (x: Ref): Ref => cast(sum(cast(x, 'float64')), 'int32');
  const start = runningSum(countIf(compare('GreaterEqual', weights, weights, weights)), true);
  // A row without candidates, because its logits are not a number, may start behind the end.
  const atStart = (x: Ref): Ref => gatherRows(scope, withOneMore(scope, x), start);
  /** What the candidates of the same row add up to, before each or with it. */
  const runningInRow = (x: Ref, exclusive: boolean): Ref =>
    double('Sub', [runningSum(x, exclusive), ofRow(atStart(runningSum(x, true)))], x);
  const masked = (x: Ref, mask: Ref): Ref => double('Mul', [x, cast(mask, 'float64')], x);

  const inTop = topK && compare('Less', integer('Sub', positionsOf(scope, ids), ofRow(start)), topK, ids);
  const mass = inTop ? sum(masked(weights, inTop)) : total;
  // The shortest beginning that reaches the goal: the first token always, and each before which there was less.
  const goal = double('Mul', [mass, topP], mass);
  const inNucleus = compare('Less', runningInRow(weights, true), ofRow(goal), weights);
  const likely = both(inNucleus, compare('GreaterEqual', weights, minP, weights));
  const kept = inTop ? both(likely, inTop) : likely;
  const remaining = masked(weights, kept);
  const target = double('Mul', [draws, sum(remaining)], draws);
  const passed = compare('LessEqual', runningInRow(remaining, false), ofRow(target), weights);
  // Rounding at the far end, and rows of which nothing is kept.
  const last = integer('Sub', countIf(kept), scope.size(1));
  const index = integer('Maximum', integer('Minimum', countIf(both(passed, kept)), last), scope.size(0));
  return gatherRows(scope, withOneMore(scope, ids), integer('AddV2', start, index));
}

/** Tokens that are no less likely than the k-th likeliest: k, and those that equal it. bool [B, V] */
function atLeastLast(scope: Scope, { logits }: TemperedRows, topK: Ref): Ref {
  const { compare, asColumn, column } = rowOps(scope);
  const attributes = { T: { type: 'float32' }, sorted: { bool: true } } as const;
  const [largest] = scope.node('TopKV2', [logits, topK], attributes, [
    { dtype: 'float32', shape: logits.shape },
    { dtype: 'int32', shape: logits.shape },
  ]) as [Ref, Ref];
  const lastIndex = scope.node('Sub', [topK, scope.size(1)], INT, [topK])[0];
  return compare('GreaterEqual', logits, asColumn(column(largest, lastIndex)), logits);
}

/** Tokens that min-p keeps and that are not too unlikely for the nucleus. bool [B, V] */
function aboveFloor(scope: Scope, { weights, total }: TemperedRows, minP: Ref): Ref {
  const { double, compare, asColumn } = rowOps(scope);
  const share = double('Mul', [total, doubleInput(scope, 'leastShare', [])], total);
  return compare('GreaterEqual', weights, asColumn(double('Maximum', [share, minP], share)), weights);
}

/** By row; in each the largest logit first, and the lower id first among equals. */
function sortedCandidates(
  scope: Scope,
  { logits, weights }: TemperedRows,
  possible: Ref,
): { rows: Ref; ids: Ref; weights: Ref } {
  const { cast } = rowOps(scope);
  const whole = { dtype: 'int32', shape: LIST } as const;
  const places = scope.node('Where', [possible], { T: { type: 'bool' } }, [{ dtype: 'int64', shape: [...LIST, 2] }])[0];
  const unpacking = { T: { type: 'int32' }, num: { int: 2 }, axis: { int: 1 } } as const;
  const [rows, ids] = scope.node('Unpack', [cast(places, 'int32')], unpacking, [whole, whole]) as [Ref, Ref];
  const valuesOf = (x: Ref): Ref =>
    scope.node('GatherNd', [x, places], { Tparams: { type: x.dtype }, Tindices: { type: 'int64' } }, [
      { dtype: x.dtype, shape: LIST },
    ])[0];
  /** Places of a list in descending order of its values; equal ones stay in their order. */
  const order = (x: Ref): Ref => {
    const size = scope.node('Size', [x], { T: { type: x.dtype }, out_type: { type: 'int32' } }, [
      { dtype: 'int32', shape: [] },
    ])[0];
    return scope.node('TopKV2', [x, size], { T: { type: x.dtype }, sorted: { bool: true } }, [x, whole])[1] as Ref;
  };
  const byLogit = order(valuesOf(logits));
  const negative = scope.node('Neg', [cast(gatherRows(scope, rows, byLogit), 'float32')], { T: { type: 'float32' } }, [
    { dtype: 'float32', shape: LIST },
  ])[0];
  const sorted = gatherRows(scope, byLogit, order(negative));
  const inOrder = (x: Ref): Ref => gatherRows(scope, x, sorted);
  return { rows: inOrder(rows), ids: inOrder(ids), weights: inOrder(valuesOf(weights)) };
}

function positionsOf(scope: Scope, list: Ref): Ref {
  const size = scope.node('Size', [list], { T: { type: list.dtype }, out_type: { type: 'int32' } }, [
    { dtype: 'int32', shape: [] },
  ])[0];
  return scope.node('Range', [scope.size(0), size, scope.size(1)], { Tidx: { type: 'int32' } }, [list])[0];
}

/** A list with a zero behind it. */
function withOneMore(scope: Scope, list: Ref): Ref {
  const paddings = scope.constant(tensorValue('int32', [1, 2], [0, 1]));
  return scope.node('Pad', [list, paddings], { T: { type: list.dtype }, Tpaddings: { type: 'int32' } }, [list])[0];
}
