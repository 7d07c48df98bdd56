/** A thread of `computeChallengerRewards`: does the one task it was started with, answers, and ends. */
import { parentPort, workerData } from 'node:worker_threads';
import { RZeroError } from './errors.ts';
import type { ErrorCode } from './errors.ts';
import type { RowShare } from './method/repetition/bleu-distances.ts';
import { challengerRewards, writeRewardDistances } from './method/challenger-reward.ts';
import type { ChallengerReward, ChallengerRewardItem, ChallengerRewardOptions } from './method/challenger-reward.ts';
import type { FrozenPreset } from './method/presets.ts';

export interface RewardTask {
  items: readonly ChallengerRewardItem[];
  preset: FrozenPreset;
  options: ChallengerRewardOptions;
  /** Fill these rows of `options.distances`, which is shared between threads, instead of computing rewards. */
  share?: RowShare;
}

export type RewardAnswer =
  { rewards: ChallengerReward[] } | { error: { code: ErrorCode; message: string; fix?: string; field?: string } };

function perform({ items, preset, options, share }: RewardTask): RewardAnswer {
  try {
    if (share === undefined) return { rewards: challengerRewards(items, preset, options) };
    writeRewardDistances(items, preset, options.distances as Float64Array, share);
    return { rewards: [] };
  } catch (error) {
    // Cloning would keep the message alone of our own errors. Any other reaches the parent as the thread's end.
    if (!(error instanceof RZeroError)) throw error;
    const { code, fix, field } = error;
    // The constructor puts the fix behind the message, here and on the other side.
    const message = fix === undefined ? error.message : error.message.slice(0, -fix.length - 1);
    return {
      error: { code, message, ...(fix === undefined ? {} : { fix }), ...(field === undefined ? {} : { field }) },
    };
  }
}

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port has no origin
parentPort?.postMessage(perform(workerData as RewardTask));
