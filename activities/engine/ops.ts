/**
 * The layers of a Llama-style model as differentiable operations. Each has its gradient written out, which keeps the
 * number of dispatched kernels (the cost that dominates small models) and of saved activations low. Where the native
 * library has a better kernel than tfjs exposes, that one runs; on other backends the same mathematics in plain tfjs.
 * All are pure and none reads a value back, so they can be traced into a graph.
 */
import type * as tfc from '@tensorflow/tfjs-core';
import type { NativeAttribute, NativeBackend } from './tensorflow.ts';

export interface Ops {
  /** x [N, in] times the transpose of w [out, in]: [N, out]. */
  linear(x: tfc.Tensor, w: tfc.Tensor): tfc.Tensor;
  /** Rows of table [V, d] at ids [N] (int32): [N, d]. */
  embedding(table: tfc.Tensor, ids: tfc.Tensor): tfc.Tensor;
  /** a [B, KV, S, dh] and b [B, KV, T, dh] side by side: [B, KV, C, dh]. @param columns C = S + T */
  joinColumns(a: tfc.Tensor, b: tfc.Tensor, columns: number): tfc.Tensor;
  /**
   * x [B, heads, T, dh] without the first `count` heads. A split with an unused part would do, but its gradient is an array of
   * zeros that is made while tracing, of the size that symbols make up.
   */
  dropHeads(x: tfc.Tensor, count: number): tfc.Tensor;
  /** x [N, d] scaled to unit root mean square, times gain [d]. */
  rmsNorm(x: tfc.Tensor, gain: tfc.Tensor, epsilon: number): tfc.Tensor;
  /** Rotary embedding of x [..., dh]; cos and sin broadcast to x, sin with the sign of rotate-half folded in. */
  rotate(x: tfc.Tensor, cos: tfc.Tensor, sin: tfc.Tensor): tfc.Tensor;
  /** silu(gate) * up for the two halves of x [N, 2F]: [N, F]. */
  swiGlu(x: tfc.Tensor): tfc.Tensor;
  /** Minus the natural log-probability of labels [N] (int32) under logits [N, V]: [N]. */
  negativeLogLikelihood(logits: tfc.Tensor, labels: tfc.Tensor): tfc.Tensor;
  /**
   * Of each row of logits [N, V]: natural log-probability of its label, and entropy in nats, both [N]; not differentiable.
   * With p the probabilities and y the one-hot label, the entropy is -log p(y) - (p - y) . logits, and both terms are there
   * when the loss is.
   */
  labelScores(logits: tfc.Tensor, labels: tfc.Tensor): { logprobs: tfc.Tensor; entropies: tfc.Tensor };
  /** `x`, and nothing computed from it before `other` is there; not differentiable. */
  after(x: tfc.Tensor, other: tfc.Tensor): tfc.Tensor;
  /** The same of weights that are not trained: their gradients are neither computed nor is anything kept for them. */
  readonly frozen: Pick<Ops, 'linear' | 'embedding' | 'rmsNorm'>;
}

type Tf = typeof tfc;

export function createOps(tf: Tf, native: NativeBackend | undefined, deterministic: boolean): Ops {
  return createOpsFrom(tf, native ? nativeKernels(tf, native, deterministic) : plainKernels(tf));
}

