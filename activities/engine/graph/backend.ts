/**
 * A TensorFlow.js backend that computes nothing: each kernel becomes a node of a graph. Any TensorFlow.js program that
 * reads no value back can be traced, gradients included, without a native library and without memory for its tensors.
 */
import type * as tfc from '@tensorflow/tfjs-core';
import { createOpsFrom } from '../ops.ts';
import type { Kernels, Ops } from '../ops.ts';
import { plainKernels } from '../ops.ts';
import type { DType } from './graph-def.ts';
import { tensorValue } from './graph.ts';
import type { Ref } from './graph.ts';
import {
  KERNELS,
  LIST_KERNELS,
  fill,
  gatherRows,
  joinColumns,
  matMul,
  reshape,
  roundedMatMul,
  splitColumns,
  scalarConstant,
} from './kernels.ts';
import type { Emit, KernelInputs } from './kernels.ts';
import type { Scope } from './scope.ts';

type Tf = typeof tfc;
type Values = Float32Array | Int32Array | Uint8Array;

const BACKEND = 'r-zero-graph';

/** What a tensor of this backend stands for: an output of a node, or a constant that nothing has used yet. */
type Data = { ref: Ref } | { values: Values; shape: number[]; dtype: string };

/** Between the tensors of a program and the outputs of a graph's nodes. */
export interface Recorder {
  readonly tf: Tf;
  readonly ops: Ops;
  readonly tensor: (ref: Ref) => tfc.Tensor;
  readonly ref: (tensor: tfc.Tensor) => Ref;
}

interface Recording {
  scope: Scope;
  data: WeakMap<object, Data>;
  matMul: typeof matMul;
}

export interface RecordOptions {
  /** The cross entropy by way of a one-hot matrix, which deterministic operations on a GPU demand. */
  denseLoss?: boolean;
  /** Of matrix products. */
  precision?: 'float32' | 'bfloat16';
}

let recording: Recording | undefined;

/**
 * Runs `program` with every TensorFlow.js operation added to `scope`. Not re-entrant; `program` must not wait for
 * anything.
 */
export function record<T>(
  tf: Tf,
  scope: Scope,
  program: (recorder: Recorder) => T,
  { denseLoss = false, precision = 'float32' }: RecordOptions = {},
): T {
  install(tf);
  if (recording) throw new RangeError('a program is being traced already');
  const before = tf.getBackend();
  recording = { scope, data: new WeakMap(), matMul: precision === 'float32' ? matMul : roundedMatMul };
  // Takes effect at once; the promise is for backends that start asynchronously.
  void tf.setBackend(BACKEND);
  try {
    let result: T | undefined;
    tf.tidy(() => {
      const tensor = (ref: Ref): tfc.Tensor => tensorOf(tf, ref);
      const ref = (value: tfc.Tensor): Ref => refOf(value.dataId);
      const ops = createOpsFrom(tf, graphKernels(tf, { tensor, ref }, denseLoss));
      result = program({ tf, ops, tensor, ref });
    });
    return result as T;
  } finally {
    recording = undefined;
    void tf.setBackend(before);
  }
}

function current(): Recording {
  if (!recording) throw new RangeError('nothing is being traced');
  return recording;
}

function refOf(dataId: object): Ref {
  const { scope, data } = current();
  const found = data.get(dataId);
  if (!found) throw new RangeError('a traced program used a tensor from outside; make it inside, or feed it');
  if ('ref' in found) return found.ref;
  const { values, shape, dtype } = found;
  if (dtype !== 'float32' && dtype !== 'int32' && dtype !== 'bool') throw new RangeError(`no constants of ${dtype}`);
  const ref = shape.some((size) => scope.isSymbolic(size))
    ? fill(scope, shape, scalarConstant(scope, dtype, onlyValue(values)))
    : scope.constant(tensorValue(dtype, shape, values));
  data.set(dataId, { ref });
  return ref;
}

/** The library makes some constants of a tensor's size itself, such as the ones that a gradient starts with. */
function onlyValue(values: Values): number {
  const [first = 0] = values;
  if (values.some((value) => value !== first)) {
    throw new RangeError('a traced program made a constant whose size depends on its inputs');
  }
  return first;
}

