import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../support/properties.ts';
import { grpoBounds, grpoTerms, sequenceWeights, validateGrpo } from '../../activities/engine/grpo-loss.ts';
import type { GrpoOptions } from '../../activities/engine/grpo-loss.ts';
import { runtime } from './support/models.ts';
import { referenceGrpo } from './support/reference-model.ts';

interface Token {
  logprob: number;
  behaviour: number;
  reference: number;
  advantage: number;
}

async function terms(tokens: readonly Token[], options: GrpoOptions) {
  const { tf } = await runtime();
  const vector = (field: keyof Token) => tf.tensor1d(tokens.map((token) => token[field]));
  const { policy, kl, clipped } = grpoTerms(
    tf,
    {
      logprobs: vector('logprob'),
      behaviour: vector('behaviour'),
      reference: vector('reference'),
      advantages: vector('advantage'),
    },
    grpoBounds(options),
  );
  return [policy, kl, clipped].map((tensor) => Array.from(tensor.dataSync())) as [number[], number[], number[]];
}

const PAPER = { clipLow: 0.2, clipHigh: 0.3, dualClip: 3 };

test('policy loss and KL equal the published values of the reference implementation', async () => {
  const atRatio = (ratio: number, advantage: number): Token => ({
    logprob: Math.log(ratio),
    behaviour: 0,
    reference: Math.log(ratio),
    advantage,
  });
  const cases = [
    [1.31, 1, -1.3],
    [2, 1, -1.3],
    [0.5, 1, -0.5],
    [0.5, -1, 0.8],
    [1.5, -1, 1.5],
    [3, -1, 3],
    [50, -1, 3],
  ] as const;
  const [policy] = await terms(
    cases.map(([ratio, advantage]) => atRatio(ratio, advantage)),
    PAPER,
  );
  cases.forEach(([, , expected], i) => assert.ok(Math.abs(policy[i]! - expected) < 1e-5, `${policy[i]} for case ${i}`));

  const [, kl] = await terms(
    [
      { logprob: -1, behaviour: -1, reference: -1.5, advantage: 0 },
      { logprob: -1.5, behaviour: -1.5, reference: -1, advantage: 0 },
      { logprob: -3, behaviour: -3, reference: -0.1, advantage: 0 },
    ],
    PAPER,
  );
  [0.10653065971263342, 0.1487212707001282, 10].forEach((value, i) => assert.ok(Math.abs(kl[i]! - value) < 1e-5));
});

test('every token equals a plain implementation, for any settings', async () => {
  const { tf } = await runtime();
  const logprob = fc.double({ min: -30, max: 0, noNaN: true });
  const token = fc.record({
    logprob,
    behaviour: logprob,
    reference: logprob,
    advantage: fc.double({ min: -4, max: 4, noNaN: true }),
  });
  const options = fc.record({
    clipLow: fc.constantFrom(0, 0.1, 0.2),
    clipHigh: fc.constantFrom(0, 0.2, 0.3),
    dualClip: fc.constantFrom(0, 2, 3),
  });
  const property = fc.asyncProperty(
    fc.array(token, { minLength: 1, maxLength: 12 }),
    options,
    async (tokens, options) => {
      const single = tokens.map((t) => ({
        logprob: Math.fround(t.logprob),
        behaviour: Math.fround(t.behaviour),
        reference: Math.fround(t.reference),
        advantage: Math.fround(t.advantage),
      }));
      tf.engine().startScope();
      const [policy, kl] = await terms(single, options);
      tf.engine().endScope();
      for (const [i, t] of single.entries()) {
        const expected = referenceGrpo(t, options);
        const near = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-4 * Math.max(1, Math.abs(b));
        assert.ok(near(policy[i]!, expected.policy), `policy ${policy[i]} instead of ${expected.policy}`);
        assert.ok(near(kl[i]!, expected.kl), `kl ${kl[i]} instead of ${expected.kl}`);
      }
    },
  );
  await fc.assert(property, { numRuns: 100 });
});

test('on-policy nothing is clipped and the loss is minus the advantage', async () => {
  const tokens = [0.7, -0.7, 0].map((advantage) => ({ logprob: -1.3, behaviour: -1.3, reference: -1.3, advantage }));
  const [policy, kl, clipped] = await terms(tokens, PAPER);
  tokens.forEach(({ advantage }, i) => assert.ok(Math.abs(policy[i]! + advantage) < 1e-6));
  assert.deepEqual(
    [kl, clipped],
    [
      [0, 0, 0],
      [0, 0, 0],
    ],
  );
});

test('weights of a batch sum to one over its tokens', () => {
  const lengths = [1, 4, 7];
  for (const aggregation of ['token-mean', 'sequence-mean'] as const) {
    const weights = sequenceWeights(lengths, aggregation);
    const total = weights.reduce((sum, weight, i) => sum + weight * lengths[i]!, 0);
    assert.ok(Math.abs(total - 1) < 1e-12);
  }
  assert.deepEqual(sequenceWeights([1, 3], 'token-mean'), [1 / 4, 1 / 4]);
  assert.deepEqual(sequenceWeights([1, 4], 'sequence-mean'), [1 / 2, 1 / 8]);
});

test('settings out of range are refused by name', () => {
  const cases = {
    temperature: 0,
    clipLow: 1,
    clipHigh: -0.1,
    dualClip: 0.5,
    klCoefficient: NaN,
    microBatch: 0,
    aggregation: 'sum',
  };
  for (const [field, value] of Object.entries(cases)) {
    assert.throws(() => validateGrpo({ learningRate: 1e-3, [field]: value }), { code: 'EngineRequestInvalid', field });
  }
});
