import assert from 'node:assert/strict';
import { test } from 'node:test';
import { grpoStep, scoreCompletions } from '../../activities/engine/rollouts.ts';
import { createAdamW } from '../../activities/engine/adamw.ts';
import type { ModelConfig } from '../../activities/engine/config.ts';
import { crossEntropyStep } from '../../activities/engine/supervised.ts';
import { shareModel } from '../../activities/engine/weights.ts';
import type { Model } from '../../activities/engine/weights.ts';
import type { TrainItem } from '../../activities/engine/types.ts';
import { sequenceWeights } from '../../activities/engine/grpo-loss.ts';
import { sampleCompletions } from '../../activities/engine/sampler.ts';
import { TIED, TINY, makeModel, seedOf, storedWeights, tokensOf } from './support/models.ts';
import { referenceEntropies, referenceGrpo, referenceLogprobs } from './support/reference-model.ts';
import type { StoredWeights } from './support/reference-model.ts';

const STEP = 1e-5;

/** Central differences of a double-precision loss against every element of every stored tensor. */
function differences(
  weights: Map<string, Float64Array>,
  loss: (weights: StoredWeights) => number,
): Map<string, number[]> {
  const slopes = new Map<string, number[]>();
  for (const [name, values] of weights) {
    const slope = Array.from(values, (value, i) => {
      values[i] = value + STEP;
      const above = loss(weights);
      values[i] = value - STEP;
      const below = loss(weights);
      values[i] = value;
      return (above - below) / (2 * STEP);
    });
    slopes.set(name, slope);
  }
  return slopes;
}

/**
 * The engine's own gradient, read off one AdamW step: with beta1 = 0 the first moment is the (unclipped) gradient.
 */
function gradientsOf(model: Model, first: readonly { dataSync(): ArrayLike<number> }[]): Map<string, number[]> {
  const found = new Map<string, number[]>();
  for (const [index, spec] of model.specs.entries()) {
    const values = Array.from(first[index]!.dataSync());
    let offset = 0;
    for (const { name, shape } of spec.stored) {
      const size = shape.reduce((a, b) => a * b, 1);
      found.set(name, values.slice(offset, offset + size));
      offset += size;
    }
  }
  return found;
}

function assertClose(actual: Map<string, number[]>, expected: Map<string, number[]>): void {
  assert.deepEqual([...actual.keys()].sort(), [...expected.keys()].sort());
  for (const [name, slopes] of expected) {
    const largest = Math.max(...slopes.map(Math.abs));
    assert.ok(largest > 1e-6, `the loss does not depend on ${name}, so the test shows nothing`);
    for (const [i, slope] of slopes.entries()) {
      const error = Math.abs(actual.get(name)![i]! - slope);
      assert.ok(error <= 1e-4 * largest + 1e-7, `${name}[${i}]: ${actual.get(name)![i]} instead of ${slope}`);
    }
  }
}

const UNCLIPPED = { learningRate: 0, beta1: 0, gradientClip: 1e9 };

const CASES = [
  { shape: 'grouped-query, untied', config: TINY, aggregation: 'sequence-mean', temperature: 1 },
  { shape: 'multi-head, tied', config: TIED, aggregation: 'token-mean', temperature: 1 },
  { shape: 'grouped-query, untied', config: TINY, aggregation: 'token-mean', temperature: 0.6 },
  { shape: 'multi-head, tied', config: TIED, aggregation: 'sequence-mean', temperature: 1.7 },
] as const;

for (const { shape, config } of CASES.slice(0, 2)) {
  test(`cross-entropy gradients of every tensor equal finite differences (${shape})`, async () => {
    const model = await makeModel(config);
    const rows = [tokensOf(6, 1, config.vocabSize), tokensOf(4, 2, config.vocabSize)];
    const mask = [
      [0, 0, 1, 1, 0, 1],
      [0, 1, 1, 1],
    ];
    const expected = differences(storedWeights(model), (weights) => {
      let loss = 0;
      for (const [row, tokens] of rows.entries()) {
        const logprobs = referenceLogprobs(config, weights, tokens.slice(0, 1), tokens.slice(1));
        logprobs.forEach((logprob, t) => (loss -= (logprob * mask[row]![t + 1]!) / 6));
      }
      return loss;
    });
    const optimizer = createAdamW();
    crossEntropyStep(model, optimizer, rows, mask, UNCLIPPED);
    assertClose(gradientsOf(model, optimizer.first), expected);
  });
}

