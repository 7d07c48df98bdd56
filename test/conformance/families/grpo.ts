/** GRPO: advantages, clipping, KL, aggregation. Recorded in double precision. */
import assert from 'node:assert/strict';
import { groupAdvantages } from '../../../activities/method/advantages.ts';
import { clippedTokenLoss, grpoObjective, k3, maskedMean } from '../../../activities/method/grpo-reference.ts';
import { near, type Case } from '../case.ts';
import type { Vectors } from '../vectors.ts';

/** The reference divides by count + 1e-8 (torch_functional.py:72-74). */
const MASK_EPSILON = 1e-8;

export function grpo(recorded: Vectors['grpo']): Case[] {
  return [
    ...recorded.grpo_advantage.map(({ rewards, advantages }) => ({
      name: `advantages of ${JSON.stringify(rewards)}`,
      check: () =>
        groupAdvantages(rewards).forEach((advantage, i) => near(advantage, advantages[i] as number, `advantage ${i}`)),
    })),
    {
      name: 'a group of one is refused',
      check: () => assert.throws(() => groupAdvantages([1]), { code: 'RunInputInvalid', field: 'groupSize' }),
    },
    { name: 'policy loss, one micro-batch and two', check: () => checkPolicyLoss(recorded.policy_loss) },
    ...recorded.kl_k3_points.map((point) => ({
      name: `k3 at ${point.log_prob} against ${point.ref_log_prob}`,
      check: () => near(k3(point.log_prob, point.ref_log_prob), point.k3, 'k3'),
    })),
    ...recorded.dual_clip_points.map((point) => ({
      name: `clip at ratio ${point.ratio}, advantage ${point.advantage}`,
      check: () => checkClip(point),
    })),
    ...recorded.masked_mean.map(({ values, mask, mean }, i) => ({
      name: `masked mean ${i}`,
      check: () => near(maskedMean(values, mask, MASK_EPSILON), mean, 'mean'),
    })),
    ...recorded.trainer_global_step_after_fit.map((entry) => ({
      name: `step counter: ${entry.batches_per_epoch} batches, ${entry.total_epochs} epochs, ${entry.max_steps} steps`,
      check: () => assert.equal(publicStepCounter(entry), entry.final_global_step),
    })),
  ];
}

function checkPolicyLoss(p: Vectors['grpo']['policy_loss']): void {
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
  near(tokenMean.kl, p.micro_batch_of_2.kl_loss_k3, 'KL');
  near(tokenMean.loss, p.micro_batch_of_2.total_loss, 'loss');
  near(tokenMean.clipFractionHigh, p.micro_batch_of_2.pg_clipfrac_higher, 'clip fraction, high');
  near(tokenMean.clipFractionLow, p.micro_batch_of_2.pg_clipfrac_lower, 'clip fraction, low');
  near(tokenMean.policyKl, p.micro_batch_of_2.ppo_kl, 'policy KL');
  const sequenceMean = grpoObjective(batch, { ...options, aggregation: 'sequence-mean' });
  near(sequenceMean.loss, p.micro_batches_of_1_averaged.total_loss, 'loss over sequences');
  p.k3_per_token.forEach((row, i) =>
    row.forEach((value, t) =>
      near(k3(p.log_probs[i]?.[t] as number, p.ref_log_probs[i]?.[t] as number), value, `k3 ${i},${t}`),
    ),
  );
}

function checkClip(point: Vectors['grpo']['dual_clip_points'][number]): void {
  const clip = { clipLow: 0.2, clipHigh: 0.3, dualClip: 3 };
  const token = clippedTokenLoss(Math.log(point.ratio), point.advantage, clip);
  const mean = 1 + MASK_EPSILON;
  near(token.loss / mean, point.loss, 'loss');
  near(Number(token.clippedHigh) / mean, point.clip_high, 'clip fraction, high');
  near(Number(token.clippedLow) / mean, point.clip_low, 'clip fraction, low');
}

/**
 * ray_trainer.py:480-484: the loop over batches ends at the last step, the loop over epochs does not, and each further epoch counts
 * one more. Ours numbers steps by their place and has no such counter; the record explains the public checkpoints' numbers.
 */
function publicStepCounter(entry: Vectors['grpo']['trainer_global_step_after_fit'][number]): number {
  let step = 0;
  for (let epoch = 0; epoch < entry.total_epochs; epoch += 1) {
    for (let batch = 0; batch < entry.batches_per_epoch; batch += 1) {
      step += 1;
      if (step > entry.max_steps) break;
    }
  }
  return step;
}
