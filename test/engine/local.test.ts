import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { createLocalEngine } from '../../activities/engine/local.ts';
import type { CompletionScore, TrainItem } from '../../activities/engine/types.ts';
import { DEMO, TINY, runtime, temporaryFolder, writeBaseModel } from './support/models.ts';
import { rolloutsOf } from './support/rollouts.ts';

const OPTIONS = { learningRate: 1e-2 };

test('a model learns what is rewarded', async (t) => {
  const folder = await temporaryFolder(t);
  await writeBaseModel(folder, TINY);
  const engine = createLocalEngine();
  const lease = await engine.open({ path: folder });
  const share = (items: readonly TrainItem[]): number => {
    const tokens = items.flatMap((item) => item.completionTokens);
    return tokens.filter((token) => token === 7).length / tokens.length;
  };
  const before = share(await rolloutsOf(lease, 64, 99, TINY.vocabSize));
  for (let step = 0; step < 30; step++) {
    const items = await rolloutsOf(lease, 48, step, TINY.vocabSize);
    const rewards = items.map((item) => share([item]));
    const mean = rewards.reduce((sum, reward) => sum + reward, 0) / rewards.length;
    const rated = items.map((item, i) => ({ ...item, advantage: 4 * (rewards[i]! - mean) }));
    const metrics = await lease.trainStep(rated, { learningRate: 3e-3, klCoefficient: 0, microBatch: 16 });
    assert.equal(metrics.skipped, false);
  }
  const after = share(await rolloutsOf(lease, 64, 99, TINY.vocabSize));
  assert.ok(after > before + 0.3, `share of the rewarded token: ${before} before, ${after} after`);
  await engine.close();
});

test('training one lease does not touch another of the same model', async (t) => {
  const folder = await temporaryFolder(t);
  await writeBaseModel(folder, TINY);
  const engine = createLocalEngine();
  const [policy, reference] = [await engine.open({ path: folder }), await engine.open({ path: folder })];
  const items = await rolloutsOf(policy, 8, 1, TINY.vocabSize);
  const before = await reference.score(items);
  assert.equal(policy.modelId, reference.modelId);
  await policy.trainStep(items, OPTIONS);
  assert.notEqual(policy.modelId, reference.modelId);
  assert.deepEqual(await reference.score(items), before);
  assert.notDeepEqual(await policy.score(items), before);
  await engine.close();
});

test('metrics describe the step', async (t) => {
  const folder = await temporaryFolder(t);
  await writeBaseModel(folder, DEMO);
  const engine = createLocalEngine();
  const lease = await engine.open({ path: folder });
  // One of each group, so that there are no prompts to share.
  const items = (await rolloutsOf(lease, 80, 1, DEMO.vocabSize)).filter((_, i) => i % 4 === 0);
  const metrics = await lease.trainStep(items, { ...OPTIONS, microBatch: 6 });
  const lengths = items
    .map((item) => item.promptTokens.length + item.completionTokens.length - 1)
    .sort((a, b) => b - a);
  const padding = lengths.reduce((sum, length, i) => sum + lengths[i - (i % 6)]! - length, 0);
  assert.equal(
    metrics.tokens,
    items.reduce((sum, item) => sum + item.completionTokens.length, 0),
  );
  assert.equal(metrics.paddingTokens, padding);
  assert.ok(metrics.entropy > 0 && metrics.entropy < Math.log(DEMO.vocabSize));
  // The reference is 0.1 above the policy on every token: exp(0.1) - 0.1 - 1.
  assert.ok(Math.abs(metrics.kl - (Math.exp(0.1) - 1.1)) < 1e-5, `kl ${metrics.kl}`);
  assert.equal(metrics.clipFraction, 0);
  assert.ok(metrics.gradientNorm > 0 && metrics.seconds > 0 && metrics.memoryBytes > 1e6);
  assert.ok(metrics.peakMemoryBytes >= metrics.memoryBytes * 0.9, `${metrics.peakMemoryBytes}`);
  await engine.close();
});

test('the size of a micro-batch does not change the step beyond rounding', async (t) => {
  const folder = await temporaryFolder(t);
  await writeBaseModel(folder, TINY);
  const engine = createLocalEngine();
  const lease = await engine.open({ path: folder });
  const items = await rolloutsOf(lease, 20, 1, TINY.vocabSize);
  await lease.close();
  for (const aggregation of ['token-mean', 'sequence-mean'] as const) {
    const scores: CompletionScore[][] = [];
    for (const microBatch of [3, 20]) {
      const copy = await engine.open({ path: folder });
      await copy.trainStep(items, { ...OPTIONS, aggregation, microBatch });
      scores.push(await copy.score(items));
      await copy.close();
    }
    const [first, second] = scores.map((items) => items.flatMap(({ logprobs }) => logprobs));
    first!.forEach((value, i) => assert.ok(Math.abs(value - second![i]!) < 1e-3));
  }
  await engine.close();
});

