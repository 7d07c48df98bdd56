/** What PyTorch computes with a tiny random model, and the checks that hold a model of ours against it. */
import assert from 'node:assert/strict';
import { createAdamW } from '../../../activities/engine/adamw.ts';
import { grpoStep } from '../../../activities/engine/rollouts.ts';
import { openSafetensors } from '../../../activities/engine/safetensors.ts';
import { sampleCompletions } from '../../../activities/engine/sampler.ts';
import type { TrainItem, TrainOptions } from '../../../activities/engine/types.ts';
import { storedTensors } from '../../../activities/engine/weights.ts';
import type { Model } from '../../../activities/engine/weights.ts';
import { logitsOf } from './logits.ts';
import { seedOf } from './models.ts';

export interface Expected {
  tokens: number[];
  logits: number[][];
  options: { clipLow: number; clipHigh: number; dualClip: number; klCoefficient: number };
  items: TrainItem[];
  loss: number;
}

/**
 * Every parameter that has a gradient, and no other, has that of the file.
 *
 * @returns largest difference, of a parameter's largest gradient
 */
export async function assertGradients(
  model: Model,
  expected: Expected,
  path: string,
  change: Pick<TrainOptions, 'recompute'> = {},
): Promise<number> {
  const optimizer = createAdamW();
  // With beta1 = 0 the first moment is the gradient.
  const options = { ...expected.options, learningRate: 0, beta1: 0, gradientClip: 1e9, microBatch: 2, ...change };
  const metrics = await grpoStep(model, optimizer, expected.items, options);
  assert.ok(Math.abs(metrics.loss - expected.loss) < 1e-5, `${metrics.loss} instead of ${expected.loss}`);
  const file = await openSafetensors(path);
  const names = new Set(file.entries.keys());
  let worst = 0;
  for (const { name, data } of storedTensors(model.specs, optimizer.first)) {
    const slopes = await file.read(name);
    assert.ok(names.delete(name), name);
    const largest = Math.max(...slopes.map(Math.abs));
    assert.ok(largest > 1e-6, `the loss does not depend on ${name}`);
    const error = Math.max(...slopes.map((slope, i) => Math.abs(data[i]! - slope)));
    assert.ok(error <= 1e-3 * largest, `${name}: ${error} of ${largest}`);
    worst = Math.max(worst, error / largest);
  }
  await file.close();
  assert.deepEqual([...names], []);
  return worst;
}

/** Cached decoding takes the most likely token of the full forward pass, 20 times. */
export async function assertGreedyDecoding(model: Model, prompt: readonly number[]): Promise<void> {
  const [completion] = await sampleCompletions(model, {
    items: [{ promptTokens: prompt, seed: seedOf(1) }],
    params: { maxTokens: 20, temperature: 0, stopTokens: [] },
  });
  const tokens = [...prompt, ...completion!.tokens];
  const logits = logitsOf(model, tokens);
  for (const [step, token] of completion!.tokens.entries()) {
    const row = logits[prompt.length - 1 + step]!;
    assert.equal(token, row.indexOf(Math.max(...row)));
  }
}