export function createOpsFrom(tf: Tf, raw: Kernels): Ops {
  const linearGrad = tf.customGrad((...args) => {
    const [x, w, save] = args as unknown as [tfc.Tensor, tfc.Tensor, tfc.GradSaveFunc];
    save([x, w]);
    return {
      value: raw.matMul(x, w, false, true),
      gradFunc: (dy, saved) => {
        const [x, w] = saved as [tfc.Tensor, tfc.Tensor];
        return [raw.matMul(dy, w, false, false), raw.matMul(dy, x, true, false)];
      },
    };
  });

  const embeddingGrad = (rows: number) =>
    tf.customGrad((...args) => {
      const [table, ids, save] = args as unknown as [tfc.Tensor, tfc.Tensor, tfc.GradSaveFunc];
      save([ids]);
      return {
        value: raw.gather(table, ids),
        gradFunc: (dy, saved) => {
          const [ids] = saved as [tfc.Tensor1D];
          return [tf.unsortedSegmentSum(dy, ids, rows), tf.zerosLike(ids)];
        },
      };
    });

  const joinColumnsGrad = (columns: number) =>
    tf.customGrad((...args) => {
      const [a, b] = args as unknown as [tfc.Tensor, tfc.Tensor];
      const sizes = [a.shape[2] as number, b.shape[2] as number];
      return { value: raw.joinColumns(a, b, columns), gradFunc: (dy) => raw.splitColumns(dy, sizes) };
    });

  const dropHeadsGrad = (count: number) =>
    tf.customGrad((...args) => {
      const [x, save] = args as unknown as [tfc.Tensor, tfc.GradSaveFunc];
      const [first, rest] = tf.split(x, [count, (x.shape[1] as number) - count], 1) as [tfc.Tensor, tfc.Tensor];
      save([first]);
      return {
        value: rest,
        gradFunc: (dy, saved) => tf.concat([tf.zerosLike(saved[0] as tfc.Tensor), dy], 1),
      };
    });

  const rmsNormGrad = (epsilon: number) =>
    tf.customGrad((...args) => {
      const [x, gain, save] = args as unknown as [tfc.Tensor, tfc.Tensor, tfc.GradSaveFunc];
      const scale = tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), epsilon));
      const unit = tf.mul(x, scale);
      save([unit, scale, gain]);
      return {
        value: tf.mul(unit, gain),
        gradFunc: (dy, saved) => {
          const [unit, scale, gain] = saved as [tfc.Tensor, tfc.Tensor, tfc.Tensor];
          return [rmsNormSlope(dy, unit, scale, gain), tf.sum(tf.mul(dy, unit), 0)];
        },
      };
    });

  /** Gradient against x, of which `unit` is `scale` times. */
  const rmsNormSlope = (dy: tfc.Tensor, unit: tfc.Tensor, scale: tfc.Tensor, gain: tfc.Tensor): tfc.Tensor => {
    const dUnit = tf.mul(dy, gain);
    const along = tf.mean(tf.mul(dUnit, unit), -1, true);
    return tf.mul(tf.sub(dUnit, tf.mul(unit, along)), scale);
  };

  // Weights come in by the closure and not as arguments: what is no argument has no gradient.
  const frozen: Ops['frozen'] = {
    linear: (x, w) =>
      tf.customGrad((...args) => {
        const [x] = args as unknown as [tfc.Tensor];
        return { value: raw.matMul(x, w, false, true), gradFunc: (dy) => raw.matMul(dy, w, false, false) };
      })(x),
    embedding: (table, ids) => raw.gather(table, ids),
    rmsNorm: (x, gain, epsilon) =>
      tf.customGrad((...args) => {
        const [x, save] = args as unknown as [tfc.Tensor, tfc.GradSaveFunc];
        const scale = tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), epsilon));
        const unit = tf.mul(x, scale);
        save([unit, scale]);
        return {
          value: tf.mul(unit, gain),
          gradFunc: (dy, saved) => {
            const [unit, scale] = saved as [tfc.Tensor, tfc.Tensor];
            return rmsNormSlope(dy, unit, scale, gain);
          },
        };
      })(x),
  };

  const swap = (x: tfc.Tensor): tfc.Tensor => {
    const [a, b] = tf.split(x, 2, -1) as [tfc.Tensor, tfc.Tensor];
    return tf.concat([b, a], -1);
  };
  const rotateGrad = (cos: tfc.Tensor, sin: tfc.Tensor) =>
    tf.customGrad((...args) => {
      const [x] = args as unknown as [tfc.Tensor];
      return {
        value: tf.add(tf.mul(x, cos), tf.mul(swap(x), sin)),
        // The swap of halves is its own transpose.
        gradFunc: (dy) => tf.add(tf.mul(dy, cos), swap(tf.mul(dy, sin))),
      };
    });

  const swiGluGrad = tf.customGrad((...args) => {
    const [x, save] = args as unknown as [tfc.Tensor, tfc.GradSaveFunc];
    const [gate, up] = tf.split(x, 2, -1) as [tfc.Tensor, tfc.Tensor];
    const sigmoid = tf.sigmoid(gate);
    const silu = tf.mul(gate, sigmoid);
    save([sigmoid, silu, up]);
    return {
      value: tf.mul(silu, up),
      gradFunc: (dy, saved) => {
        const [sigmoid, silu, up] = saved as [tfc.Tensor, tfc.Tensor, tfc.Tensor];
        const slope = tf.add(sigmoid, tf.mul(silu, tf.sub(1, sigmoid)));
        return tf.concat([tf.mul(tf.mul(dy, up), slope), tf.mul(dy, silu)], -1);
      },
    };
  });

  const nllGrad = tf.customGrad((...args) => {
    const [logits, labels, save] = args as unknown as [tfc.Tensor, tfc.Tensor, tfc.GradSaveFunc];
    const [loss, slope] = raw.crossEntropy(logits, labels);
    save([slope, labels]);
    return {
      value: loss,
      gradFunc: (dy, saved) => {
        const [slope, labels] = saved as [tfc.Tensor, tfc.Tensor];
        return [tf.mul(slope, tf.expandDims(dy, 1)), tf.zerosLike(labels)];
      },
    };
  });

  return {
    linear: (x, w) => linearGrad(x, w),
    embedding: (table, ids) => embeddingGrad(table.shape[0])(table, ids),
    joinColumns: (a, b, columns) => joinColumnsGrad(columns)(a, b),
    dropHeads: (x, count) => dropHeadsGrad(count)(x),
    rmsNorm: (x, gain, epsilon) => rmsNormGrad(epsilon)(x, gain),
    rotate: (x, cos, sin) => rotateGrad(cos, sin)(x),
    swiGlu: (x) => swiGluGrad(x),
    negativeLogLikelihood: (logits, labels) => nllGrad(logits, labels),
    labelScores: (logits, labels) => {
      const [loss, slope] = raw.crossEntropy(logits, labels);
      return { logprobs: tf.neg(loss), entropies: tf.sub(loss, raw.rowDots(slope, logits)) };
    },
    after: (x, other) => raw.after(x, other),
    frozen,
  };
}

