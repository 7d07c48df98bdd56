import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadVectors } from './vectors.ts';
import { groupAdvantages } from '../../activities/method/advantages.ts';
import { clippedTokenLoss, grpoObjective, k3, maskedMean } from '../../activities/method/grpo-reference.ts';

const { grpo } = loadVectors();
const MASK_EPSILON = 1e-8;
const near = (actual: number, expected: number, what: string, tolerance = 1e-12): void => {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${what}: ${actual} is not ${expected}`);
};

test('group advantages', () => {
  for (const { rewards, advantages } of grpo.grpo_advantage) {
    groupAdvantages(rewards).forEach((advantage, i) =>
      near(advantage, advantages[i] as number, JSON.stringify(rewards), 1e-9),
    );
  }
});

test('a group of one is refused', () => {
  assert.throws(() => groupAdvantages([1]), { code: 'RunInputInvalid', field: 'groupSize' });
});

test('the objective over one micro-batch of two and over two of one', () => {
  const p = grpo.policy_loss;
  const batch = {
    logprobs: p.log_probs,
    behaviourLogprobs: p.old_log_probs,
    referenceLogprobs: p.ref_log_probs,
    advantages: p.advantages.map((row) => row[0] as number),
    mask: p.response_mask,
  };
  const options = {
    clipLow: p.clip_ratio_low,
    clipHigh: p.clip_ratio_high,
    dualClip: p.clip_ratio_dual,
    klCoefficient: p.kl_coef,
    maskEpsilon: MASK_EPSILON,
  };
  const tokenMean = grpoObjective(batch, { ...options, aggregation: 'token-mean' });
  near(tokenMean.policyLoss, p.micro_batch_of_2.pg_loss, 'policy loss');
  near(tokenMean.kl, p.micro_batch_of_2.kl_loss_k3, 'kl');
  near(tokenMean.loss, p.micro_batch_of_2.total_loss, 'loss');
  near(tokenMean.clipFractionHigh, p.micro_batch_of_2.pg_clipfrac_higher, 'clip high');
  near(tokenMean.clipFractionLow, p.micro_batch_of_2.pg_clipfrac_lower, 'clip low');
  near(tokenMean.policyKl, p.micro_batch_of_2.ppo_kl, 'policy kl');
  const sequenceMean = grpoObjective(batch, { ...options, aggregation: 'sequence-mean' });
  near(sequenceMean.loss, p.micro_batches_of_1_averaged.total_loss, 'loss');
  p.k3_per_token.forEach((row, i) =>
    row.forEach((value, t) => near(k3(p.log_probs[i]?.[t] as number, p.ref_log_probs[i]?.[t] as number), value, 'k3')),
  );
});

test('k3 at single points, clamped', () => {
  for (const point of grpo.kl_k3_points) near(k3(point.log_prob, point.ref_log_prob), point.k3, JSON.stringify(point));
});

test('clip and dual clip at single points', () => {
  for (const point of grpo.dual_clip_points) {
    const token = clippedTokenLoss(Math.log(point.ratio), point.advantage, {
      clipLow: 0.2,
      clipHigh: 0.3,
      dualClip: 3,
    });
    near(token.loss / (1 + MASK_EPSILON), point.loss, JSON.stringify(point));
    near(Number(token.clippedHigh) / (1 + MASK_EPSILON), point.clip_high, JSON.stringify(point));
    near(Number(token.clippedLow) / (1 + MASK_EPSILON), point.clip_low, JSON.stringify(point));
  }
});

test('masked mean', () => {
  for (const { values, mask, mean } of grpo.masked_mean) near(maskedMean(values, mask, MASK_EPSILON), mean, 'mean');
});
