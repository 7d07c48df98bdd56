/**
 * Every TensorFlow.js kernel that the model, its gradients and its optimizer use, as TensorFlow operations. Shapes are
 * worked out here, so that tracing runs nothing. A kernel that is missing fails by name when it is first traced.
 */
import { DTYPES } from './graph-def.ts';
import type { Attribute, DType } from './graph-def.ts';
import { tensorValue } from './graph.ts';
import type { Ref } from './graph.ts';
import type { Scope } from './scope.ts';

/** Inputs by TensorFlow.js's names, or a list for the kernels that take one. */
export type KernelInputs = Readonly<Record<string, Ref>> & ArrayLike<Ref>;
type Attributes = Readonly<Record<string, unknown>>;
export type Emit = (scope: Scope, inputs: KernelInputs, attributes: Attributes) => Ref | Ref[];

/** Kernels whose result is a list of tensors, even if it is a list of one. */
export const LIST_KERNELS: ReadonlySet<string> = new Set(['SplitV']);

const type = (dtype: DType): Attribute => ({ type: dtype });

/** Fails where broadcasting a symbolic size would depend on its value. */
export function broadcast(a: readonly number[], b: readonly number[]): number[] {
  return Array.from({ length: Math.max(a.length, b.length) }, (_, index) => {
    const left = a[a.length - 1 - index] ?? 1;
    const right = b[b.length - 1 - index] ?? 1;
    if (left !== right && left !== 1 && right !== 1)
      throw new RangeError(`[${a.join()}] and [${b.join()}] do not broadcast`);
    return left === 1 ? right : left;
  }).toReversed();
}

const binary =
  (op: string, result?: DType): Emit =>
  (scope, { a, b }) =>
    scope.node(op, [a, b] as [Ref, Ref], { T: type(a!.dtype) }, [
      { dtype: result ?? a!.dtype, shape: broadcast(a!.shape, b!.shape) },
    ]);

const logical =
  (op: string): Emit =>
  (scope, { a, b }) =>
    scope.node(op, [a, b] as [Ref, Ref], {}, [{ dtype: 'bool', shape: broadcast(a!.shape, b!.shape) }]);

const unary =
  (op: string, input = 'x'): Emit =>
  (scope, inputs) => {
    const x = inputs[input] as Ref;
    return scope.node(op, [x], { T: type(x.dtype) }, [x]);
  };

const reduction =
  (op: string, axes = 'axis'): Emit =>
  (scope, { x: input }, attributes) => {
    const x = input as Ref;
    const rank = x.shape.length;
    const given = attributes[axes] as number | number[] | null | undefined;
    const reduced = (given == null ? x.shape.map((_, axis) => axis) : [given].flat()).map(
      (axis) => (axis + rank) % rank,
    );
    const keep = Boolean(attributes['keepDims']);
    const shape = x.shape.flatMap((size, axis) => (reduced.includes(axis) ? (keep ? [1] : []) : [size]));
    return scope.node(
      op,
      [x, scope.shape(reduced)],
      { T: type(x.dtype), Tidx: type('int32'), keep_dims: { bool: keep } },
      [{ dtype: x.dtype, shape }],
    );
  };

export function reshape(scope: Scope, x: Ref, shape: readonly number[]): Ref {
  const known = shape.reduce((product, size) => (size === -1 ? product : product * size), 1);
  const total = x.shape.reduce((product, size) => product * size, 1);
  const full = shape.map((size) => (size === -1 ? total / known : size));
  if (full.reduce((product, size) => product * size, 1) !== total) {
    throw new RangeError(`[${x.shape.join()}] cannot be reshaped to [${shape.join()}]`);
  }
  return scope.node('Reshape', [x, scope.shape(full)], { T: type(x.dtype), Tshape: type('int32') }, [
    { dtype: x.dtype, shape: full },
  ])[0];
}

export function scalarConstant(scope: Scope, dtype: DType, value: number): Ref {
  if (dtype === 'int64' || dtype === 'bfloat16') throw new RangeError(`constants of ${dtype} are not traced`);
  return scope.constant(tensorValue(dtype, [], [value]));
}

/** A tensor full of one value, whose sizes may be unknown. */
export function fill(scope: Scope, shape: readonly number[], value: Ref): Ref {
  const { dtype } = value;
  return scope.node('Fill', [scope.shape(shape), value], { T: type(dtype), index_type: type('int32') }, [
    { dtype, shape },
  ])[0];
}

function cast(scope: Scope, x: Ref, dtype: DType): Ref {
  return scope.node('Cast', [x], { SrcT: type(x.dtype), DstT: type(dtype), Truncate: { bool: false } }, [
    { dtype, shape: x.shape },
  ])[0];
}

/** The product of float32 matrices with inputs and output rounded to bfloat16. */
export function roundedMatMul(scope: Scope, a: Ref, b: Ref, transposeA: boolean, transposeB: boolean): Ref {
  const [roundedA, roundedB] = [cast(scope, a, 'bfloat16'), cast(scope, b, 'bfloat16')];
  return cast(scope, matMul(scope, roundedA, roundedB, transposeA, transposeB), 'float32');
}

