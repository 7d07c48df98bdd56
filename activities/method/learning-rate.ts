/**
 * Learning rate of a step as a pure function of the step's place, so that a resumed phase continues as if it had never stopped.
 * After the warm-up the factors are those of transformers' `get_constant_`, `get_linear_`, `get_cosine_` and
 * `get_cosine_with_min_lr_schedule_with_warmup` (src/transformers/optimization.py); `minimumRatio` serves the linear one, too. The
 * warm-up counts its steps from one, not from zero: transformers' first step has the rate 0, and nearly all work of a step here is
 * sampling, which would be thrown away.
 */

export const LEARNING_RATE_SCHEDULES = ['constant', 'linear', 'cosine'] as const;

export interface LearningRateSettings {
  /** At the end of the warm-up. */
  learningRate: number;
  warmupSteps: number;
  /** What follows the warm-up: no change, a straight line or half a cosine down to the minimum. @default 'constant' */
  learningRateSchedule?: (typeof LEARNING_RATE_SCHEDULES)[number];
  /** Share of the learning rate that the line or the cosine ends at. @default 0 */
  minimumLearningRateRatio?: number;
}

/**
 * @param step counted from 0
 * @param total steps of the phase; the minimum is reached where the step after the last one would be
 */
export function learningRateAt(settings: LearningRateSettings, step: number, total: number): number {
  const { learningRate, warmupSteps, learningRateSchedule = 'constant', minimumLearningRateRatio = 0 } = settings;
  if (step < warmupSteps) return learningRate * Math.min(1, (step + 1) / warmupSteps);
  const progress = Math.min(1, (step - warmupSteps) / Math.max(1, total - warmupSteps));
  const decayed = DECAYS[learningRateSchedule](progress);
  return learningRate * (decayed * (1 - minimumLearningRateRatio) + minimumLearningRateRatio);
}

/** From 1 to 0 as `progress` goes from 0 to 1. */
const DECAYS: Readonly<Record<(typeof LEARNING_RATE_SCHEDULES)[number], (progress: number) => number>> = {
  constant: () => 1,
  linear: (progress) => 1 - progress,
  cosine: (progress) => 0.5 * (1 + Math.cos(Math.PI * progress)),
};
