import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { addAdapters, addNewAdapters } from '../../activities/engine/adapter-model.ts';
import { ADAPTER_CONFIG, parseAdapterConfig } from '../../activities/engine/adapter-config.ts';
import { createAdamW } from '../../activities/engine/adamw.ts';
import { FAMILIES } from '../../activities/engine/families/index.ts';
import { TARGET_MODULES, resolveLora } from '../../activities/engine/lora.ts';
import type { LoraOptions } from '../../activities/engine/lora.ts';
import { loadModelFolder } from '../../activities/engine/model-folder.ts';
import { grpoStep, scoreCompletions } from '../../activities/engine/rollouts.ts';
import { openSafetensors } from '../../activities/engine/safetensors.ts';
import { disposeModel, storedTensors } from '../../activities/engine/weights.ts';
import type { Model } from '../../activities/engine/weights.ts';
import { largestDifference, logitsOf } from './support/logits.ts';
import { assertGradients, assertGreedyDecoding } from './support/pytorch.ts';
import type { Expected } from './support/pytorch.ts';
import { TINY, makeAdapted, makeModel, runtime, seedOf, tokensOf } from './support/models.ts';

const fixture = (path: string): string => fileURLToPath(new URL(`fixtures/${path}`, import.meta.url));

/** A tiny random model with adapters that `peft` has saved, and what PyTorch computes with both. */
async function load(name: string): Promise<{ model: Model; expected: Expected }> {
  const { model: base } = await loadModelFolder(await runtime(), { path: fixture(`families/${name}`) });
  const folder = fixture(`lora/${name}`);
  const lora = parseAdapterConfig(await readFile(join(folder, ADAPTER_CONFIG)));
  const file = await openSafetensors(join(folder, 'adapter_model.safetensors'));
  const model = await addAdapters(base, lora, {
    names: file.entries.keys(),
    sizeOf: (key) => file.sizeOf(key),
    read: (key, into, from) => file.readInto(key, into, from),
  });
  await file.close();
  return { model, expected: JSON.parse(await readFile(join(folder, 'expected.json'), 'utf8')) as Expected };
}

for (const { name } of FAMILIES) {
  test(`logits of a ${name} model with adapters are those of peft`, async (t) => {
    const { model, expected } = await load(name);
    const difference = largestDifference(logitsOf(model, expected.tokens), expected.logits);
    t.diagnostic(`largest difference of ${expected.logits.flat().length} logits: ${difference.toExponential(1)}`);
    assert.ok(difference <= 1e-4, String(difference));
    const { model: base } = await loadModelFolder(await runtime(), { path: fixture(`families/${name}`) });
    const moved = largestDifference(logitsOf(base, expected.tokens), expected.logits);
    assert.ok(moved > 0.5, 'the adapters change nothing, so the test shows nothing');
  });

  for (const recompute of ['never', 'always'] as const) {
    test(`the GRPO gradient of every adapter of a ${name} model is PyTorch's, and nothing else has one (recomputation: ${recompute})`, async (t) => {
      const { model, expected } = await load(name);
      const worst = await assertGradients(model, expected, join(fixture(`lora/${name}`), 'gradients.safetensors'), {
        recompute,
      });
      t.diagnostic(`largest relative difference of a parameter: ${worst.toExponential(1)}`);
    });
  }

  test(`cached decoding of a ${name} model with adapters is greedy on peft's logits`, async () => {
    const { model, expected } = await load(name);
    await assertGreedyDecoding(model, expected.tokens.slice(0, 12));
  });
}

test('new adapters change nothing, are drawn within ±1/sqrt(in) from their seed, and learn', async () => {
  const lora = resolveLora({ r: 4, loraAlpha: 8 });
  const make = async (seed: string): Promise<Model> => addNewAdapters(await makeModel(TINY), lora, seed);
  const valuesOf = (model: Model): Map<string, Float32Array> =>
    new Map([...storedTensors(model.specs, model.tensors)].map(({ name, data }) => [name, data.slice()]));
  const model = await make(seedOf(1));
  const tokens = tokensOf(20, 1, TINY.vocabSize);
  assert.deepEqual(logitsOf(model, tokens), logitsOf(await makeModel(TINY), tokens));

  const values = valuesOf(model);
  assert.equal(values.size, TINY.layers * TARGET_MODULES.length * 2);
  for (const [name, data] of values) {
    if (name.endsWith('lora_B.weight')) assert.ok(data.every((x) => x === 0));
    else {
      const bound = 1 / Math.sqrt(data.length / lora.r);
      assert.ok(data.every((x) => Math.abs(x) <= bound) && Math.max(...data) > bound / 2, name);
    }
  }
  assert.deepEqual(valuesOf(await make(seedOf(1))), values);
  const [first] = [...values.keys()];
  assert.notDeepEqual(valuesOf(await make(seedOf(2))).get(first!), values.get(first!));

  const items = [1, 2, 3].map((salt) => ({
    promptTokens: tokensOf(3, salt, TINY.vocabSize),
    completionTokens: tokensOf(6, salt + 3, TINY.vocabSize),
  }));
  const score = async (): Promise<number[][]> => (await scoreCompletions(model, items)).map(({ logprobs }) => logprobs);
  const before = await score();
  const rollouts = items.map((item, i) => ({
    ...item,
    behaviourLogprobs: before[i]!,
    referenceLogprobs: before[i]!,
    advantage: 1,
  }));
  const optimizer = createAdamW();
  for (let step = 0; step < 5; step++)
    await grpoStep(model, optimizer, rollouts, { learningRate: 0.02, clipHigh: 100 });
  const sum = (scores: number[][]): number => scores.flat().reduce((a, b) => a + b, 0);
  assert.ok(sum(await score()) > sum(before) + 1);
});

