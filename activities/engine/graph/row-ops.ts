/** Operations over the rows of matrices [B, N], for the choice of tokens. */
import type { DType } from './graph-def.ts';
import type { Ref } from './graph.ts';
import type { OutputSpec, Scope } from './scope.ts';

export interface RowOps {
  readonly cast: (x: Ref, dtype: DType) => Ref;
  /** A double-precision operation whose result has the given shape. */
  readonly double: (
    op: 'Sub' | 'Mul' | 'RealDiv' | 'Exp' | 'Log' | 'Maximum',
    inputs: readonly Ref[],
    like: OutputSpec,
  ) => Ref;
  readonly compare: (op: 'Less' | 'LessEqual' | 'GreaterEqual', a: Ref, b: Ref, like: OutputSpec) => Ref;
  /** Of each row: [B], or [B, 1] when `keep`. */
  readonly reduce: (op: 'Max' | 'Sum', x: Ref, keep: boolean) => Ref;
  /** True values of each row, int32 [B]. */
  readonly count: (x: Ref) => Ref;
  /** Sums along the last axis of the values up to each, or before each when `exclusive`. */
  readonly runningSum: (x: Ref, exclusive: boolean) => Ref;
  /** Elements of [B, N] at the indices [B], one in each row. */
  readonly at: (x: Ref, indices: Ref) => Ref;
  /** The element of each row at one index: [B]. */
  readonly column: (x: Ref, index: Ref) => Ref;
  /** Column [B, 1] of a vector [B]. */
  readonly asColumn: (x: Ref) => Ref;
}

export function rowOps(scope: Scope): RowOps {
  const type = (dtype: DType) => ({ T: { type: dtype } }) as const;
  const gather = (x: Ref, indices: Ref, batchDims: number): Ref =>
    scope.node(
      'GatherV2',
      [x, indices, scope.size(1)],
      {
        Tparams: { type: x.dtype },
        Tindices: { type: 'int32' },
        Taxis: { type: 'int32' },
        batch_dims: { int: batchDims },
      },
      [{ dtype: x.dtype, shape: x.shape.slice(0, 1) }],
    )[0];
  const cast: RowOps['cast'] = (x, dtype) =>
    scope.node('Cast', [x], { SrcT: { type: x.dtype }, DstT: { type: dtype }, Truncate: { bool: false } }, [
      { dtype, shape: x.shape },
    ])[0];
  const reduce: RowOps['reduce'] = (op, x, keep) =>
    scope.node(op, [x, scope.size(1)], { ...type(x.dtype), Tidx: { type: 'int32' }, keep_dims: { bool: keep } }, [
      { dtype: x.dtype, shape: keep ? [x.shape[0] as number, 1] : x.shape.slice(0, 1) },
    ])[0];
  return {
    cast,
    double: (op, inputs, { shape }) => scope.node(op, inputs, type('float64'), [{ dtype: 'float64', shape }])[0],
    compare: (op, a, b, { shape }) => scope.node(op, [a, b], type(a.dtype), [{ dtype: 'bool', shape }])[0],
    reduce,
    count: (x) => reduce('Sum', cast(x, 'int32'), false),
    runningSum: (x, exclusive) =>
      scope.node(
        'Cumsum',
        [x, scope.size(x.shape.length - 1)],
        { ...type(x.dtype), Tidx: { type: 'int32' }, exclusive: { bool: exclusive }, reverse: { bool: false } },
        [x],
      )[0],
    at: (x, indices) => gather(x, indices, 1),
    column: (x, index) => gather(x, index, 0),
    asColumn: (x) =>
      scope.node('ExpandDims', [x, scope.size(1)], { ...type(x.dtype), Tdim: { type: 'int32' } }, [
        { dtype: x.dtype, shape: [...x.shape, 1] },
      ])[0],
  };
}