export function matMul(scope: Scope, a: Ref, b: Ref, transposeA: boolean, transposeB: boolean): Ref {
  const rank = a.shape.length;
  const [rowsA, columnsA] = a.shape.slice(-2) as [number, number];
  const [rowsB, columnsB] = b.shape.slice(-2) as [number, number];
  const shape = [
    ...broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2)),
    transposeA ? columnsA : rowsA,
    transposeB ? rowsB : columnsB,
  ];
  const output = [{ dtype: a.dtype, shape }] as const;
  // The batched kernel is slower for two plain matrices.
  if (rank === 2 && b.shape.length === 2) {
    const flags = { transpose_a: { bool: transposeA }, transpose_b: { bool: transposeB } };
    return scope.node('MatMul', [a, b], { T: type(a.dtype), ...flags }, [...output])[0];
  }
  const flags = { adj_x: { bool: transposeA }, adj_y: { bool: transposeB } };
  return scope.node('BatchMatMulV2', [a, b], { T: type(a.dtype), ...flags }, [...output])[0];
}

/** Rows of `table` at `ids`. */
export function gatherRows(scope: Scope, table: Ref, ids: Ref): Ref {
  return scope.node(
    'GatherV2',
    [table, ids, scope.size(0)],
    { Tparams: type(table.dtype), Tindices: type(ids.dtype), Taxis: type('int32'), batch_dims: { int: 0 } },
    [{ dtype: table.dtype, shape: [...ids.shape, ...table.shape.slice(1)] }],
  )[0];
}

/** Two tensors side by side along axis 2. @param columns of both: a sum of symbols is told apart from no other size */
export function joinColumns(scope: Scope, a: Ref, b: Ref, columns: number): Ref {
  const attrs = { T: type(a.dtype), N: { int: 2 }, Tidx: type('int32') };
  return scope.node('ConcatV2', [a, b, scope.size(2)], attrs, [{ dtype: a.dtype, shape: a.shape.with(2, columns) }])[0];
}

/** The reverse. */
export function splitColumns(scope: Scope, x: Ref, sizes: readonly number[]): Ref[] {
  const attrs = { T: type(x.dtype), Tlen: type('int32'), num_split: { int: sizes.length } };
  return scope.node(
    'SplitV',
    [x, scope.shape(sizes), scope.size(2)],
    attrs,
    sizes.map((size) => ({ dtype: x.dtype, shape: x.shape.with(2, size) })),
  );
}

function range(scope: Scope, attributes: Attributes): Ref {
  const { start, stop, step } = attributes as { start: number; stop: number; step: number };
  if (start !== 0 || step !== 1) throw new RangeError('only ranges from 0 in steps of 1 are traced');
  return scope.node('Range', [scope.size(0), scope.size(stop), scope.size(1)], { Tidx: type('int32') }, [
    { dtype: 'int32', shape: [stop] },
  ])[0];
}

function listOf(inputs: KernelInputs): Ref[] {
  return Array.from(inputs);
}

