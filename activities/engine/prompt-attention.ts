/** The forward pass of sequences whose prompts are there once, differentiable: gradients of a prompt add up over its sequences. */
import type * as tfc from '@tensorflow/tfjs-core';
import { causalMask } from './batch.ts';
import type { ModelConfig } from './config.ts';
import { MASKED, forward } from './model.ts';
import type { ForwardInput, LayerCache, Rotary } from './model.ts';
import type { Parameters } from './parameters.ts';
import type { Runtime } from './tensorflow.ts';

/** `SharedPrompts` as tensors. */
export interface PromptTensors {
  /** P */
  count: number;
  /** S */
  length: number;
  /** int32 [P S] */
  tokens: tfc.Tensor;
  /** Positions 0 to S - 1. */
  rotary: Rotary;
  /** int32 [B] */
  promptOf: tfc.Tensor;
  /** C = S + T, as a size of its own: a sum of sizes that are not known yet is not traced. */
  columns: number;
  /** [B, C]: `MASKED` for the pads of each sequence's prompt, 0 elsewhere. */
  pads: tfc.Tensor;
  /** int32 [C]: -1 for the columns of prompts, then 0 to T - 1. */
  order: tfc.Tensor;
}

/** Hidden states of what follows the prompts, [B T, d]. @param input without mask; its rotary tables are [B, 1, T, dh] */
export function forwardBehind(
  { tf, ops }: Pick<Runtime, 'tf' | 'ops'>,
  config: ModelConfig,
  parameters: Parameters,
  { promptOf, columns, pads, order, ...prompts }: PromptTensors,
  input: Omit<ForwardInput, 'mask' | 'columns' | 'attendTo'>,
): tfc.Tensor {
  const { kvHeads, headDim } = config;
  const { batch, length } = input;
  const held: LayerCache[] = [];
  forward({ tf, ops }, config, parameters, {
    tokens: prompts.tokens,
    batch: prompts.count,
    length: prompts.length,
    rotary: prompts.rotary,
    mask: causalMask(tf, prompts.length),
    keysOnly: true,
    attendTo: (layer, keys, values) => (held[layer] = { keys, values }),
  });
  const behind = (prompt: tfc.Tensor, own: tfc.Tensor): tfc.Tensor => {
    const flat = tf.reshape(prompt, [prompts.count, kvHeads * prompts.length * headDim]);
    const ofEach = tf.reshape(ops.embedding(flat, promptOf), [batch, kvHeads, prompts.length, headDim]);
    return ops.joinColumns(ofEach, own, columns);
  };
  const ahead = tf.greater(
    tf.sub(tf.reshape(order, [1, columns]), tf.reshape(tf.range(0, length, 1, 'int32'), [length, 1])),
    0,
  );
  const causal = tf.reshape(tf.mul(tf.cast(ahead, 'float32'), MASKED), [1, length, columns]);
  const mask = tf.add(tf.reshape(pads, [batch, 1, columns]), causal);
  return forward({ tf, ops }, config, parameters, {
    ...input,
    columns,
    mask: tf.reshape(mask, [batch, 1, 1, length, columns]),
    attendTo: (layer, keys, values) => {
      const { keys: promptKeys, values: promptValues } = held[layer] as LayerCache;
      return { keys: behind(promptKeys, keys), values: behind(promptValues, values) };
    },
  });
}
