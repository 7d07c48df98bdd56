/**
 * Batched sampling with a key-value cache. Weights, items, parameters and batch size decide every token. The random number
 * at each position comes from (the item's seed, position) alone, so the seeds of its neighbours do not matter; what they
 * can touch is the last bit of a logit, because the number of rows, which shrinks as sequences end, is part of how a
 * product is summed.
 */
import type * as tfc from '@tensorflow/tfjs-core';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { RZeroError } from '../errors.ts';
import { validateTokens } from './batch.ts';
import { advanceCache, disposeCache, paddingMask, selectRows } from './kv-cache.ts';
import type { DecodeCache } from './kv-cache.ts';
import { MASKED, decode, forward, head } from './model.ts';
import type { LayerCache } from './model.ts';
import { parseSeed, uniform } from './random.ts';
import type { PhiloxKey } from './random.ts';
import { ropeAt } from './rope.ts';
import { chooseToken } from './sampling.ts';
import type { ChoiceParams } from './sampling.ts';
import type { CallOptions, Completion, SampleItem, SampleRequest, SamplingParams } from './types.ts';
import { parametersOf } from './weights.ts';
import type { Model } from './weights.ts';

const DEFAULT_BATCH = 256;
/** Dropping finished rows costs one copy of the cache, so it must save at least this share of the rows. */
const DROP_SHARE = 0.25;
const FEWEST_ROWS = 16;

/**
 * @returns completions in the order of the items
 * @throws RZeroError `EngineRequestInvalid` naming the field, `EngineCancelled`
 */
export async function sampleCompletions(
  model: Model,
  request: SampleRequest,
  { signal, onProgress }: CallOptions = {},
): Promise<Completion[]> {
  const { params, batchSize, keys } = validateRequest(model, request);
  const out: Completion[] = [];
  for (let from = 0; from < request.items.length; from += batchSize) {
    const items = request.items.slice(from, from + batchSize);
    out.push(...(await sampleBatch(model, items, keys.slice(from, from + batchSize), params, signal)));
    onProgress?.({ stage: 'sampling', done: out.length, total: request.items.length });
  }
  return out;
}

/** @throws RZeroError `EngineCancelled` once the signal is set; lets messages in otherwise. */
export async function breathe(signal: AbortSignal | undefined): Promise<void> {
  await nextTurn();
  if (signal?.aborted) throw new RZeroError('EngineCancelled', 'The call was cancelled.', { cause: signal.reason });
}

interface ResolvedParams extends ChoiceParams {
  maxTokens: number;
  stopTokens: ReadonlySet<number>;
}

function validateRequest(
  model: Model,
  request: SampleRequest,
): { params: ResolvedParams; batchSize: number; keys: PhiloxKey[] } {
  const params = validateParams(model, request.params);
  const batchSize = request.batchSize ?? DEFAULT_BATCH;
  requireThat(Number.isInteger(batchSize) && batchSize >= 1, 'batchSize', batchSize, 'a positive integer');
  const keys = request.items.map((item, index) => {
    // One position must remain for the first new token.
    validateTokens(model.config, item.promptTokens, `items[${index}].promptTokens`, model.config.maxPositions - 1);
    return parseSeed(item.seed, `items[${index}].seed`);
  });
  return { params, batchSize, keys };
}

function validateParams(model: Model, params: SamplingParams): ResolvedParams {
  const { maxTokens, temperature, topP = 1, topK = 0, stopTokens = model.config.eosTokenIds } = params;
  requireThat(Number.isInteger(maxTokens) && maxTokens >= 1, 'params.maxTokens', maxTokens, 'a positive integer');
  requireThat(Number.isFinite(temperature) && temperature >= 0, 'params.temperature', temperature, 'at least 0');
  requireThat(topP > 0 && topP <= 1, 'params.topP', topP, 'above 0 and at most 1');
  requireThat(Number.isInteger(topK) && topK >= 0, 'params.topK', topK, 'an integer of at least 0');
  return { maxTokens, temperature, topP, topK, stopTokens: new Set(stopTokens) };
}