for (const { shape, config, aggregation, temperature } of CASES) {
  const what = `${shape}, ${aggregation}, temperature ${temperature}`;
  test(`GRPO gradients of every tensor equal finite differences (${what})`, async () => {
    const model = await makeModel(config);
    const items = rollouts(config, storedWeights(model), temperature);
    const weights = sequenceWeights(
      items.map((item) => item.completionTokens.length),
      aggregation,
    );
    const options = { ...UNCLIPPED, temperature, klCoefficient: 0.2, aggregation, microBatch: 2 };
    const lossOf = (stored: StoredWeights): number => grpoReference(config, stored, items, weights, 0.2, temperature);
    const expected = differences(storedWeights(model), lossOf);
    const optimizer = createAdamW();
    const metrics = await grpoStep(shareModel(model), optimizer, items, options);
    assertClose(gradientsOf(model, optimizer.first), expected);
    const loss = lossOf(storedWeights(model));
    assert.ok(Math.abs(metrics.loss - loss) < 1e-5, `${metrics.loss} instead of ${loss}`);
    // The clipped tokens that `rollouts` makes are really there.
    assert.ok(metrics.clipFraction > 0 && metrics.clipFraction < 1);
    const entropies = items.flatMap((item) =>
      referenceEntropies(config, storedWeights(model), item.promptTokens, item.completionTokens, temperature),
    );
    const entropy = entropies.reduce((sum, value) => sum + value, 0) / entropies.length;
    assert.ok(Math.abs(metrics.entropy - entropy) < 1e-5, `${metrics.entropy} instead of ${entropy}`);
  });
}

function grpoReference(
  config: ModelConfig,
  stored: StoredWeights,
  items: readonly TrainItem[],
  weights: readonly number[],
  klCoefficient: number,
  temperature: number,
): number {
  let loss = 0;
  for (const [index, item] of items.entries()) {
    const logprobs = referenceLogprobs(config, stored, item.promptTokens, item.completionTokens, temperature);
    for (const [t, logprob] of logprobs.entries()) {
      const { policy, kl } = referenceGrpo(
        {
          logprob,
          behaviour: item.behaviourLogprobs[t]!,
          reference: item.referenceLogprobs[t]!,
          advantage: item.advantage,
        },
        { clipLow: 0.2, clipHigh: 0.3, dualClip: 3 },
      );
      loss += weights[index]! * (policy + klCoefficient * kl);
    }
  }
  return loss;
}

/** Rollouts with ratios inside and outside both bounds, for advantages of both signs. */
function rollouts(config: ModelConfig, weights: StoredWeights, temperature: number): TrainItem[] {
  return [3, 5, 2].map((length, index) => {
    const promptTokens = tokensOf(2 + index, index, config.vocabSize);
    const completionTokens = tokensOf(length, index + 4, config.vocabSize);
    const logprobs = referenceLogprobs(config, weights, promptTokens, completionTokens, temperature);
    const shift = [0.05, -0.6, 0.6, -1.5, 0.1];
    return {
      promptTokens,
      completionTokens,
      behaviourLogprobs: logprobs.map((logprob, t) => logprob + shift[(t + index) % 5]!),
      referenceLogprobs: logprobs.map((logprob, t) => logprob + 0.3 * Math.sin(t + index)),
      advantage: index % 2 === 0 ? 0.8 : -1.1,
    };
  });
}

test('scores equal a double-precision forward pass, whatever the lengths', async () => {
  const model = await makeModel(TINY);
  const weights = storedWeights(model);
  const items = Array.from({ length: 9 }, (_, i) => ({
    promptTokens: tokensOf(1 + ((i * 5) % 7), i, TINY.vocabSize),
    completionTokens: tokensOf((i * 3) % 8, i + 1, TINY.vocabSize),
  }));
  for (const temperature of [1, 0.6, 2.5]) {
    const scores = await scoreCompletions(model, items, { temperature });
    for (const [index, { promptTokens, completionTokens }] of items.entries()) {
      const { logprobs, entropies } = scores[index]!;
      const expected = referenceLogprobs(TINY, weights, promptTokens, completionTokens, temperature);
      assert.equal(logprobs.length, completionTokens.length);
      expected.forEach((value, t) => assert.ok(Math.abs(logprobs[t]! - value) < 1e-5));
      assert.equal(entropies.length, completionTokens.length);
      const open = referenceEntropies(TINY, weights, promptTokens, completionTokens, temperature);
      open.forEach((value, t) => assert.ok(Math.abs(entropies[t]! - value) < 1e-5, `${entropies[t]}, not ${value}`));
    }
  }
  for (const temperature of [0, -1, 0.001, NaN, Infinity]) {
    const wrong = { code: 'EngineRequestInvalid', field: 'temperature' };
    await assert.rejects(scoreCompletions(model, items, { temperature }), wrong);
  }
});

test('what is sampled at a temperature is on-policy at that temperature, and at no other', async () => {
  const model = await makeModel(TINY);
  const prompts = Array.from({ length: 8 }, (_, i) => ({ promptTokens: [1, 3 + i], seed: seedOf(i) }));
  const params = { maxTokens: 10, temperature: 0.6, stopTokens: [] };
  const sampled = await sampleCompletions(model, { items: prompts, params });
  const items = prompts.map(({ promptTokens }, i) => ({
    promptTokens,
    completionTokens: sampled[i]!.tokens,
    behaviourLogprobs: sampled[i]!.logprobs,
    referenceLogprobs: sampled[i]!.logprobs,
    advantage: (i % 3) - 1,
  }));
  const step = (temperature: number) =>
    grpoStep(shareModel(model), createAdamW(), items, { ...UNCLIPPED, temperature });
  const own = await step(0.6);
  assert.equal(own.clipFraction, 0);
  assert.ok(Math.abs(own.kl) < 1e-6, String(own.kl));
  const other = await step(1);
  assert.ok(other.clipFraction > 0.1 && other.kl > 0.01, JSON.stringify(other));
});
