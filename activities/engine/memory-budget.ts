/**
 * Whether a batch fits into memory, asked before it starts: to be killed in the middle costs all that was done. What is
 * reckoned with is the longest that every sequence may become, so that a batch which has begun also comes to its end.
 */
import { availableMemory } from 'node:process';
import { RZeroError } from '../errors.ts';
import type { ModelConfig } from './config.ts';

/** Node.js, the native library and its own buffers. */
const PROCESS_BYTES = 512 * 2 ** 20;
/** Of a row while a token is chosen: logits in single precision, in double what is made of them. */
const CHOICE_BYTES = 48;

/** Most prompt tokens, pads included, in one call of the model. */
export const PREFILL_TOKENS = 4096;

export interface BatchSize {
  rows: number;
  /** Of the key-value cache: prompt and new tokens. */
  columns: number;
  /** Tokens of the longest prompt. */
  prompt: number;
}

/** What generating takes beside the model, in bytes. */
export function generationBytes(config: ModelConfig, { rows, columns, prompt }: BatchSize): number {
  const { layers, heads, kvHeads, headDim, hiddenSize, intermediateSize, vocabSize } = config;
  // Keys and values of one layer are there twice while the cache grows.
  const cache = (layers + 1) * 2 * rows * columns * kvHeads * headDim * 4;
  const tokens = Math.max(prompt, Math.min(rows * prompt, PREFILL_TOKENS));
  const perToken = 4 * (6 * hiddenSize + 4 * intermediateSize + 3 * heads * prompt);
  return cache + rows * vocabSize * CHOICE_BYTES + tokens * perToken;
}

/**
 * Bytes that this process may have in all.
 *
 * @param limit set by the user; what the machine, or the container, has left when omitted
 */
export function memoryBudget(limit?: number): number {
  return limit ?? availableMemory() + process.memoryUsage.rss();
}

/**
 * What `R_ZERO_ENGINE_MEMORY_MIB` says, for the built-in engine of a worker.
 *
 * @throws RZeroError `EngineUnavailable` when it is no number
 */
export function memoryLimitOf(env: NodeJS.ProcessEnv): number | undefined {
  const wanted = env['R_ZERO_ENGINE_MEMORY_MIB'];
  if (wanted === undefined || wanted === '') return undefined;
  if (/^[1-9]\d*$/.test(wanted)) return Number(wanted) * 2 ** 20;
  throw new RZeroError('EngineUnavailable', `R_ZERO_ENGINE_MEMORY_MIB is "${wanted}".`, {
    field: 'R_ZERO_ENGINE_MEMORY_MIB',
    fix: 'Give it the most memory that the engine may take in MiB, such as 8192, or remove it.',
  });
}

/**
 * @param modelBytes of weights and moments
 * @throws RZeroError `EngineOutOfMemory` for the field `batchSize`, naming what would fit
 */
export function refuseLargeBatch(config: ModelConfig, size: BatchSize, modelBytes: number, budget: number): void {
  const needed = (rows: number): number => PROCESS_BYTES + modelBytes + generationBytes(config, { ...size, rows });
  if (needed(size.rows) <= budget) return;
  let fits = size.rows;
  while (fits > 1 && needed(fits) > budget) fits = Math.ceil(fits / 2);
  // A single row is tried whatever it takes: nothing smaller is left, and this is an estimate.
  if (size.rows === 1) return;
  const mebi = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20).toLocaleString('en-US')} MiB`;
  throw new RZeroError(
    'EngineOutOfMemory',
    `${size.rows} sequences of up to ${size.columns} tokens take ${mebi(needed(size.rows))} of memory with the model, ` +
      `and the engine has ${mebi(budget)}.`,
    { field: 'batchSize', fix: `Lower batchSize to ${fits}, or shorten maxTokens.` },
  );
}