/** All but `BatchMatMul`, which depends on the precision asked for. */
export const KERNELS: Readonly<Record<string, Emit>> = {
  Add: binary('AddV2'),
  Sub: binary('Sub'),
  Multiply: binary('Mul'),
  RealDiv: binary('RealDiv'),
  Minimum: binary('Minimum'),
  Maximum: binary('Maximum'),
  Less: binary('Less', 'bool'),
  LessEqual: binary('LessEqual', 'bool'),
  Greater: binary('Greater', 'bool'),
  GreaterEqual: binary('GreaterEqual', 'bool'),
  Equal: binary('Equal', 'bool'),
  NotEqual: binary('NotEqual', 'bool'),
  LogicalAnd: logical('LogicalAnd'),
  LogicalOr: logical('LogicalOr'),
  LogicalNot: (scope, { x }) => scope.node('LogicalNot', [x!], {}, [x!]),
  Neg: unary('Neg'),
  Square: unary('Square'),
  Sqrt: unary('Sqrt'),
  Rsqrt: unary('Rsqrt'),
  Exp: unary('Exp'),
  Log: unary('Log'),
  Sigmoid: unary('Sigmoid'),
  Softmax: unary('Softmax', 'logits'),
  LogSoftmax: unary('LogSoftmax', 'logits'),
  ZerosLike: unary('ZerosLike'),
  OnesLike: unary('OnesLike'),
  Identity: (_, { x }) => x!,
  Sum: reduction('Sum'),
  Mean: reduction('Mean'),
  Max: reduction('Max', 'reductionIndices'),
  Reshape: (scope, { x }, attributes) => reshape(scope, x!, attributes['shape'] as number[]),
  ExpandDims: (scope, { input }, attributes) => {
    const axis = attributes['dim'] as number;
    const at = axis < 0 ? axis + input!.shape.length + 1 : axis;
    return scope.node('ExpandDims', [input!, scope.size(at)], { T: type(input!.dtype), Tdim: type('int32') }, [
      { dtype: input!.dtype, shape: input!.shape.toSpliced(at, 0, 1) },
    ]);
  },
  Transpose: (scope, { x }, attributes) => {
    const axes = attributes['perm'] as number[];
    const shape = axes.map((axis) => x!.shape[axis] as number);
    return scope.node('Transpose', [x!, scope.shape(axes)], { T: type(x!.dtype), Tperm: type('int32') }, [
      { dtype: x!.dtype, shape },
    ]);
  },
  SplitV: (scope, { x }, attributes) => {
    const rank = x!.shape.length;
    const axis = ((attributes['axis'] as number) + rank) % rank;
    const given = attributes['numOrSizeSplits'] as number | number[];
    const whole = x!.shape[axis] as number;
    const sizes = typeof given === 'number' ? Array.from({ length: given }, () => whole / given) : given;
    const attrs = { T: type(x!.dtype), Tlen: type('int32'), num_split: { int: sizes.length } };
    return scope.node(
      'SplitV',
      [x!, scope.shape(sizes), scope.size(axis)],
      attrs,
      sizes.map((part) => ({ dtype: x!.dtype, shape: x!.shape.with(axis, part) })),
    );
  },
  Concat: (scope, inputs, attributes) => {
    const parts = listOf(inputs);
    const [first] = parts as [Ref];
    const rank = first.shape.length;
    const axis = ((attributes['axis'] as number) + rank) % rank;
    const joined = parts.reduce((sum, part) => sum + (part.shape[axis] as number), 0);
    const attrs = { T: type(first.dtype), N: { int: parts.length }, Tidx: type('int32') };
    return scope.node('ConcatV2', [...parts, scope.size(axis)], attrs, [
      { dtype: first.dtype, shape: first.shape.with(axis, joined) },
    ]);
  },
  Pack: (scope, inputs, attributes) => {
    const parts = listOf(inputs);
    const [first] = parts as [Ref];
    const axis = (attributes['axis'] as number | undefined) ?? 0;
    return scope.node('Pack', parts, { T: type(first.dtype), N: { int: parts.length }, axis: { int: axis } }, [
      { dtype: first.dtype, shape: first.shape.toSpliced(axis, 0, parts.length) },
    ]);
  },
  Cast: (scope, { x }, attributes) => {
    const dtype = attributes['dtype'] as DType;
    if (!(dtype in DTYPES)) throw new RangeError(`cannot cast to ${dtype}`);
    return cast(scope, x!, dtype);
  },
  Select: (scope, { condition, t, e }) => {
    const shape = broadcast(condition!.shape, broadcast(t!.shape, e!.shape));
    return scope.node('SelectV2', [condition!, t!, e!], { T: type(t!.dtype) }, [{ dtype: t!.dtype, shape }]);
  },
  ClipByValue: (scope, { x }, attributes) => {
    const bound = (name: string): Ref => scalarConstant(scope, x!.dtype, attributes[name] as number);
    const attrs = { T: type(x!.dtype) };
    const below = scope.node('Minimum', [x!, bound('clipValueMax')], attrs, [x!])[0];
    return scope.node('Maximum', [below, bound('clipValueMin')], attrs, [x!]);
  },
  Fill: (scope, _, attributes) =>
    fill(
      scope,
      attributes['shape'] as number[],
      scalarConstant(scope, (attributes['dtype'] as DType | undefined) ?? 'float32', attributes['value'] as number),
    ),
  Range: (scope, _, attributes) => range(scope, attributes),
  OneHot: (scope, { indices }, attributes) => {
    const depth = attributes['depth'] as number;
    const dtype = (attributes['dtype'] as DType | undefined) ?? 'int32';
    const values = ['onValue', 'offValue'].map((name) => scalarConstant(scope, dtype, attributes[name] as number));
    const attrs = { T: type(dtype), TI: type(indices!.dtype), axis: { int: -1 } };
    return scope.node('OneHot', [indices!, scope.size(depth), ...values], attrs, [
      { dtype, shape: [...indices!.shape, depth] },
    ]);
  },
  UnsortedSegmentSum: (scope, { x, segmentIds }, attributes) => {
    const segments = attributes['numSegments'] as number;
    const attrs = { T: type(x!.dtype), Tindices: type(segmentIds!.dtype), Tnumsegments: type('int32') };
    return scope.node('UnsortedSegmentSum', [x!, segmentIds!, scope.size(segments)], attrs, [
      { dtype: x!.dtype, shape: [segments, ...x!.shape.slice(segmentIds!.shape.length)] },
    ]);
  },
  GatherV2: (scope, { x, indices }, attributes) => {
    if (attributes['axis'] !== 0 || (attributes['batchDims'] ?? 0) !== 0) {
      throw new RangeError('only gathering of rows is traced');
    }
    return gatherRows(scope, x!, indices!);
  },
};
