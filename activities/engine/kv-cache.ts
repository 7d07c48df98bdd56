import type * as tfc from '@tensorflow/tfjs-core';
import { MASKED } from './model.ts';
import type { LayerCache } from './model.ts';

/**
 * Keys and values of sequences that are decoded together. All rows have the same number of columns; shorter prompts
 * start with pad columns (`padding[row]` of them), which the mask hides. Owns its tensors.
 */
export interface DecodeCache {
  layers: LayerCache[];
  /** Columns now. */
  length: number;
  /** Pad columns at the start of each row. */
  padding: number[];
}

/** Replaces the tensors by those of the next step and frees the old ones. */
export function advanceCache(cache: DecodeCache, next: LayerCache[]): void {
  disposeLayers(cache.layers);
  cache.layers = next;
  cache.length += 1;
}

/** Keeps the given rows, in the given order; a row may be taken more than once. */
export function selectRows(tf: typeof tfc, cache: DecodeCache, rows: readonly number[]): void {
  const same = rows.length === cache.padding.length && rows.every((row, index) => row === index);
  if (same) return;
  const indices = tf.tensor1d(Int32Array.from(rows), 'int32');
  const layers = cache.layers.map(({ keys, values }) => ({
    keys: tf.gather(keys, indices),
    values: tf.gather(values, indices),
  }));
  indices.dispose();
  disposeLayers(cache.layers);
  cache.layers = layers;
  cache.padding = rows.map((row) => cache.padding[row] as number);
}

/** [B, 1, 1, columns], or nothing when no row has pad columns. */
export function paddingMask(tf: typeof tfc, padding: readonly number[], columns: number): tfc.Tensor | undefined {
  if (padding.every((pads) => pads === 0)) return undefined;
  const mask = new Float32Array(padding.length * columns);
  for (const [row, pads] of padding.entries()) mask.fill(MASKED, row * columns, row * columns + pads);
  return tf.tensor(mask, [padding.length, 1, 1, columns], 'float32');
}

export function disposeCache(cache: DecodeCache): void {
  disposeLayers(cache.layers);
  cache.layers = [];
}

function disposeLayers(layers: readonly LayerCache[]): void {
  for (const { keys, values } of layers) {
    keys.dispose();
    values.dispose();
  }
}
