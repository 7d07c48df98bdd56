import type * as tfc from '@tensorflow/tfjs-core';
import { arrangeParameters } from './parameters.ts';
import type { Parameters } from './parameters.ts';
import type { Model } from './weights.ts';

/** A loss and the numbers to report beside it, which are not differentiated. */
export interface LossOutput {
  loss: tfc.Tensor;
  /** [k] */
  report: tfc.Tensor;
}

/**
 * Gradients of a scalar loss against every tensor that is trained, in the order of the specs. The caller disposes them.
 *
 * @returns `report` as read back from the device.
 */
export function lossGradients(
  model: Model,
  loss: (parameters: Parameters) => LossOutput,
): { gradients: tfc.Tensor[]; report: Float32Array } {
  const { tf } = model.runtime;
  let report: tfc.Tensor | undefined;
  const differentiate = tf.valueAndGrads((...flat: tfc.Tensor[]) => {
    const output = loss(arrangeParameters(model.config, [...model.frozen, ...flat]));
    report = tf.keep(output.report);
    return tf.reshape(output.loss, []);
  });
  const { value, grads } = differentiate([...model.tensors]);
  value.dispose();
  const kept = report as unknown as tfc.Tensor;
  const values = kept.dataSync<'float32'>().slice();
  kept.dispose();
  return { gradients: grads, report: values };
}

/** Adds two equally long lists of tensors and frees both. */
export function addGradients(tf: typeof tfc, sum: tfc.Tensor[] | undefined, next: tfc.Tensor[]): tfc.Tensor[] {
  if (!sum) return next;
  return sum.map((left, index) => {
    const right = next[index] as tfc.Tensor;
    const added = tf.add(left, right);
    left.dispose();
    right.dispose();
    return added;
  });
}