/** What differs from backend to backend. */
export interface Kernels {
  matMul(a: tfc.Tensor, b: tfc.Tensor, transposeA: boolean, transposeB: boolean): tfc.Tensor;
  gather(table: tfc.Tensor, ids: tfc.Tensor): tfc.Tensor;
  /** Along axis 2 of 4, to `columns` in all. */
  joinColumns(a: tfc.Tensor, b: tfc.Tensor, columns: number): tfc.Tensor;
  splitColumns(x: tfc.Tensor, sizes: readonly number[]): tfc.Tensor[];
  /** Of each row of a [N, V] with the same row of b, [N]. */
  rowDots(a: tfc.Tensor, b: tfc.Tensor): tfc.Tensor;
  /** Loss [N] and its slope against the logits [N, V]. */
  crossEntropy(logits: tfc.Tensor, labels: tfc.Tensor): [tfc.Tensor, tfc.Tensor];
  after(x: tfc.Tensor, other: tfc.Tensor): tfc.Tensor;
}

function nativeKernels(tf: Tf, native: NativeBackend, deterministic: boolean): Kernels {
  const { TF_ATTR_TYPE, TF_ATTR_BOOL, TF_FLOAT, TF_INT32 } = native.binding;
  const type = (name: string, value: number): NativeAttribute => ({ name, type: TF_ATTR_TYPE, value });
  const flag = (name: string, value: boolean): NativeAttribute => ({ name, type: TF_ATTR_BOOL, value });
  return {
    // tfjs sends rank-2 products to the batched kernel, which is slower.
    matMul: (a, b, transposeA, transposeB) =>
      native.executeSingleOutput(
        'MatMul',
        [type('T', TF_FLOAT), flag('transpose_a', transposeA), flag('transpose_b', transposeB)],
        [a, b],
      ),
    // tf.gather copies the indices back to JavaScript to check them, a wait for the device on every call.
    gather: (table, ids) =>
      native.executeSingleOutput('Gather', [type('Tparams', TF_FLOAT), type('Tindices', TF_INT32)], [table, ids]),
    ...plainColumns(tf),
    rowDots: (a, b) => rowDots(tf, a, b),
    // Avoids a [N, V] one-hot matrix. On a GPU TensorFlow refuses this kernel when deterministic operations are asked for.
    crossEntropy:
      native.isUsingGpuDevice && deterministic
        ? (logits, labels) => plainKernels(tf).crossEntropy(logits, labels)
        : (logits, labels) =>
            native.executeMultipleOutputs(
              'SparseSoftmaxCrossEntropyWithLogits',
              [type('T', TF_FLOAT), type('Tlabels', TF_INT32)],
              [logits, labels],
              2,
            ) as [tfc.Tensor, tfc.Tensor],
    // Operations run in the order of their calls.
    after: (x) => x,
  };
}

function plainColumns(tf: Tf): Pick<Kernels, 'joinColumns' | 'splitColumns'> {
  return {
    joinColumns: (a, b) => tf.concat([a, b], 2),
    splitColumns: (x, sizes) => tf.split(x, [...sizes], 2),
  };
}

/** As products of matrices of one row: no temporary as large as the inputs. */
function rowDots(tf: Tf, a: tfc.Tensor, b: tfc.Tensor): tfc.Tensor {
  const [rows, columns] = a.shape as [number, number];
  const shape: [number, number, number] = [rows, 1, columns];
  return tf.reshape(tf.matMul(tf.reshape(a, shape), tf.reshape(b, shape), false, true), [rows]);
}

export function plainKernels(tf: Tf): Kernels {
  return {
    matMul: (a, b, transposeA, transposeB) => tf.matMul(a, b, transposeA, transposeB),
    gather: (table, ids) => tf.gather(table, ids),
    ...plainColumns(tf),
    rowDots: (a, b) => rowDots(tf, a, b),
    crossEntropy: (logits, labels) => {
      const logProbabilities = tf.logSoftmax(logits);
      // The WebAssembly kernel writes integers whatever type it is asked for.
      const hot = tf.cast(tf.oneHot(labels, logits.shape[1] as number), 'float32');
      return [tf.neg(tf.sum(tf.mul(logProbabilities, hot), -1)), tf.sub(tf.exp(logProbabilities), hot)];
    },
    after: (x) => x,
  };
}
