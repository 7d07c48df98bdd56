/**
 * The GRPO objective in plain numbers: the yardstick for the engine's tensor version. arXiv 2508.05004 section 2; clip-higher,
 * dual clip and k3 as in core_algos.py:331-423 and dp_actor.py:231-273 of the public code.
 */
import { RZeroError } from '../errors.ts';
import type { Aggregation } from './presets.ts';

export interface GrpoBatch {
  /** [sequence][token], natural logarithms. Rows may differ in length. */
  logprobs: readonly (readonly number[])[];
  /** Of the policy that sampled. */
  behaviourLogprobs: readonly (readonly number[])[];
  /** Of the model that the phase started with. */
  referenceLogprobs: readonly (readonly number[])[];
  /** One a sequence. */
  advantages: readonly number[];
  /** 1 = trained on, 0 = padding. All ones when omitted. */
  mask?: readonly (readonly number[])[];
}

export interface GrpoObjectiveOptions {
  /** @default 0.2 */
  clipLow?: number;
  /** @default 0.3 */
  clipHigh?: number;
  /** Dual clip c; 0 = off. @default 3 */
  dualClip?: number;
  /** @default 0.01 */
  klCoefficient?: number;
  /** @default 'token-mean' */
  aggregation?: Aggregation;
  /** Added to the token count. The public code divides by count + 1e-8. @default 0 */
  maskEpsilon?: number;
}

export interface GrpoObjective {
  /** policyLoss + klCoefficient * kl: what is minimised. */
  loss: number;
  policyLoss: number;
  kl: number;
  /** Share of tokens held at the clip range. */
  clipFractionHigh: number;
  /** Share of tokens held by the dual clip. */
  clipFractionLow: number;
  /** Mean of behaviour - current log-probability. */
  policyKl: number;
}

/** One token's surrogate: max(-A r, -A clip(r)), for A < 0 at most -c A. */
export function clippedTokenLoss(
  logRatio: number,
  advantage: number,
  clip: { clipLow: number; clipHigh: number; dualClip: number },
): { loss: number; clippedHigh: boolean; clippedLow: boolean } {
  const low = Math.log(1 - clip.clipLow);
  const high = Math.log(1 + clip.clipHigh);
  const free = -advantage * Math.exp(logRatio);
  const clipped = -advantage * Math.exp(Math.min(high, Math.max(low, logRatio)));
  const upper = Math.max(free, clipped);
  if (advantage >= 0 || clip.dualClip === 0) return { loss: upper, clippedHigh: free < clipped, clippedLow: false };
  const bound = -advantage * clip.dualClip;
  return { loss: Math.min(upper, bound), clippedHigh: free < clipped, clippedLow: upper > bound };
}

/** Schulman's k3 estimate of KL(current || reference) at one token, clamped to [-10, 10] as in core_algos.py:420-423. */
export function k3(logprob: number, referenceLogprob: number): number {
  const difference = referenceLogprob - logprob;
  return Math.min(10, Math.max(-10, Math.expm1(difference) - difference));
}

/** Mean over unmasked entries, sum / (count + epsilon) (torch_functional.py:72-74). */
export function maskedMean(
  values: readonly (readonly number[])[],
  mask: readonly (readonly number[])[],
  epsilon: number,
): number {
  let sum = 0;
  let count = 0;
  values.forEach((row, i) => {
    row.forEach((value, t) => {
      const weight = mask[i]?.[t] ?? 0;
      sum += value * weight;
      count += weight;
    });
  });
  return count + epsilon === 0 ? 0 : sum / (count + epsilon);
}

function checkShapes(batch: GrpoBatch, mask: readonly (readonly number[])[]): void {
  const rows = batch.logprobs.length;
  const named: [string, readonly (readonly number[])[]][] = [
    ['behaviourLogprobs', batch.behaviourLogprobs],
    ['referenceLogprobs', batch.referenceLogprobs],
    ['mask', mask],
  ];
  for (const [field, matrix] of named) {
    const same = matrix.length === rows && matrix.every((row, i) => row.length === batch.logprobs[i]?.length);
    if (!same) {
      throw new RZeroError('EngineRequestInvalid', `${field} has not the shape of logprobs.`, {
        field,
        fix: 'Give one row a sequence and one number a token.',
      });
    }
  }
  if (batch.advantages.length !== rows || rows === 0) {
    throw new RZeroError('EngineRequestInvalid', `${rows} sequences have ${batch.advantages.length} advantages.`, {
      field: 'advantages',
      fix: 'Give one advantage a sequence, and at least one sequence.',
    });
  }
}

/** The objective of one batch. `sequence-mean` averages the token means of the sequences. */
export function grpoObjective(batch: GrpoBatch, options: GrpoObjectiveOptions = {}): GrpoObjective {
  const { clipLow = 0.2, clipHigh = 0.3, dualClip = 3, klCoefficient = 0.01, aggregation = 'token-mean' } = options;
  const epsilon = options.maskEpsilon ?? 0;
  const mask = batch.mask ?? batch.logprobs.map((row) => row.map(() => 1));
  checkShapes(batch, mask);
  const at = (matrix: readonly (readonly number[])[], i: number, t: number): number => matrix[i]?.[t] as number;

  const surrogates = batch.logprobs.map((row, i) =>
    row.map((logprob, t) =>
      clippedTokenLoss(logprob - at(batch.behaviourLogprobs, i, t), batch.advantages[i] as number, {
        clipLow,
        clipHigh,
        dualClip,
      }),
    ),
  );
  const kls = batch.logprobs.map((row, i) => row.map((logprob, t) => k3(logprob, at(batch.referenceLogprobs, i, t))));
  const drift = batch.logprobs.map((row, i) => row.map((logprob, t) => at(batch.behaviourLogprobs, i, t) - logprob));

  const mean = (values: readonly (readonly number[])[]): number => {
    if (aggregation === 'token-mean') return maskedMean(values, mask, epsilon);
    const rows = values.map((row, i) => maskedMean([row], [mask[i] as readonly number[]], epsilon));
    return rows.reduce((sum, value) => sum + value, 0) / rows.length;
  };
  const policyLoss = mean(surrogates.map((row) => row.map((token) => token.loss)));
  const kl = mean(kls);
  return {
    loss: policyLoss + klCoefficient * kl,
    policyLoss,
    kl,
    clipFractionHigh: mean(surrogates.map((row) => row.map((token) => Number(token.clippedHigh)))),
    clipFractionLow: mean(surrogates.map((row) => row.map((token) => Number(token.clippedLow)))),
    policyKl: mean(drift),
  };
}
