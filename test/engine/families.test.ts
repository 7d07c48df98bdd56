import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createAdamW } from '../../activities/engine/adamw.ts';
import { parseModelConfig } from '../../activities/engine/config.ts';
import { FAMILIES } from '../../activities/engine/families/index.ts';
import { loadModelFolder } from '../../activities/engine/model-folder.ts';
import { grpoStep } from '../../activities/engine/rollouts.ts';
import { ropeTables } from '../../activities/engine/rope.ts';
import { openSafetensors } from '../../activities/engine/safetensors.ts';
import { sampleCompletions } from '../../activities/engine/sampler.ts';
import type { TrainItem } from '../../activities/engine/types.ts';
import { storedTensors } from '../../activities/engine/weights.ts';
import type { Model } from '../../activities/engine/weights.ts';
import { largestDifference, logitsOf } from './support/logits.ts';
import { runtime, seedOf } from './support/models.ts';

const folder = (name: string): string => fileURLToPath(new URL(`fixtures/families/${name}`, import.meta.url));

interface Expected {
  tokens: number[];
  logits: number[][];
  options: { clipLow: number; clipHigh: number; dualClip: number; klCoefficient: number };
  items: TrainItem[];
  loss: number;
}

async function load(name: string): Promise<{ model: Model; expected: Expected }> {
  const { model } = await loadModelFolder(await runtime(), { path: folder(name) });
  return { model, expected: JSON.parse(await readFile(join(folder(name), 'expected.json'), 'utf8')) as Expected };
}

for (const { name } of FAMILIES) {
  test(`logits of a ${name} model are those of PyTorch`, async (t) => {
    const { model, expected } = await load(name);
    assert.equal(model.config.family ?? 'llama', name);
    const difference = largestDifference(logitsOf(model, expected.tokens), expected.logits);
    t.diagnostic(`largest difference of ${expected.logits.flat().length} logits: ${difference.toExponential(1)}`);
    assert.ok(difference <= 1e-4, String(difference));
  });

  test(`the GRPO gradient of every parameter of a ${name} model is PyTorch's`, async (t) => {
    const { model, expected } = await load(name);
    const optimizer = createAdamW();
    // With beta1 = 0 the first moment is the gradient.
    const options = { ...expected.options, learningRate: 0, beta1: 0, gradientClip: 1e9, microBatch: 2 };
    const metrics = await grpoStep(model, optimizer, expected.items, options);
    assert.ok(Math.abs(metrics.loss - expected.loss) < 1e-5, `${metrics.loss} instead of ${expected.loss}`);
    const file = await openSafetensors(join(folder(name), 'gradients.safetensors'));
    const names = new Set(file.entries.keys());
    let worst = 0;
    for (const { name, data } of storedTensors(model.specs, optimizer.first)) {
      const slopes = await file.read(name);
      names.delete(name);
      const largest = Math.max(...slopes.map(Math.abs));
      assert.ok(largest > 1e-6, `the loss does not depend on ${name}`);
      const error = Math.max(...slopes.map((slope, i) => Math.abs(data[i]! - slope)));
      assert.ok(error <= 1e-3 * largest, `${name}: ${error} of ${largest}`);
      worst = Math.max(worst, error / largest);
    }
    await file.close();
    assert.deepEqual([...names], []);
    t.diagnostic(`largest relative difference of a parameter: ${worst.toExponential(1)}`);
  });

  test(`cached decoding of a ${name} model is greedy on PyTorch's logits`, async () => {
    const { model, expected } = await load(name);
    const prompt = expected.tokens.slice(0, 12);
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
  });
}

test('logits under every published scaling of the rotary embedding are those of PyTorch', async (t) => {
  const { model } = await load('llama');
  const text = await readFile(join(folder('llama'), 'config.json'), 'utf8');
  const rope = JSON.parse(await readFile(folder('rope.json'), 'utf8')) as {
    tokens: number[];
    first: number;
    cases: { rope_parameters: { rope_type: string }; logits: number[][] }[];
  };
  const plain = logitsOf(model, rope.tokens).slice(rope.first);
  for (const { rope_parameters, logits } of rope.cases) {
    const json = JSON.parse(text) as Record<string, unknown>;
    for (const changes of [
      { rope_parameters },
      { rope_parameters: undefined, rope_theta: 500, rope_scaling: rope_parameters },
    ]) {
      const config = parseModelConfig(JSON.stringify({ ...json, ...changes }));
      const scaled = { ...model, config, rope: ropeTables(config) };
      const difference = largestDifference(logitsOf(scaled, rope.tokens).slice(rope.first), logits);
      assert.ok(difference <= 1e-4, `${JSON.stringify(rope_parameters)}: ${difference}`);
      assert.ok(largestDifference(plain, logits) > 0.05, 'the scaling changes nothing, so the test shows nothing');
      t.diagnostic(`${rope_parameters.rope_type}: ${difference.toExponential(1)}`);
    }
  }
});
