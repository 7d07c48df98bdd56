import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../support/properties.ts';
import { grpoBounds, grpoTerms, sequenceWeights } from '../../activities/engine/grpo-loss.ts';
import { groupAdvantages } from '../../activities/method/advantages.ts';
import { grpoObjective } from '../../activities/method/grpo-reference.ts';
import type { GrpoBatch } from '../../activities/method/grpo-reference.ts';
import { runtime } from './support/models.ts';

const AGGREGATIONS = ['token-mean', 'sequence-mean'] as const;
const CLIP = { clipLow: 0.2, clipHigh: 0.3, dualClip: 3 };
const KL_COEFFICIENT = 0.01;

/** The tensor version's objective of a batch, as the engine adds it up. */
async function tensorObjective(batch: GrpoBatch, aggregation: (typeof AGGREGATIONS)[number]) {
  const { tf } = await runtime();
  const lengths = batch.logprobs.map((row) => row.length);
  const weights = sequenceWeights(lengths, aggregation);
  const perToken = lengths.flatMap((length, i) => Array.from({ length }, () => weights[i] as number));
  const advantages = lengths.flatMap((length, i) => Array.from({ length }, () => batch.advantages[i] as number));
  return tf.tidy(() => {
    const terms = grpoTerms(
      tf,
      {
        logprobs: tf.tensor1d(batch.logprobs.flat()),
        behaviour: tf.tensor1d(batch.behaviourLogprobs.flat()),
        reference: tf.tensor1d(batch.referenceLogprobs.flat()),
        advantages: tf.tensor1d(advantages),
      },
      grpoBounds(CLIP),
    );
    const weighted = (values: { dataSync(): ArrayLike<number> }): number =>
      Array.from(values.dataSync()).reduce((sum, value, i) => sum + value * (perToken[i] as number), 0);
    const policyLoss = weighted(terms.policy);
    const kl = weighted(terms.kl);
    return { loss: policyLoss + KL_COEFFICIENT * kl, policyLoss, kl };
  });
}

const near = (actual: number, expected: number, what: string): void =>
  assert.ok(Math.abs(actual - expected) <= 2e-4 * Math.max(1, Math.abs(expected)), `${what}: ${actual}, ${expected}`);

// Single precision from the start: the tensor version has no other.
const logprob = fc.double({ min: -6, max: 0, noNaN: true }).map(Math.fround);
const sequence = fc.array(fc.tuple(logprob, logprob, logprob), { minLength: 1, maxLength: 6 });
const group = fc.array(fc.record({ sequence, reward: fc.constantFrom(0, 0.1, 0.9, 1) }), {
  minLength: 2,
  maxLength: 5,
});

test('the engine’s objective equals the plain one in both aggregations, groups without spread included', async () => {
  const property = fc.asyncProperty(group, async (rollouts) => {
    const batch: GrpoBatch = {
      logprobs: rollouts.map((rollout) => rollout.sequence.map(([own]) => own)),
      behaviourLogprobs: rollouts.map((rollout) => rollout.sequence.map(([, behaviour]) => behaviour)),
      referenceLogprobs: rollouts.map((rollout) => rollout.sequence.map(([, , reference]) => reference)),
      advantages: [...groupAdvantages(rollouts.map(({ reward }) => reward))].map(Math.fround),
    };
    for (const aggregation of AGGREGATIONS) {
      const plain = grpoObjective(batch, { ...CLIP, klCoefficient: KL_COEFFICIENT, aggregation });
      const tensor = await tensorObjective(batch, aggregation);
      for (const key of ['loss', 'policyLoss', 'kl'] as const) near(tensor[key], plain[key], `${aggregation} ${key}`);
    }
  });
  await fc.assert(property, { numRuns: 60 });
});

test('a group without spread trains on the KL term alone', async () => {
  const rows = [
    [-1, -2],
    [-0.5, -0.25],
  ];
  const batch: GrpoBatch = {
    logprobs: rows,
    behaviourLogprobs: rows,
    referenceLogprobs: rows.map((row) => row.map((value) => value - 0.5)),
    advantages: [...groupAdvantages([0.9, 0.9])],
  };
  for (const aggregation of AGGREGATIONS) {
    const { policyLoss, kl, loss } = await tensorObjective(batch, aggregation);
    assert.equal(Math.abs(policyLoss), 0);
    assert.ok(kl > 0);
    near(loss, KL_COEFFICIENT * kl, aggregation);
  }
});
