import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyAdamW, createAdamW, validateAdamW } from '../../activities/engine/adamw.ts';
import type { AdamWOptions } from '../../activities/engine/adamw.ts';
import type { Model } from '../../activities/engine/weights.ts';
import { runtime } from './support/models.ts';

/** Two small tensors instead of a model's; the optimizer looks at nothing else. */
async function twoTensors(first: number[], second: number[]): Promise<Model> {
  const { tf, ...rest } = await runtime();
  return { runtime: { tf, ...rest }, tensors: [tf.tensor1d(first), tf.tensor1d(second)] } as unknown as Model;
}

const read = (model: Model): number[][] => model.tensors.map((tensor) => Array.from(tensor.dataSync()));

function assertNear(actual: number[][], expected: number[][], tolerance = 1e-6): void {
  expected.flat().forEach((value, i) => {
    const error = Math.abs(actual.flat()[i]! - value);
    assert.ok(error <= tolerance * Math.max(1, Math.abs(value)), `${actual.flat()[i]} instead of ${value}`);
  });
}

test('three steps equal the formulas worked out in double precision', async () => {
  const options: AdamWOptions = {
    learningRate: 0.05,
    beta1: 0.8,
    beta2: 0.95,
    epsilon: 1e-3,
    weightDecay: 0.1,
    gradientClip: 1,
  };
  const weights = [1, -2, 0.5];
  const first = [0, 0, 0];
  const second = [0, 0, 0];
  const model = await twoTensors([1, -2], [0.5]);
  const { tf } = model.runtime;
  const optimizer = createAdamW();
  const steps = [
    [3, -1, 0.5],
    [-0.1, 0.2, 0.3],
    [0, 2, -4],
  ];
  for (const [index, gradient] of steps.entries()) {
    const norm = Math.hypot(...gradient);
    const scale = Math.min(1, 1 / (norm + 1e-6));
    for (const [i, raw] of gradient.entries()) {
      const g = raw * scale;
      first[i] = 0.8 * first[i]! + 0.2 * g;
      second[i] = 0.95 * second[i]! + 0.05 * g * g;
      const mean = first[i] / (1 - 0.8 ** (index + 1));
      const variance = second[i] / (1 - 0.95 ** (index + 1));
      weights[i] = weights[i]! * (1 - 0.05 * 0.1) - (0.05 * mean) / (Math.sqrt(variance) + 1e-3);
    }
    const gradients = [tf.tensor1d(gradient.slice(0, 2)), tf.tensor1d(gradient.slice(2))];
    const result = applyAdamW(model, optimizer, gradients, options);
    assert.ok(Math.abs(result.gradientNorm - norm) < 1e-5);
    assert.equal(result.skipped, false);
    assertNear(read(model), [weights]);
  }
  assert.equal(optimizer.step, 3);
});

for (const bad of [NaN, Infinity]) {
  test(`a gradient of ${bad} skips the update and changes nothing`, async () => {
    const model = await twoTensors([1, 2], [3]);
    const { tf } = model.runtime;
    const optimizer = createAdamW();
    applyAdamW(model, optimizer, [tf.tensor1d([1, 1]), tf.tensor1d([1])], { learningRate: 0.1 });
    const before = { weights: read(model), first: optimizer.first.map((m) => Array.from(m.dataSync())) };
    const result = applyAdamW(model, optimizer, [tf.tensor1d([1, bad]), tf.tensor1d([1])], { learningRate: 0.1 });
    assert.equal(result.skipped, true);
    assert.deepEqual({ weights: read(model), first: optimizer.first.map((m) => Array.from(m.dataSync())) }, before);
    assert.equal(optimizer.step, 1);
  });
}

test('options out of range are refused by name', () => {
  const cases = { learningRate: -1, beta1: 1, beta2: NaN, epsilon: 0, weightDecay: -0.1, gradientClip: 0 };
  for (const [field, value] of Object.entries(cases)) {
    assert.throws(() => validateAdamW({ learningRate: 1e-3, [field]: value }), { code: 'EngineRequestInvalid', field });
  }
});
