/** Decoding operation by operation, on any backend: the cache grows by one column a step. */
import type * as tfc from '@tensorflow/tfjs-core';
import { continuedCausalMask } from './batch.ts';
import { packParts } from './decoder.ts';
import type { DecodeRequest, Decoder, PromptPart } from './decoder.ts';
import { advanceCache, cacheMask, disposeCache, disposeLayers, joinRows, rebuildCache } from './kv-cache.ts';
import type { DecodeCache, RowSource } from './kv-cache.ts';
import { decode, forward, head } from './model.ts';
import type { LayerCache } from './model.ts';
import { ropeAt } from './rope.ts';
import { chooseToken } from './sampling.ts';
import type { Choices } from './sampling.ts';
import { parametersOf } from './weights.ts';
import type { Model } from './weights.ts';

/** Gaps are closed once the cache is this much wider than its longest row. */
const WIDEST = 1.5;
const FREE_COLUMNS = 32;

export function eagerDecoder(model: Model, { params, rows }: DecodeRequest): Decoder {
  const { tf } = model.runtime;
  const cache: DecodeCache = { layers: [], width: 0, held: Array.from({ length: rows }, () => []) };
  const choose = (logits: readonly Float32Array[], sequences: Int32Array, draws: Float64Array): Choices => {
    const choices = Array.from(sequences, (row, index) =>
      chooseToken(logits[row] as Float32Array, params, draws[index] as number),
    );
    return { tokens: choices.map(({ token }) => token), logprobs: choices.map(({ logprob }) => logprob) };
  };
  return {
    copy: (copies) => {
      const rows = presentRows(cache);
      for (const { from, to, columns } of copies) {
        rows[to] = { old: { row: from, columns: (cache.held[from] as number[]).slice(0, columns) } };
      }
      rebuildCache(tf, cache, rows);
    },
    prefill: (parts, sequences, draws) => choose(prefillParts(model, cache, parts), sequences, draws),
    step: (tokens, columns, sequences, draws) => {
      const longest = Math.max(...cache.held.map((held) => held.length));
      if (cache.width > longest * WIDEST + FREE_COLUMNS) rebuildCache(tf, cache, presentRows(cache));
      return choose(decodeRows(model, cache, tokens, columns), sequences, draws);
    },
    arrange: (rows, columns) =>
      rebuildCache(
        tf,
        cache,
        rows.map((row) => ({ old: { row, columns: (cache.held[row] as number[]).slice(0, columns) } })),
      ),
    dispose: () => disposeCache(cache),
  };
}

/** @returns logits after the last token of each part */
function prefillParts(model: Model, cache: DecodeCache, parts: readonly PromptPart[]): Float32Array[] {
  const { runtime, config } = model;
  const { tf, ops } = runtime;
  const { count, length, columns, tokens, positions, starts, last } = packParts(parts, config.maxPositions);
  const continued = parts.some((part) => part.from > 0);
  const added: LayerCache[] = [];
  const logits = tf.tidy(() => {
    const parameters = parametersOf(model);
    const hidden = forward(runtime, config, parameters, {
      tokens: tf.tensor1d(tokens, 'int32'),
      batch: count,
      length,
      rotary: ropeAt(tf, config, model.rope, positions, [count, 1, length]),
      mask: continuedCausalMask(tf, tf.tensor1d(starts, 'int32'), count, length, columns),
      columns,
      attendTo: (layer, keys, values) => {
        added[layer] = { keys: tf.keep(keys), values: tf.keep(values) };
        if (!continued) return { keys, values };
        return joinRows(tf, cache, layer, continuedRows(cache, parts), { keys, values });
      },
    });
    return head(runtime, parameters, ops.embedding(hidden, tf.tensor1d(last, 'int32')));
  });
  const rows = presentRows(cache);
  for (const [index, source] of continuedRows(cache, parts).entries()) rows[(parts[index] as PromptPart).row] = source;
  rebuildCache(tf, cache, rows, added);
  disposeLayers(added);
  return readRows(logits, count);
}

function decodeRows(model: Model, cache: DecodeCache, tokens: Int32Array, columns: Int32Array): Float32Array[] {
  const { runtime, config } = model;
  const { tf } = runtime;
  const batch = tokens.length;
  const grown: LayerCache[] = [];
  const positions = columns.map((column) => Math.min(column, config.maxPositions - 1));
  const logits = tf.tidy(() => {
    const mask = cacheMask(tf, cache);
    const addColumn = (past: tfc.Tensor, next: tfc.Tensor): tfc.Tensor =>
      tf.keep(tf.concat([past, tf.expandDims(next, 2)], 2));
    return decode(runtime, config, parametersOf(model), {
      tokens: tf.tensor1d(tokens, 'int32'),
      batch,
      rotary: ropeAt(tf, config, model.rope, positions, [batch, 1]),
      ...(mask ? { mask } : {}),
      append: (layer, keys, values) => {
        const past = cache.layers[layer] as LayerCache;
        return (grown[layer] = { keys: addColumn(past.keys, keys), values: addColumn(past.values, values) });
      },
    });
  });
  for (const [row, held] of cache.held.entries()) held[columns[row] as number] = cache.width;
  advanceCache(cache, grown);
  return readRows(logits, batch);
}

function presentRows({ held }: DecodeCache): RowSource[] {
  return held.map((columns, row) => ({ old: { row, columns } }));
}

/** Rows of the parts as they are once these are in them. */
function continuedRows({ held }: DecodeCache, parts: readonly PromptPart[]): RowSource[] {
  return parts.map(({ row, from, tokens }, index) => ({
    old: { row, columns: (held[row] as number[]).slice(0, from) },
    added: { row: index, columns: tokens.length },
  }));
}

/** Reads [rows, V] back and frees it. */
function readRows(logits: tfc.Tensor, rows: number): Float32Array[] {
  const values = logits.dataSync<'float32'>();
  logits.dispose();
  const width = values.length / rows;
  return Array.from({ length: rows }, (_, row) => values.subarray(row * width, (row + 1) * width));
}
