/**
 * The GRPO objective per token, as the R-Zero paper (arXiv 2508.05004, section 2) and its public code
 * (Chengsong-Huang/R-Zero, verl/trainer/core_algos.py, `compute_policy_loss` and `compute_kl`) have it: clipped
 * surrogate with a higher upper bound, dual clip for negative advantages, k3 estimate of the KL divergence as a loss term.
 */
import type * as tfc from '@tensorflow/tfjs-core';
import { RZeroError } from '../errors.ts';
import { validateRecompute } from './recompute.ts';
import type { Recompute } from './recompute.ts';
import { LEAST_TEMPERATURE } from './sampling.ts';
import type { TrainOptions } from './types.ts';

/** All of one shape, one entry per token. */
export interface GrpoTokens {
  /** log pi, differentiated. */
  logprobs: tfc.Tensor;
  /** log pi_old */
  behaviour: tfc.Tensor;
  /** log pi_ref */
  reference: tfc.Tensor;
  advantages: tfc.Tensor;
}

export interface GrpoOptions {
  clipLow: number;
  clipHigh: number;
  /** 0 = off. */
  dualClip: number;
}

/** A number, or a scalar tensor where a graph is told later. */
export type Scalar = number | tfc.Tensor;

/** What the options mean for a token. */
export interface GrpoBounds<T extends Scalar = Scalar> {
  /** Of the log-ratio. */
  lower: T;
  upper: T;
  /** Infinity = off. */
  dualClip: T;
}

export function grpoBounds({ clipLow, clipHigh, dualClip }: GrpoOptions): GrpoBounds<number> {
  return {
    lower: Math.log(1 - clipLow),
    upper: Math.log(1 + clipHigh),
    dualClip: dualClip === 0 ? Infinity : dualClip,
  };
}

export interface GrpoTerms {
  /** Policy loss of each token. */
  policy: tfc.Tensor;
  /** k3 estimate of each token, clamped to [-10, 10]. */
  kl: tfc.Tensor;
  /** 1 where a bound decided the policy loss, 0 elsewhere. */
  clipped: tfc.Tensor;
}

/** Log-ratios beyond this are clamped before the exponential; their gradient is then zero. */
const LOG_RATIO_LIMIT = 20;
const KL_LIMIT = 10;

export function grpoTerms(
  tf: typeof tfc,
  { logprobs, behaviour, reference, advantages }: GrpoTokens,
  { lower, upper, dualClip }: GrpoBounds,
): GrpoTerms {
  const logRatio = tf.clipByValue(tf.sub(logprobs, behaviour), -LOG_RATIO_LIMIT, LOG_RATIO_LIMIT);
  const bounded = tf.minimum(tf.maximum(logRatio, lower), upper);
  const cost = tf.neg(advantages);
  const plain = tf.mul(cost, tf.exp(logRatio));
  const surrogate = tf.maximum(plain, tf.mul(cost, tf.exp(bounded)));
  // For a positive advantage the cost is negative and the surrogate too, so the bound is moved out of the way.
  const ceiling = tf.where(tf.less(advantages, 0), tf.mul(cost, dualClip), tf.fill(advantages.shape, Infinity));
  const policy = tf.minimum(surrogate, ceiling);
  const distance = tf.clipByValue(tf.sub(reference, logprobs), -LOG_RATIO_LIMIT, LOG_RATIO_LIMIT);
  const kl = tf.clipByValue(tf.sub(tf.exp(distance), tf.add(distance, 1)), -KL_LIMIT, KL_LIMIT);
  return { policy, kl, clipped: tf.cast(tf.notEqual(policy, plain), 'float32') };
}

/**
 * Weight of each token of a sequence in the batch's loss; over the whole batch they sum to one.
 *
 * @param lengths completion tokens per sequence, each at least 1
 */
export function sequenceWeights(lengths: readonly number[], aggregation: 'token-mean' | 'sequence-mean'): number[] {
  const tokens = lengths.reduce((sum, length) => sum + length, 0);
  return lengths.map((length) => (aggregation === 'token-mean' ? 1 / tokens : 1 / (length * lengths.length)));
}

/** @throws RZeroError `EngineRequestInvalid` naming the field. */
export function validateGrpo(options: TrainOptions): GrpoOptions & {
  temperature: number;
  klCoefficient: number;
  aggregation: 'token-mean' | 'sequence-mean';
  microBatch: number;
  recompute: Recompute;
} {
  const resolved = {
    temperature: options.temperature ?? 1,
    clipLow: options.clipLow ?? 0.2,
    clipHigh: options.clipHigh ?? 0.3,
    dualClip: options.dualClip ?? 3,
    klCoefficient: options.klCoefficient ?? 0.01,
    aggregation: options.aggregation ?? 'token-mean',
    microBatch: options.microBatch ?? 64,
    recompute: validateRecompute(options.recompute),
  };
  const check = (field: keyof typeof resolved, valid: boolean, range: string): void => {
    if (valid) return;
    throw new RZeroError('EngineRequestInvalid', `${field} must be ${range}, not ${String(resolved[field])}.`, {
      field,
    });
  };
  requireTemperature(resolved.temperature);
  check('clipLow', resolved.clipLow >= 0 && resolved.clipLow < 1, 'in [0, 1)');
  check('clipHigh', resolved.clipHigh >= 0 && Number.isFinite(resolved.clipHigh), 'a number of at least 0');
  check(
    'dualClip',
    resolved.dualClip === 0 || (resolved.dualClip > 1 && Number.isFinite(resolved.dualClip)),
    '0 or above 1',
  );
  check(
    'klCoefficient',
    resolved.klCoefficient >= 0 && Number.isFinite(resolved.klCoefficient),
    'a number of at least 0',
  );
  check(
    'aggregation',
    ['token-mean', 'sequence-mean'].includes(resolved.aggregation),
    "'token-mean' or 'sequence-mean'",
  );
  check('microBatch', Number.isInteger(resolved.microBatch) && resolved.microBatch >= 1, 'a positive integer');
  return resolved;
}

/** @throws RZeroError `EngineRequestInvalid` for a temperature at which nothing is sampled. */
export function requireTemperature(temperature: number): void {
  if (Number.isFinite(temperature) && temperature >= LEAST_TEMPERATURE) return;
  throw new RZeroError(
    'EngineRequestInvalid',
    `temperature must be a number of at least ${LEAST_TEMPERATURE}, not ${String(temperature)}.`,
    { field: 'temperature', fix: 'Give the temperature that the completions were sampled at; 1 for greedy ones.' },
  );
}
