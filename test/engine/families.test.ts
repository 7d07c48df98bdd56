import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseModelConfig } from '../../activities/engine/config.ts';
import { FAMILIES } from '../../activities/engine/families/index.ts';
import { loadModelFolder } from '../../activities/engine/model-folder.ts';
import { ropeTables } from '../../activities/engine/rope.ts';
import type { Model } from '../../activities/engine/weights.ts';
import { largestDifference, logitsOf } from './support/logits.ts';
import { assertGradients, assertGreedyDecoding } from './support/pytorch.ts';
import type { Expected } from './support/pytorch.ts';
import { runtime } from './support/models.ts';

const folder = (name: string): string => fileURLToPath(new URL(`fixtures/families/${name}`, import.meta.url));

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
    const worst = await assertGradients(model, expected, join(folder(name), 'gradients.safetensors'));
    t.diagnostic(`largest relative difference of a parameter: ${worst.toExponential(1)}`);
  });

  test(`cached decoding of a ${name} model is greedy on PyTorch's logits`, async () => {
    const { model, expected } = await load(name);
    await assertGreedyDecoding(model, expected.tokens.slice(0, 12));
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
