/**
 * The Challenger's reward: uncertainty minus repetition. arXiv 2508.05004, section 3.2: max(0, 1 - 2|p̂ - 1/2| - λ |C| / B);
 * public code (caller_penalty.py:141): min(p̂, 1 - p̂) - |C| / B without a floor, and -1 - 1/B for invalid output.
 */
import { RZeroError } from '../errors.ts';
import { pairCount } from './repetition/bleu-distances.ts';
import type { RowShare } from './repetition/bleu-distances.ts';
import { clusteredItems, repetitionPenalties, writeRepetitionDistances } from './repetition/repetition.ts';
import type { FrozenPreset, UncertaintyShape } from './presets.ts';

export interface ChallengerRewardItem {
  /** Whether the output could be parsed. */
  valid: boolean;
  /** Size of the majority class, and of all answers: p̂ = votes / total. Ignored for invalid items. */
  votes: number;
  total: number;
  question: string;
  /** The answers could not be graded at all: uncertainty is -1 in the public code (start_vllm_server.py:237-247), 0 elsewhere. */
  gradingFailed?: boolean;
}

export interface ChallengerReward {
  /** max(0, uncertainty - repetitionWeight * repetition) where the preset has a floor, without the max otherwise. */
  total: number;
  /** Shape of p̂; for an invalid item the preset's `invalidReward`. */
  uncertainty: number;
  /** The cluster's share of the batch, before the weight. */
  repetition: number;
  /** Number of questions in the cluster, this one included; 0 for an item left out of clustering. */
  clusterSize: number;
  /** 1 = parsed. */
  format: 0 | 1;
}

export interface ChallengerRewardOptions {
  /** λ. @default the preset's, 1 */
  repetitionWeight?: number;
  /** Distances that `writeRewardDistances` has filled, if they are known already; overwritten. */
  distances?: Float64Array;
}

/** Uncertainty of p̂ = votes / total; 0 when nobody voted. */
export function uncertainty(votes: number, total: number, shape: UncertaintyShape): number {
  const solveRate = total === 0 ? 0 : votes / total;
  return shape === 'min' ? Math.min(solveRate, 1 - solveRate) : 1 - 2 * Math.abs(solveRate - 0.5);
}

/** Rewards of one batch; the whole batch shares B. Throws `RunInputInvalid` for counts that cannot be. */
export function challengerRewards(
  items: readonly ChallengerRewardItem[],
  preset: FrozenPreset,
  options: ChallengerRewardOptions = {},
): ChallengerReward[] {
  const weight = options.repetitionWeight ?? preset.repetitionWeight;
  if (!Number.isFinite(weight) || weight < 0) {
    throw new RZeroError('RunInputInvalid', `The repetition weight is ${weight}.`, {
      field: 'repetitionWeight',
      fix: 'Give a finite number, 0 or more.',
    });
  }
  items.forEach((item, i) => checkCounts(item, i));
  const { questions, valid } = batchOf(items);
  const repetition = repetitionPenalties(questions, preset.repetition, valid, options.distances);
  return items.map((item, i) => {
    const share = repetition.penalty[i] as number;
    const worth = baseReward(item, preset);
    const total = worth - weight * share;
    return {
      total: preset.floorAtZero ? Math.max(0, total) : total,
      uncertainty: worth,
      repetition: share,
      clusterSize: repetition.size[i] as number,
      format: item.valid ? 1 : 0,
    };
  });
}

function batchOf(items: readonly ChallengerRewardItem[]): { questions: string[]; valid: boolean[] } {
  return {
    questions: items.map((item) => (item.valid ? item.question : '')),
    valid: items.map((item) => item.valid),
  };
}

/** Number of distances between the questions of a batch: the length of the array that `writeRewardDistances` fills. */
export function rewardDistanceCount(items: readonly ChallengerRewardItem[], preset: FrozenPreset): number {
  const { questions, valid } = batchOf(items);
  return pairCount(clusteredItems(questions, preset.repetition, valid).length);
}

/** The costly part of `challengerRewards`, for threads that fill a share each. */
export function writeRewardDistances(
  items: readonly ChallengerRewardItem[],
  preset: FrozenPreset,
  distances: Float64Array,
  share: RowShare,
): void {
  const { questions, valid } = batchOf(items);
  writeRepetitionDistances(questions, preset.repetition, valid, distances, share);
}

function baseReward(item: ChallengerRewardItem, preset: FrozenPreset): number {
  if (!item.valid) return preset.invalidReward;
  if (item.gradingFailed === true) return preset.uncertainty === 'min' ? -1 : 0;
  return uncertainty(item.votes, item.total, preset.uncertainty);
}

function checkCounts(item: ChallengerRewardItem, index: number): void {
  if (!item.valid || item.gradingFailed === true) return;
  const sound =
    Number.isInteger(item.votes) && Number.isInteger(item.total) && item.votes >= 0 && item.votes <= item.total;
  if (!sound) {
    throw new RZeroError('RunInputInvalid', `Item ${index} has ${item.votes} votes of ${item.total}.`, {
      field: `items[${index}].votes`,
      fix: 'Give whole numbers with 0 <= votes <= total.',
    });
  }
}
