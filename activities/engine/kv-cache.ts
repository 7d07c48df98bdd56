import type * as tfc from '@tensorflow/tfjs-core';
import { MASKED } from './model.ts';
import type { LayerCache } from './model.ts';

/**
 * Keys and values of rows that are decoded together, operation by operation: every row gains a column at a time at the far
 * end, so a row that came later, or stood still, has columns in between that are not its own. Owns its tensors.
 */
export interface DecodeCache {
  /** Empty while no row holds anything. */
  layers: LayerCache[];
  /** Columns of the tensors. */
  width: number;
  /** For each row, the columns that hold its positions, in order. */
  held: number[][];
}

/** Where a row's new content comes from: columns of a row of the cache, then of a row of what is added. */
export interface RowSource {
  old?: { row: number; columns: readonly number[] };
  added?: { row: number; columns: number };
}

/** The cache anew, from itself and what is `added` to it, without gaps. */
export function rebuildCache(
  tf: typeof tfc,
  cache: DecodeCache,
  rows: readonly RowSource[],
  added: readonly LayerCache[] = [],
): void {
  const layers = Array.from({ length: Math.max(cache.layers.length, added.length) }, (_, layer) => {
    const [keys, values] = tf.tidy(() => {
      const joined = joinRows(tf, cache, layer, rows, added[layer]);
      return [tf.keep(joined.keys), tf.keep(joined.values)] as const;
    });
    return { keys, values };
  });
  disposeLayers(cache.layers);
  cache.layers = layers;
  cache.width = widthOf(rows);
  cache.held = rows.map((row) => Array.from({ length: sizeOf(row) }, (_, column) => column));
}

/** Rows of one layer, [rows, KV, columns, dh], with as many columns as the longest has. @param added [P, KV, T, dh] */
export function joinRows(
  tf: typeof tfc,
  { layers, width: before }: DecodeCache,
  layer: number,
  rows: readonly RowSource[],
  added: LayerCache | undefined,
): LayerCache {
  const old = layers[layer];
  const [, kvHeads, , headDim] = (old ?? added)!.keys.shape as [number, number, number, number];
  const length = added?.keys.shape[2] ?? 0;
  const behind = (old?.keys.shape[0] ?? 0) * kvHeads * before;
  const width = widthOf(rows);
  // Columns that a row does not have hold anything finite.
  const index = new Int32Array(rows.length * kvHeads * width);
  for (const [row, source] of rows.entries()) {
    for (let kvHead = 0; kvHead < kvHeads; kvHead++) {
      let to = (row * kvHeads + kvHead) * width;
      const { old, added } = source;
      if (old) for (const column of old.columns) index[to++] = (old.row * kvHeads + kvHead) * before + column;
      if (!added) continue;
      for (let t = 0; t < added.columns; t++) index[to++] = behind + (added.row * kvHeads + kvHead) * length + t;
    }
  }
  const indices = tf.tensor1d(index, 'int32');
  const join = (part: keyof LayerCache): tfc.Tensor => {
    const parts = [old, added].flatMap((from) => (from ? [tf.reshape(from[part], [-1, headDim])] : []));
    const all = parts.length === 1 ? (parts[0] as tfc.Tensor) : tf.concat(parts, 0);
    return tf.reshape(tf.gather(all, indices), [rows.length, kvHeads, width, headDim]);
  };
  return { keys: join('keys'), values: join('values') };
}

function sizeOf({ old, added }: RowSource): number {
  return (old?.columns.length ?? 0) + (added?.columns ?? 0);
}

function widthOf(rows: readonly RowSource[]): number {
  return Math.max(1, ...rows.map(sizeOf));
}

/** Replaces the tensors by those of the next step, with a column more, and frees the old ones. */
export function advanceCache(cache: DecodeCache, next: LayerCache[]): void {
  disposeLayers(cache.layers);
  cache.layers = next;
  cache.width += 1;
}

/** [B, 1, 1, width + 1] with the column to come, or nothing when every row sees every column. */
export function cacheMask(tf: typeof tfc, { held, width }: DecodeCache): tfc.Tensor | undefined {
  if (held.every((columns) => columns.length === width)) return undefined;
  const mask = new Float32Array(held.length * (width + 1)).fill(MASKED);
  for (const [row, columns] of held.entries()) {
    for (const column of columns) mask[row * (width + 1) + column] = 0;
    mask[row * (width + 1) + width] = 0;
  }
  return tf.tensor(mask, [held.length, 1, 1, width + 1], 'float32');
}

export function disposeCache(cache: DecodeCache): void {
  disposeLayers(cache.layers);
  cache.layers = [];
}

export function disposeLayers(layers: readonly LayerCache[]): void {
  for (const { keys, values } of layers) {
    keys.dispose();
    values.dispose();
  }
}
