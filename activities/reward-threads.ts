/**
 * The Challenger's rewards without holding up the worker: comparing every question with every other takes seconds for large
 * batches, during which no heartbeat could leave. One thread computes a batch; large ones are compared on all cores first.
 */
import { availableParallelism } from 'node:os';
import { challengerRewards, rewardDistanceCount } from './method/challenger-reward.ts';
import type { ChallengerReward, ChallengerRewardItem, ChallengerRewardOptions } from './method/challenger-reward.ts';
import type { FrozenPreset } from './method/presets.ts';
import { cancelled, inThread } from './method-threads.ts';

export interface RewardThreadOptions {
  /** Ends the threads; the call then fails with `EngineCancelled`. */
  signal?: AbortSignal | undefined;
  /** How many threads may compare questions at the same time. @default the number of cores, up to 16 */
  threads?: number;
  /** From this many questions on they share the work. @default 4096 */
  splitFrom?: number;
}

/** Up to here the answer is there before a thread would have started. */
const INLINE_ITEMS = 256;
const INLINE_CHARACTERS = 100_000;
/** Beyond this the shared matrix alone would take more than 1 GiB; the one thread that remains may need less. */
const MAX_SHARED_DISTANCES = 2 ** 27;

/** `challengerRewards`, with the same results and errors, on other threads when the batch is not small. */
export async function computeChallengerRewards(
  items: readonly ChallengerRewardItem[],
  preset: FrozenPreset,
  options: Omit<ChallengerRewardOptions, 'distances'> = {},
  { signal, threads = Math.min(16, availableParallelism()), splitFrom = 4096 }: RewardThreadOptions = {},
): Promise<ChallengerReward[]> {
  if (signal?.aborted) throw cancelled(signal.reason);
  const characters = items.reduce((sum, { question }) => sum + question.length, 0);
  if (items.length <= INLINE_ITEMS && characters <= INLINE_CHARACTERS) return challengerRewards(items, preset, options);
  const batch = { items, preset, options };
  const count = rewardDistanceCount(items, preset);
  if (threads < 2 || items.length < splitFrom || count > MAX_SHARED_DISTANCES)
    return inThread('rewards', batch, signal);

  const distances = new Float64Array(new SharedArrayBuffer(count * Float64Array.BYTES_PER_ELEMENT));
  const shared = { ...batch, options: { ...options, distances } };
  const stop = new AbortController();
  const either = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  const shares = Array.from({ length: threads }, (_, first) =>
    inThread('distances', { ...shared, share: { first, step: threads } }, either),
  );
  try {
    await Promise.all(shares);
  } finally {
    // Of several threads one may fail: the others are ended, and their end awaited.
    stop.abort();
    await Promise.allSettled(shares);
  }
  return inThread('rewards', shared, signal);
}
