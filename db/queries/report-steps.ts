/** Training, step by step. */
import { select } from '../client.ts';
import type { Connection } from './report.ts';

export interface StepRow {
  iteration: number;
  role: 'challenger' | 'solver';
  step: number;
  rollouts: number;
  mean_reward: number;
  stddev_reward: number | null;
  mean_uncertainty: number | null;
  mean_repetition: number | null;
  mean_format: number | null;
  mean_accuracy: number | null;
  learning_rate: number;
  kl: number | null;
  entropy: number | null;
  clip_fraction: number | null;
  gradient_norm: number | null;
  /** Trained on, of all rollouts. */
  tokens: number;
  skipped: number;
}

/** Of view `training_steps`, in the order of training. */
export const readSteps = (connection: Connection, runId: string): Promise<StepRow[]> =>
  select(
    connection,
    `select iteration, role, step, rollouts, mean_reward, stddev_reward, mean_uncertainty, mean_repetition, mean_format,
            mean_accuracy, learning_rate, kl, entropy, clip_fraction, gradient_norm, tokens, skipped
     from r_zero.training_steps where run_id = $1 order by role, iteration, step`,
    [runId],
  );