function requireThat(valid: boolean, field: string, value: unknown, range: string): void {
  if (!valid)
    throw new RZeroError('EngineRequestInvalid', `${field} must be ${range}, not ${String(value)}.`, { field });
}

/** One sequence while it grows. */
interface Row {
  readonly item: SampleItem;
  readonly key: PhiloxKey;
  /** Most new tokens, by the request and by the model's context. */
  readonly limit: number;
  readonly completion: Completion;
  finished: boolean;
}

async function sampleBatch(
  model: Model,
  items: readonly SampleItem[],
  keys: readonly PhiloxKey[],
  params: ResolvedParams,
  signal: AbortSignal | undefined,
): Promise<Completion[]> {
  await breathe(signal);
  const all: Row[] = items.map((item, index) => ({
    item,
    key: keys[index] as PhiloxKey,
    limit: Math.min(params.maxTokens, model.config.maxPositions - item.promptTokens.length),
    completion: { tokens: [], logprobs: [], finishReason: 'length' },
    finished: false,
  }));
  // Rows of the device's batch; finished ones may stay for a while.
  let rows = all;
  const prefilled = prefill(model, items);
  const { cache } = prefilled;
  let { logits } = prefilled;
  try {
    for (;;) {
      for (const [index, row] of rows.entries()) if (!row.finished) extend(row, logits[index] as Float32Array, params);
      const active = rows.flatMap((row, index) => (row.finished ? [] : [index]));
      if (active.length === 0) break;
      const kept = survivors(rows.length, active);
      if (kept) {
        selectRows(model.runtime.tf, cache, kept);
        rows = kept.map((index) => rows[index] as Row);
      }
      await breathe(signal);
      logits = decodeRows(model, cache, rows);
    }
  } finally {
    disposeCache(cache);
  }
  return all.map((row) => row.completion);
}

/** Appends the next token of a row. */
function extend(row: Row, logits: Float32Array, params: ResolvedParams): void {
  const { completion } = row;
  const u = params.temperature === 0 ? 0 : uniform(row.key, completion.tokens.length);
  const { token, logprob } = chooseToken(logits, params, u);
  completion.tokens.push(token);
  completion.logprobs.push(logprob);
  if (params.stopTokens.has(token)) {
    completion.finishReason = 'stop';
    row.finished = true;
  } else if (completion.tokens.length >= row.limit) {
    row.finished = true;
  }
}

/**
 * Rows to go on with when enough have finished: the active ones, filled up with finished ones to a power of two. Few
 * different shapes, so that a traced model needs few graphs.
 */
function survivors(count: number, active: readonly number[]): number[] | undefined {
  const size = Math.max(FEWEST_ROWS, 2 ** Math.ceil(Math.log2(active.length)));
  if (size > count * (1 - DROP_SHARE)) return undefined;
  const keep = new Set(active);
  for (let index = 0; keep.size < size; index++) keep.add(index);
  return [...keep].sort((a, b) => a - b);
}

/**
 * Runs each distinct prompt once, left-padded to the longest, and copies its cache to every item that shares it.
 *
 * @returns logits after the last prompt token, one row per item
 */