test('fifty steps of sampling, scoring and training leave no tensor behind', async (t) => {
  const folder = await temporaryFolder(t);
  await writeBaseModel(folder, TINY);
  const { tf } = await runtime();
  const empty = tf.memory().numTensors;
  const engine = createLocalEngine();
  const lease = await engine.open({ path: folder });
  await lease.trainStep(await rolloutsOf(lease, 8, 0, TINY.vocabSize), OPTIONS);
  const before = tf.memory().numTensors;
  for (let step = 0; step < 50; step++) {
    await lease.trainStep(await rolloutsOf(lease, 8, step, TINY.vocabSize), OPTIONS);
    assert.equal(tf.memory().numTensors, before);
  }
  await engine.close();
  assert.equal(tf.memory().numTensors, empty);
});

test('opening a checkpoint whose weights are in memory reads no weights; a vanished file is noticed all the same', async (t) => {
  const folder = await temporaryFolder(t);
  await writeBaseModel(folder, TINY);
  const engine = createLocalEngine();
  const lease = await engine.open({ path: folder });
  const items = await rolloutsOf(lease, 8, 1, TINY.vocabSize);
  await lease.trainStep(items, OPTIONS);
  const record = await lease.checkpoint(join(folder, 'checkpoints'));
  const scores = await lease.score(items);
  await lease.trainStep(items, OPTIONS);
  await lease.close();

  const { tf } = await runtime();
  const buffers = tf.memory().numDataBuffers;
  const reopened = await engine.open({ path: record.path, expectId: record.id, withOptimizer: true });
  assert.equal(tf.memory().numDataBuffers, buffers, 'the tensors are shared');
  assert.deepEqual(await reopened.score(items), scores);
  await reopened.close();

  await rm(join(record.path, 'model.safetensors'));
  await assert.rejects(engine.open({ path: record.path, expectId: record.id }), { code: 'CheckpointCorrupt' });
  await engine.close();
});

test('a closed lease refuses every call, and closing twice is harmless', async (t) => {
  const folder = await temporaryFolder(t);
  await writeBaseModel(folder, TINY);
  const engine = createLocalEngine();
  const lease = await engine.open({ path: folder });
  await lease.close();
  await lease.close();
  await assert.rejects(lease.score([]), { code: 'EngineRequestInvalid' });
  await assert.rejects(lease.checkpoint(folder), { code: 'EngineRequestInvalid' });
  await engine.close();
});

test('a cancelled training step changes nothing', async (t) => {
  const folder = await temporaryFolder(t);
  await writeBaseModel(folder, TINY);
  const engine = createLocalEngine();
  const lease = await engine.open({ path: folder });
  const items = await rolloutsOf(lease, 8, 1, TINY.vocabSize);
  const { modelId } = lease;
  const controller = new AbortController();
  const call = { signal: controller.signal, onProgress: () => controller.abort() };
  await assert.rejects(lease.trainStep(items, { ...OPTIONS, microBatch: 4 }, call), { code: 'EngineCancelled' });
  assert.equal(lease.modelId, modelId);
  const record = await lease.checkpoint(join(folder, 'checkpoints'));
  assert.equal(record.optimizerStep, 0);
  await engine.close();
});

test('training requests out of range are refused by field, and change nothing', async (t) => {
  const folder = await temporaryFolder(t);
  await writeBaseModel(folder, TINY);
  const engine = createLocalEngine();
  const lease = await engine.open({ path: folder });
  const { modelId } = lease;
  const [item] = (await rolloutsOf(lease, 1, 1, TINY.vocabSize)) as [TrainItem];
  const cases: [string, TrainItem[], object][] = [
    ['items', [], {}],
    [
      'items[0].completionTokens',
      [{ ...item, completionTokens: [], behaviourLogprobs: [], referenceLogprobs: [] }],
      {},
    ],
    ['items[0].completionTokens', [{ ...item, completionTokens: item.completionTokens.map(() => 99) }], {}],
    ['items[0].behaviourLogprobs', [{ ...item, behaviourLogprobs: [] }], {}],
    ['items[0].referenceLogprobs', [{ ...item, referenceLogprobs: item.referenceLogprobs.map(() => NaN) }], {}],
    ['items[0].advantage', [{ ...item, advantage: Infinity }], {}],
    ['learningRate', [item], { learningRate: NaN }],
    ['clipLow', [item], { clipLow: 2 }],
  ];
  for (const [field, items, options] of cases) {
    await assert.rejects(
      lease.trainStep(items, { ...OPTIONS, ...options }),
      { code: 'EngineRequestInvalid', field },
      field,
    );
  }
  assert.equal(lease.modelId, modelId);
  await engine.close();
});