function keep(ref: Ref): tfc.TensorInfo {
  const dataId = {};
  current().data.set(dataId, { ref });
  return { dataId, shape: [...ref.shape], dtype: ref.dtype as tfc.DataType };
}

function tensorOf(tf: Tf, ref: Ref): tfc.Tensor {
  return tf.engine().makeTensorFromTensorInfo(keep(ref));
}

/** Kernels that TensorFlow.js has no call for, or a worse one. */
function graphKernels(tf: Tf, { tensor, ref }: Pick<Recorder, 'tensor' | 'ref'>, denseLoss: boolean): Kernels {
  return {
    matMul: (a, b, transposeA, transposeB) => {
      const { scope, matMul } = current();
      return tensor(matMul(scope, ref(a), ref(b), transposeA, transposeB));
    },
    // Never rounded: an entropy is the difference of two numbers.
    rowDots: (a, b) => {
      const { scope } = current();
      const [rows, columns] = a.shape as [number, number];
      const [left, right] = [a, b].map((x) => reshape(scope, ref(x), [rows, 1, columns])) as [Ref, Ref];
      return tensor(reshape(scope, matMul(scope, left, right, false, true), [rows]));
    },
    after: (x, other) => tensor(current().scope.after(ref(x), ref(other))),
    gather: (table, ids) => tensor(gatherRows(current().scope, ref(table), ref(ids))),
    joinColumns: (a, b, columns) => tensor(joinColumns(current().scope, ref(a), ref(b), columns)),
    splitColumns: (x, sizes) => splitColumns(current().scope, ref(x), sizes).map(tensor),
    crossEntropy: (logits, labels) => {
      if (denseLoss) return plainKernels(tf).crossEntropy(logits, labels);
      const inputs = [ref(logits), ref(labels)] as const;
      const float: DType = 'float32';
      const [loss, slope] = current().scope.node(
        'SparseSoftmaxCrossEntropyWithLogits',
        inputs,
        { T: { type: float }, Tlabels: { type: 'int32' } },
        [
          { dtype: float, shape: inputs[1].shape },
          { dtype: float, shape: inputs[0].shape },
        ],
      );
      return [tensor(loss as Ref), tensor(slope as Ref)];
    },
  };
}

const batchMatMul: Emit = (scope, { a, b }, { transposeA, transposeB }) =>
  current().matMul(scope, a as Ref, b as Ref, Boolean(transposeA), Boolean(transposeB));

function install(tf: Tf): void {
  if (tf.findBackendFactory(BACKEND)) return;
  for (const [kernelName, emit] of Object.entries({ ...KERNELS, BatchMatMul: batchMatMul })) {
    tf.registerKernel({
      kernelName,
      backendName: BACKEND,
      kernelFunc: ({ inputs, attrs }) => {
        const given: Record<string, Ref> = {};
        for (const [name, info] of Object.entries(inputs)) given[name] = refOf((info as tfc.TensorInfo).dataId);
        const list = Array.isArray(inputs) ? Object.values(given) : given;
        const outputs = [emit(current().scope, list as unknown as KernelInputs, attrs ?? {})].flat();
        return LIST_KERNELS.has(kernelName) ? outputs.map(keep) : keep(outputs[0] as Ref);
      },
    });
  }
  tf.registerBackend(BACKEND, createBackend as unknown as () => tfc.KernelBackend, 0);
}

/** As much of a backend as the library's engine calls. */
function createBackend(): Record<string, unknown> {
  const refuse = (): never => {
    throw new RangeError('a traced program cannot read a value back');
  };
  return {
    write: (values: Values, shape: number[], dtype: string) => {
      const dataId = {};
      current().data.set(dataId, { values, shape, dtype });
      return dataId;
    },
    refCount: () => 1,
    incRef: () => undefined,
    disposeData: () => true,
    numDataIds: () => 0,
    read: refuse,
    readSync: refuse,
    move: () => {
      throw new RangeError('a traced program used a tensor from outside; make it inside, or feed it');
    },
    epsilon: () => 1e-7,
    floatPrecision: () => 32,
    timerAvailable: () => false,
    memory: () => ({ unreliable: true }),
    dispose: () => undefined,
  };
}
