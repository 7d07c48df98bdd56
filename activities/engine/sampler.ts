/**
 * Batched sampling with a key-value cache. Weights, items, parameters and batch size decide every token. The random number
 * at each position comes from (the item's seed, position) alone, so the seeds of its neighbours do not matter; what they
 * can touch is the last bit of a logit, because the number of rows, which shrinks as sequences end, is part of how a
 * product is summed.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { RZeroError } from '../errors.ts';
import { validateTokens } from './batch.ts';
import { executorOf } from './execution.ts';
import { parseSeed, uniform } from './random.ts';
import type { PhiloxKey } from './random.ts';
import type { Choice, ChoiceParams } from './sampling.ts';
import type { CallOptions, Completion, SampleItem, SampleRequest, SamplingParams } from './types.ts';
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
    key: keys[index] as PhiloxKey,
    limit: Math.min(params.maxTokens, model.config.maxPositions - item.promptTokens.length),
    completion: { tokens: [], logprobs: [], finishReason: 'length' },
    finished: false,
  }));
  // Rows of the device's batch; finished ones may stay for a while.
  let rows = all;
  const draws = (): Float64Array =>
    Float64Array.from(rows, ({ key, completion, finished }) =>
      finished || params.temperature === 0 ? 0 : uniform(key, completion.tokens.length),
    );
  const decoder = executorOf(model).startDecoding({
    prompts: items.map((item) => item.promptTokens),
    params,
    maxTokens: Math.max(...all.map((row) => row.limit)),
  });
  try {
    let choices = decoder.start(draws());
    for (;;) {
      for (const [index, row] of rows.entries()) if (!row.finished) extend(row, choices[index] as Choice, params);
      const active = rows.flatMap((row, index) => (row.finished ? [] : [index]));
      if (active.length === 0) break;
      const kept = survivors(rows.length, active);
      if (kept) {
        decoder.keep(kept);
        rows = kept.map((index) => rows[index] as Row);
      }
      await breathe(signal);
      const tokens = Int32Array.from(rows, (row) => row.completion.tokens.at(-1) as number);
      choices = decoder.step(tokens, draws());
    }
  } finally {
    decoder.dispose();
  }
  return all.map((row) => row.completion);
}

/** Appends the next token of a row. */
function extend(row: Row, { token, logprob }: Choice, params: ResolvedParams): void {
  const { completion } = row;
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
 * Rows to go on with when enough have finished: the active ones, filled up with finished ones to a power of two, so
 * that it happens seldom.
 */
function survivors(count: number, active: readonly number[]): number[] | undefined {
  const size = Math.max(FEWEST_ROWS, 2 ** Math.ceil(Math.log2(active.length)));
  if (size > count * (1 - DROP_SHARE)) return undefined;
  const keep = new Set(active);
  for (let index = 0; keep.size < size; index++) keep.add(index);
  return [...keep].sort((a, b) => a - b);
}
