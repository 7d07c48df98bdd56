/** Rows of r_zero.rewards, for training and for recomputations alike. */
import type { ChallengerReward } from './method/challenger-reward.ts';
import type { SolverReward } from './method/solver-reward.ts';
import type { rewards } from '../db/schema.ts';

export type RewardRow = Omit<typeof rewards.$inferInsert, 'runId' | 'iteration' | 'phase' | 'unit' | 'take'>;

interface Used {
  /** What the policy is trained with; differs from what was computed in control runs only. */
  total: number;
  advantage: number;
}

export function challengerRewardRow(
  questionId: number,
  reward: ChallengerReward,
  { total, advantage }: Used,
): RewardRow {
  return {
    role: 'challenger',
    questionId,
    total,
    computed: reward.total,
    uncertainty: reward.uncertainty,
    repetition: reward.repetition,
    clusterSize: reward.clusterSize,
    format: reward.format,
    advantage,
  };
}

export function solverRewardRow(rolloutId: number, reward: SolverReward, { total, advantage }: Used): RewardRow {
  return {
    role: 'solver',
    rolloutId,
    total,
    computed: reward.total,
    format: reward.format,
    accuracy: reward.accuracy,
    incomparable: reward.incomparable,
    advantage,
  };
}
