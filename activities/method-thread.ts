/** A thread of `inThread`: does the one task it was started with, answers, and ends. */
import { parentPort, workerData } from 'node:worker_threads';
import { RZeroError } from './errors.ts';
import type { ErrorCode } from './errors.ts';
import { challengerRewards, writeRewardDistances } from './method/challenger-reward.ts';
import type { ChallengerReward, ChallengerRewardItem, ChallengerRewardOptions } from './method/challenger-reward.ts';
import { decideIteration } from './method/gate/gate-iteration.ts';
import type { IterationDecision, IterationToDecide } from './method/gate/gate-iteration.ts';
import type { FrozenPreset } from './method/presets.ts';
import type { RowShare } from './method/repetition/bleu-distances.ts';

interface RewardBatch {
  items: readonly ChallengerRewardItem[];
  preset: FrozenPreset;
  options: ChallengerRewardOptions;
}

/** What a thread can be asked, by name: what it is given, and what it answers. */
export interface MethodTasks {
  rewards: { given: RewardBatch; answer: ChallengerReward[] };
  /** Fills its share of `options.distances`, which is shared between threads. */
  distances: { given: RewardBatch & { share: RowShare }; answer: undefined };
  gate: { given: IterationToDecide; answer: IterationDecision[] };
}

export type TaskName = keyof MethodTasks;

export type ThreadAnswer<Name extends TaskName> =
  | { answer: MethodTasks[Name]['answer'] }
  | { error: { code: ErrorCode; message: string; fix?: string; field?: string } };

const PERFORM: { [Name in TaskName]: (given: MethodTasks[Name]['given']) => MethodTasks[Name]['answer'] } = {
  rewards: ({ items, preset, options }) => challengerRewards(items, preset, options),
  distances: ({ items, preset, options, share }) => {
    writeRewardDistances(items, preset, options.distances as Float64Array, share);
    return undefined;
  },
  gate: decideIteration,
};

function perform<Name extends TaskName>(name: Name, given: MethodTasks[Name]['given']): ThreadAnswer<Name> {
  try {
    return { answer: PERFORM[name](given) };
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

const { name, given } = workerData as { name: TaskName; given: never };
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port has no origin
parentPort?.postMessage(perform(name, given));
