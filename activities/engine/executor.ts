/** The two ways of running a model's functions behind one interface: operation by operation, or as a traced graph. */
import type { AdamW, AdamWOptions } from './adamw.ts';
import type { DecodeRequest, Decoder } from './decoder.ts';
import type { validateGrpo } from './grpo-loss.ts';
import type { LabelBatch, RolloutBatch, TrainBatch } from './rollout-batch.ts';

export type GrpoSettings = ReturnType<typeof validateGrpo>;

/** Sums over one micro-batch; the first two are weighted, the others count tokens alike. */
export interface LossReport {
  loss: number;
  policyLoss: number;
  kl: number;
  entropy: number;
  clipped: number;
}

/** One optimizer step under way: gradients add up until they are applied. */
export interface TrainingStep {
  accumulate(batch: TrainBatch, settings: GrpoSettings): LossReport;
  /** The same on plain cross entropy. @returns the weighted loss */
  accumulateLabels(batch: LabelBatch): number;
  /** @returns the norm before clipping; `skipped` when it is not finite, and then nothing has changed */
  apply(optimizer: AdamW, options: AdamWOptions): { gradientNorm: number; skipped: boolean };
  /** Forgets the gradients. */
  dispose(): void;
}

export interface Executor {
  /** Natural log-probability of each label, and entropy of the distribution it is from, both [M]. */
  score(batch: RolloutBatch): { logprobs: Float32Array; entropies: Float32Array };
  startStep(): TrainingStep;
  startDecoding(request: DecodeRequest): Decoder;
}

export function reportOf(values: ArrayLike<number>): LossReport {
  const [loss, policyLoss, kl, entropy, clipped] = Array.from(values) as [number, number, number, number, number];
  return { loss, policyLoss, kl, entropy, clipped };
}
