/**
 * Batched sampling with a key-value cache. Weights, items, parameters and batch size decide every token. The random number
 * at each position comes from (the item's seed, position) alone, so the seeds of its neighbours do not matter; what they
 * can touch is the last bit of a logit, because the number of rows and columns, which follows from when sequences end and
 * for how long they are alike, is part of how a product is summed.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { RZeroError } from '../errors.ts';
import { validateTokens } from './batch.ts';
import { executorOf } from './execution.ts';
import { memoryBudget, refuseLargeBatch } from './memory-budget.ts';
import { parseSeed } from './random.ts';
import type { PhiloxKey } from './random.ts';
import { LEAST_TEMPERATURE } from './sampling.ts';
import type { ChoiceParams } from './sampling.ts';
import { createSchedule } from './schedule.ts';
import type { Sequence } from './shared-rows.ts';
import { stopWatches, validateStopPattern } from './stop-pattern.ts';
import type { StopWatch } from './stop-pattern.ts';
import type { CallOptions, Completion, SampleRequest, SamplingParams } from './types.ts';
import type { Model } from './weights.ts';

const DEFAULT_BATCH = 256;
/** Steps between two reports when no sequence ends. */
const REPORT_EVERY = 16;

/**
 * @param memory bytes of the model with its optimizer, and those that the process may have in all
 * @returns completions in the order of the items
 * @throws RZeroError `EngineRequestInvalid` naming the field, `EngineOutOfMemory`, `EngineCancelled`
 */
export async function sampleCompletions(
  model: Model,
  request: SampleRequest,
  { signal, onProgress }: CallOptions = {},
  memory: { modelBytes: number; limitBytes?: number | undefined } = { modelBytes: 0 },
): Promise<Completion[]> {
  const { params, batchSize, keys } = validateRequest(model, request);
  if (request.items.length === 0) return [];
  await breathe(signal);
  const prompts = new Map<string, readonly number[]>();
  const sequences = request.items.map(({ promptTokens }, index): Sequence => {
    const name = promptTokens.join(' ');
    const prompt = prompts.get(name) ?? promptTokens;
    prompts.set(name, prompt);
    return {
      prompt,
      key: keys[index] as PhiloxKey,
      limit: Math.min(params.maxTokens, model.config.maxPositions - prompt.length),
      ends: params.watch(),
      completion: { tokens: [], logprobs: [], finishReason: 'length' },
    };
  });
  const options = { rows: batchSize, random: params.temperature !== 0 };
  const size = {
    rows: Math.min(batchSize, sequences.length),
    columns: Math.max(...sequences.map(({ prompt, limit }) => prompt.length + limit)),
    prompt: Math.max(...sequences.map(({ prompt }) => prompt.length)),
  };
  // On a GPU a batch takes the card's memory, which cannot be asked for; TensorFlow says when there is too little.
  if (model.runtime.description.backend !== 'tensorflow-cuda') {
    refuseLargeBatch(model.config, size, memory.modelBytes, memoryBudget(memory.limitBytes));
  }
  const schedule = createSchedule(sequences, options, (rows, columns) =>
    executorOf(model).startDecoding({ params, rows, columns }),
  );
  try {
    let done = 0;
    for (let ended = schedule.advance(); ended !== undefined; ended = schedule.advance()) {
      done += ended;
      if (ended > 0 || schedule.work.steps % REPORT_EVERY === 0) {
        onProgress?.({ stage: 'sampling', done, total: sequences.length, work: { ...schedule.work } });
      }
      await breathe(signal);
    }
  } finally {
    schedule.dispose();
  }
  return sequences.map(({ completion }) => completion);
}

/** @throws RZeroError `EngineCancelled` once the signal is set; lets messages in otherwise. */
export async function breathe(signal: AbortSignal | undefined): Promise<void> {
  await nextTurn();
  if (signal?.aborted) throw new RZeroError('EngineCancelled', 'The call was cancelled.', { cause: signal.reason });
}

interface ResolvedParams extends ChoiceParams {
  maxTokens: number;
  /** Makes a watch for each sequence. */
  watch: () => StopWatch;
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
  const {
    maxTokens,
    temperature,
    topK = 0,
    topP = 1,
    minP = 0,
    stopTokens = model.config.eosTokenIds,
    stopPattern,
  } = params;
  requireThat(Number.isInteger(maxTokens) && maxTokens >= 1, 'params.maxTokens', maxTokens, 'a positive integer');
  const sampled = Number.isFinite(temperature) && temperature >= LEAST_TEMPERATURE;
  requireThat(sampled || temperature === 0, 'params.temperature', temperature, `0 or at least ${LEAST_TEMPERATURE}`);
  requireThat(topP > 0 && topP <= 1, 'params.topP', topP, 'above 0 and at most 1');
  requireThat(Number.isInteger(topK) && topK >= 0, 'params.topK', topK, 'an integer of at least 0');
  requireThat(minP >= 0 && minP <= 1, 'params.minP', minP, 'from 0 to 1');
  if (stopPattern) validateStopPattern(stopPattern);
  return { maxTokens, temperature, topK, topP, minP, watch: stopWatches(new Set(stopTokens), stopPattern) };
}

function requireThat(valid: boolean, field: string, value: unknown, range: string): void {
  if (!valid)
    throw new RZeroError('EngineRequestInvalid', `${field} must be ${range}, not ${String(value)}.`, { field });
}