test('only adapters have moments, and a step leaves the weights beneath as they were', async () => {
  const model = await makeAdapted(TINY, { r: 2, loraAlpha: 2, targetModules: ['q_proj', 'down_proj'] });
  const valuesOf = (tensors: Model['tensors']): number[][] => tensors.map((tensor) => Array.from(tensor.dataSync()));
  const [frozen, trained] = [valuesOf(model.frozen), valuesOf(model.tensors)];
  const optimizer = createAdamW();
  const item = {
    promptTokens: [3, 4],
    completionTokens: [5, 6, 7],
    behaviourLogprobs: [-1, -1, -1],
    referenceLogprobs: [-1, -1, -1],
    advantage: 1,
  };
  await grpoStep(model, optimizer, [item], { learningRate: 0.1, weightDecay: 0.5 });
  assert.deepEqual(valuesOf(model.frozen), frozen);
  for (const [index, values] of valuesOf(model.tensors).entries()) assert.notDeepEqual(values, trained[index]);
  // Two matrices in each of two layers, two factors of each.
  assert.equal(optimizer.first.length, 8);
  assert.deepEqual(
    optimizer.second.map(({ shape }) => shape),
    model.specs.map(({ shape }) => shape),
  );
  disposeModel(model);
});

test('models on different weights take turns without mixing them up', async () => {
  const lora = { r: 2, loraAlpha: 2 };
  const models = [await makeAdapted(TINY, lora, seedOf(1)), await makeAdapted(TINY, lora, seedOf(2))];
  const items = [{ promptTokens: [3, 4], completionTokens: [5, 6, 7] }];
  const score = async (model: Model): Promise<number[]> => [...(await scoreCompletions(model, items))[0]!.logprobs];
  const [first, second] = [await score(models[0]!), await score(models[1]!)];
  assert.notDeepEqual(first, second);
  assert.deepEqual([await score(models[0]!), await score(models[1]!)], [first, second]);
  assert.deepEqual(await score(await makeAdapted(TINY, lora, seedOf(1))), first);
});

test('settings that make no sense are refused, and the field is named', () => {
  const refused: [object, string][] = [
    [{ r: 0, loraAlpha: 1 }, 'lora.r'],
    [{ r: 2.5, loraAlpha: 1 }, 'lora.r'],
    [{ r: 2, loraAlpha: 0 }, 'lora.loraAlpha'],
    [{ r: 2, loraAlpha: Number.NaN }, 'lora.loraAlpha'],
    [{ r: 2, loraAlpha: 1, targetModules: [] }, 'lora.targetModules'],
    [{ r: 2, loraAlpha: 1, targetModules: ['lm_head'] }, 'lora.targetModules'],
  ];
  for (const [options, field] of refused) {
    assert.throws(() => resolveLora(options as LoraOptions), { code: 'EngineRequestInvalid', field });
  }
});

test('settings of peft that compute something else are refused, not passed over', async () => {
  const text = await readFile(join(fixture('lora/llama'), ADAPTER_CONFIG), 'utf8');
  const fields = JSON.parse(text) as Record<string, unknown>;
  const refused: [string, unknown][] = [
    ['use_dora', true],
    ['use_rslora', true],
    ['rank_pattern', { q_proj: 8 }],
    ['modules_to_save', ['lm_head']],
    ['bias', 'all'],
    ['peft_type', 'IA3'],
    ['target_modules', ['q_proj', 'embed_tokens']],
    ['r', 0],
  ];
  for (const [field, value] of refused) {
    const bytes = Buffer.from(JSON.stringify({ ...fields, [field]: value }));
    assert.throws(() => parseAdapterConfig(bytes), { code: 'ModelUnreadable', field });
  }
});
