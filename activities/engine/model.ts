/**
 * Forward pass of a Llama-style decoder: RMSNorm, rotary positions, grouped-query attention, SwiGLU, tied or untied head.
 * Pure functions of tensors: nothing here reads a value back or keeps state, so the same code runs eagerly, under
 * gradients, or traced into a graph.
 *
 * Letters in shapes: B sequences, T tokens, N = B T, d hidden, H heads, KV key-value heads, G = H / KV, dh head size,
 * F feed-forward, V vocabulary.
 */
import type * as tfc from '@tensorflow/tfjs-core';
import type { ModelConfig } from './config.ts';
import type { LayerParameters, Parameters } from './parameters.ts';
import { project } from './projection.ts';
import { recomputed } from './recompute.ts';
import type { Block } from './recompute.ts';
import type { Runtime } from './tensorflow.ts';

/** Rotary tables that broadcast against [B, heads, T, dh]. */
export interface Rotary {
  cos: tfc.Tensor;
  sin: tfc.Tensor;
}

/** Keys and values of one layer, each [B, KV, columns, dh]. */
export interface LayerCache {
  keys: tfc.Tensor;
  values: tfc.Tensor;
}

/** Added to scores where attention is not allowed. Finite, so that a row with nothing allowed stays finite. */
export const MASKED = -1e9;

export interface ForwardInput {
  /** int32 [N], row by row. */
  tokens: tfc.Tensor;
  batch: number;
  length: number;
  rotary: Rotary;
  /** 0 or `MASKED`, broadcast against [B, KV, G, T, C]. */
  mask: tfc.Tensor;
  /**
   * Takes the keys and values of a layer, each [B, KV, T, dh], and gives those to attend to, each [B, KV, C, dh]. The same
   * when omitted, with C = T.
   */
  attendTo?: (layer: number, keys: tfc.Tensor, values: tfc.Tensor) => LayerCache;
  /** C. @default T */
  columns?: number;
  /** Ends with the keys and values of the last layer; what is returned is then of no use. @default false */
  keysOnly?: boolean;
  /** Whether a backward pass computes each layer's activations anew; not with `attendTo`. @default false */
  recompute?: boolean;
}

/** Whole sequences at once. Hidden states after the last norm, [N, d]. */
export function forward(
  { tf, ops }: Pick<Runtime, 'tf' | 'ops'>,
  config: ModelConfig,
  parameters: Parameters,
  {
    tokens,
    batch,
    length,
    rotary,
    mask,
    attendTo,
    columns = length,
    recompute = false,
    keysOnly = false,
  }: ForwardInput,
): tfc.Tensor {
  const { heads, kvHeads, headDim } = config;
  const group = heads / kvHeads;
  const { embedding, rmsNorm } = parameters.frozen ? ops.frozen : ops;
  const blockOf =
    (index: number): Block =>
    (x, layer, { cos, sin, mask }) => {
      const normed = rmsNorm(x, layer.attentionNorm, config.rmsNormEps);
      const joined = tf.reshape(qkv({ tf, ops }, config, layer, normed), [batch, length, heads + 2 * kvHeads, headDim]);
      const byHead = tf.transpose(joined, [0, 2, 1, 3]);
      if (keysOnly && index === config.layers - 1) {
        const [key, value] = tf.split(ops.dropHeads(byHead, heads), [kvHeads, kvHeads], 1) as Pair;
        attendTo?.(index, ops.rotate(key, cos, sin), value);
        return x;
      }
      const [unrotated, value] = tf.split(byHead, [heads + kvHeads, kvHeads], 1) as Pair;
      const [queries, key] = tf.split(ops.rotate(unrotated, cos, sin), [heads, kvHeads], 1) as Pair;
      const { keys, values } = attendTo ? attendTo(index, key, value) : { keys: key, values: value };
      const scores = tf.matMul(tf.reshape(queries, [batch, kvHeads, group * length, headDim]), keys, false, true);
      const allowed = tf.add(tf.reshape(scores, [batch, kvHeads, group, length, columns]), mask);
      const weights = tf.reshape(tf.softmax(allowed), [batch, kvHeads, group * length, columns]);
      const mixed = tf.transpose(tf.reshape(tf.matMul(weights, values), [batch, heads, length, headDim]), [0, 2, 1, 3]);
      const rows = tf.reshape(mixed, [batch * length, heads * headDim]);
      const attended = tf.add(x, project({ tf, ops }, config, layer, 'output', rows));
      return feedForward({ tf, ops }, config, layer, attended);
    };
  let x = embedding(parameters.embedding, tokens);
  const context = { ...rotary, mask };
  for (const [index, layer] of parameters.layers.entries()) {
    const block = blockOf(index);
    x = recompute ? recomputed({ tf, ops }, block, x, layer, context) : block(x, layer, context);
  }
  return rmsNorm(x, parameters.norm, config.rmsNormEps);
}

