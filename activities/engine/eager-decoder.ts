/** Decoding operation by operation, on any backend: the cache grows by one column a step. */
import type * as tfc from '@tensorflow/tfjs-core';
import { paddedCausalMask } from './batch.ts';
import { nextPosition, packPrompts } from './decoder.ts';
import type { DecodeRequest, Decoder } from './decoder.ts';
import { advanceCache, disposeCache, paddingMask, selectRows } from './kv-cache.ts';
import type { DecodeCache } from './kv-cache.ts';
import { decode, forward, head } from './model.ts';
import type { LayerCache } from './model.ts';
import { ropeAt } from './rope.ts';
import { chooseToken } from './sampling.ts';
import type { Choice } from './sampling.ts';
import { parametersOf } from './weights.ts';
import type { Model } from './weights.ts';

export function eagerDecoder(model: Model, { prompts, params }: DecodeRequest): Decoder {
  const { tf } = model.runtime;
  const cache: DecodeCache = { layers: [], length: 0, padding: [] };
  const choose = (logits: readonly Float32Array[], draws: Float64Array): Choice[] =>
    logits.map((row, index) => chooseToken(row, params, draws[index] as number));
  return {
    start: (draws) => choose(prefill(model, cache, prompts), draws),
    step: (tokens, draws) => choose(decodeRows(model, cache, tokens), draws),
    keep: (rows) => selectRows(tf, cache, rows),
    dispose: () => disposeCache(cache),
  };
}

/** @returns logits after the last prompt token, one row per sequence */
function prefill(model: Model, cache: DecodeCache, prompts: readonly (readonly number[])[]): Float32Array[] {
  const { runtime, config } = model;
  const { tf, ops } = runtime;
  const { count, length, tokens, positions, padding, promptOf } = packPrompts(prompts);
  const logits = tf.tidy(() => {
    const layers: LayerCache[] = [];
    const parameters = parametersOf(model);
    const hidden = forward(runtime, config, parameters, {
      tokens: tf.tensor1d(tokens, 'int32'),
      batch: count,
      length,
      rotary: ropeAt(tf, config, model.rope, positions, [count, 1, length]),
      mask: paddedCausalMask(tf, tf.tensor1d(padding, 'int32'), count, length),
      cacheOut: layers,
    });
    for (const { keys, values } of layers) {
      tf.keep(keys);
      tf.keep(values);
    }
    cache.layers = layers;
    const last = Int32Array.from({ length: count }, (_, row) => (row + 1) * length - 1);
    return head(runtime, parameters, ops.embedding(hidden, tf.tensor1d(last, 'int32')));
  });
  cache.length = length;
  cache.padding = padding;
  selectRows(tf, cache, promptOf);
  const read = readRows(logits, count);
  return promptOf.map((prompt) => read[prompt] as Float32Array);
}

function decodeRows(model: Model, cache: DecodeCache, tokens: Int32Array): Float32Array[] {
  const { runtime, config } = model;
  const { tf } = runtime;
  const batch = tokens.length;
  const grown: LayerCache[] = [];
  const logits = tf.tidy(() => {
    const mask = paddingMask(tf, cache.padding, cache.length + 1);
    const position = (pads: number): number => nextPosition(cache.length, pads, config.maxPositions);
    const addColumn = (past: tfc.Tensor, next: tfc.Tensor): tfc.Tensor =>
      tf.keep(tf.concat([past, tf.expandDims(next, 2)], 2));
    return decode(runtime, config, parametersOf(model), {
      tokens: tf.tensor1d(tokens, 'int32'),
      batch,
      rotary: mask
        ? ropeAt(tf, config, model.rope, cache.padding.map(position), [batch, 1])
        : ropeAt(tf, config, model.rope, [position(0)], [1, 1]),
      ...(mask ? { mask } : {}),
      append: (layer, keys, values) => {
        const past = cache.layers[layer] as LayerCache;
        return (grown[layer] = { keys: addColumn(past.keys, keys), values: addColumn(past.values, values) });
      },
    });
  });
  advanceCache(cache, grown);
  return readRows(logits, batch);
}

/** Reads [rows, V] back and frees it. */
function readRows(logits: tfc.Tensor, rows: number): Float32Array[] {
  const values = logits.dataSync<'float32'>();
  logits.dispose();
  const width = values.length / rows;
  return Array.from({ length: rows }, (_, row) => values.subarray(row * width, (row + 1) * width));
}