function prefill(model: Model, items: readonly SampleItem[]): { cache: DecodeCache; logits: Float32Array[] } {
  const { runtime, config } = model;
  const { tf } = runtime;
  const { prompts, promptOf } = distinctPrompts(items);
  const batch = prompts.length;
  const length = Math.max(...prompts.map((prompt) => prompt.length));
  const padding = prompts.map((prompt) => length - prompt.length);
  const layers: LayerCache[] = [];
  const logits = tf.tidy(() => {
    const ids = new Int32Array(batch * length);
    const positions = new Int32Array(batch * length);
    for (const [row, prompt] of prompts.entries()) {
      const pads = padding[row] as number;
      ids.set(prompt, row * length + pads);
      for (let column = 0; column < length; column++) positions[row * length + column] = column - pads;
    }
    const padded = padding.some((pads) => pads > 0);
    const parameters = parametersOf(model);
    const hidden = forward(runtime, config, parameters, {
      tokens: tf.tensor1d(ids, 'int32'),
      batch,
      length,
      rotary: padded
        ? ropeAt(tf, config, model.rope, positions, [batch, 1, length])
        : ropeAt(tf, config, model.rope, positions.subarray(0, length), [length]),
      mask: promptMask(tf, padded ? padding : [0], length),
      cacheOut: layers,
    });
    for (const { keys, values } of layers) {
      tf.keep(keys);
      tf.keep(values);
    }
    const last = tf.slice(tf.reshape(hidden, [batch, length, config.hiddenSize]), [0, length - 1, 0], [batch, 1, -1]);
    return head(runtime, parameters, tf.reshape(last, [batch, config.hiddenSize]));
  });
  const cache: DecodeCache = { layers, length, padding };
  selectRows(tf, cache, promptOf);
  const read = readRows(logits, batch);
  return { cache, logits: promptOf.map((prompt) => read[prompt] as Float32Array) };
}

function distinctPrompts(items: readonly SampleItem[]): { prompts: (readonly number[])[]; promptOf: number[] } {
  const prompts: (readonly number[])[] = [];
  const known = new Map<string, number>();
  const promptOf = items.map(({ promptTokens }) => {
    const name = promptTokens.join(' ');
    const index = known.get(name) ?? prompts.push(promptTokens) - 1;
    known.set(name, index);
    return index;
  });
  return { prompts, promptOf };
}

/** [rows, 1, 1, T, T]: later columns and pad columns are hidden. */
function promptMask(tf: typeof tfc, padding: readonly number[], length: number): tfc.Tensor {
  const mask = new Float32Array(padding.length * length * length).fill(MASKED);
  for (const [row, pads] of padding.entries()) {
    for (let query = pads; query < length; query++) {
      const at = (row * length + query) * length;
      mask.fill(0, at + pads, at + query + 1);
    }
  }
  return tf.tensor(mask, [padding.length, 1, 1, length, length], 'float32');
}

/** One decode step for all rows; finished ones repeat their last token and are ignored. */
function decodeRows(model: Model, cache: DecodeCache, rows: readonly Row[]): Float32Array[] {
  const { runtime, config } = model;
  const { tf } = runtime;
  let next: LayerCache[] = [];
  const logits = tf.tidy(() => {
    const tokens = Int32Array.from(rows, (row) => row.completion.tokens.at(-1) as number);
    const mask = paddingMask(tf, cache.padding, cache.length + 1);
    // A finished row may outlast its context; where it then points does not matter.
    const position = (pads: number): number => Math.min(cache.length - pads, config.maxPositions - 1);
    const output = decode(runtime, config, parametersOf(model), {
      tokens: tf.tensor1d(tokens, 'int32'),
      batch: rows.length,
      rotary: mask
        ? ropeAt(tf, config, model.rope, cache.padding.map(position), [rows.length, 1])
        : ropeAt(tf, config, model.rope, [position(0)], [1, 1]),
      ...(mask ? { mask } : {}),
      cache: cache.layers,
    });
    next = output.cache;
    for (const { keys, values } of next) {
      tf.keep(keys);
      tf.keep(values);
    }
    return output.logits;
  });
  advanceCache(cache, next);
  return readRows(logits, rows.length);
}

/** Reads [rows, V] back and frees it. */
function readRows(logits: tfc.Tensor, rows: number): Float32Array[] {
  const values = logits.dataSync<'float32'>();
  logits.dispose();
  const width = values.length / rows;
  return Array.from({ length: rows }, (_, row) => values.subarray(row * width, (row + 1) * width));
}