export interface DecodeInput {
  /** int32 [B] */
  tokens: tfc.Tensor;
  batch: number;
  /** Tables of this position, broadcast against [B, heads, dh]. */
  rotary: Rotary;
  /** 0 or `MASKED`, broadcast against [B, KV, G, C]; omitted when every column is a real token. */
  mask?: tfc.Tensor;
  /** Puts a token's keys and values, each [B, KV, dh], into a layer's cache, and gives the whole, each [B, KV, C, dh]. */
  append: (layer: number, keys: tfc.Tensor, values: tfc.Tensor) => LayerCache;
}

/** One further token per sequence: logits [B, V]. */
export function decode(
  { tf, ops }: Pick<Runtime, 'tf' | 'ops'>,
  config: ModelConfig,
  parameters: Parameters,
  { tokens, batch, rotary, mask, append }: DecodeInput,
): tfc.Tensor {
  const { heads, kvHeads, headDim } = config;
  const group = heads / kvHeads;
  const { embedding, rmsNorm } = parameters.frozen ? ops.frozen : ops;
  let x = embedding(parameters.embedding, tokens);
  for (const [index, layer] of parameters.layers.entries()) {
    const normed = rmsNorm(x, layer.attentionNorm, config.rmsNormEps);
    const joined = tf.reshape(qkv({ tf, ops }, config, layer, normed), [batch, heads + 2 * kvHeads, headDim]);
    const [unrotated, value] = tf.split(joined, [heads + kvHeads, kvHeads], 1) as Pair;
    const [query, key] = tf.split(ops.rotate(unrotated, rotary.cos, rotary.sin), [heads, kvHeads], 1) as Pair;
    const { keys, values } = append(index, key, value);
    const grouped = tf.reshape(query, [batch, kvHeads, group, headDim]);
    // With one query a head its transpose is free, that of all keys is not.
    const scores =
      group === 1
        ? tf.reshape(tf.matMul(keys, grouped, false, true), [batch, kvHeads, 1, keys.shape[2] as number])
        : tf.matMul(grouped, keys, false, true);
    const weights = tf.softmax(mask ? tf.add(scores, mask) : scores);
    const mixed = tf.reshape(tf.matMul(weights, values), [batch, heads * headDim]);
    x = tf.add(x, project({ tf, ops }, config, layer, 'output', mixed));
    x = feedForward({ tf, ops }, config, layer, x);
  }
  return head({ ops }, parameters, rmsNorm(x, parameters.norm, config.rmsNormEps));
}

/** Logits [N, V] of hidden states [N, d]. */
export function head({ ops }: Pick<Runtime, 'ops'>, parameters: Parameters, hidden: tfc.Tensor): tfc.Tensor {
  return (parameters.frozen ? ops.frozen : ops).linear(hidden, parameters.head);
}

/** Queries, keys and values of all heads before the rotary embedding, side by side: [N, (H + 2 KV) dh]. */
function qkv(
  { tf, ops }: Pick<Runtime, 'tf' | 'ops'>,
  config: ModelConfig,
  layer: LayerParameters,
  normed: tfc.Tensor,
): tfc.Tensor {
  const { heads, kvHeads, headDim, rmsNormEps } = config;
  const { qkvBias, queryNorm, keyNorm } = layer;
  const { rmsNorm } = config.lora ? ops.frozen : ops;
  const product = project({ tf, ops }, config, layer, 'qkv', normed);
  const projected = qkvBias ? tf.add(product, qkvBias) : product;
  if (!queryNorm || !keyNorm) return projected;
  const sizes = [heads * headDim, kvHeads * headDim, kvHeads * headDim];
  const [queries, keys, values] = tf.split(projected, sizes, 1) as [tfc.Tensor, tfc.Tensor, tfc.Tensor];
  const byHead = (x: tfc.Tensor, gain: tfc.Tensor): tfc.Tensor =>
    tf.reshape(rmsNorm(tf.reshape(x, [-1, headDim]), gain, rmsNormEps), x.shape);
  return tf.concat([byHead(queries, queryNorm), byHead(keys, keyNorm), values], 1);
}

function feedForward(
  { tf, ops }: Pick<Runtime, 'tf' | 'ops'>,
  config: ModelConfig,
  layer: LayerParameters,
  x: tfc.Tensor,
): tfc.Tensor {
  const { rmsNorm } = config.lora ? ops.frozen : ops;
  const normed = rmsNorm(x, layer.mlpNorm, config.rmsNormEps);
  const gated = ops.swiGlu(project({ tf, ops }, config, layer, 'gateUp', normed));
  return tf.add(x, project({ tf, ops }, config, layer, 'down', gated));
}

type Pair = [tfc.Tensor, tfc.Tensor];
