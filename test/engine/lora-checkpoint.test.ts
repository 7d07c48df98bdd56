import assert from 'node:assert/strict';
import { cp, readFile, readdir, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { readCheckpointManifest, verifyCheckpoint } from '../../activities/engine/checkpoint.ts';
import { createLocalEngine } from '../../activities/engine/local.ts';
import { loadModelFolder } from '../../activities/engine/model-folder.ts';
import { openSafetensors } from '../../activities/engine/safetensors.ts';
import type { CheckpointRecord, CompletionScore, Engine } from '../../activities/engine/types.ts';
import { LORA, familyCheckpoint, trainOnce, trainedAdapters } from './support/adapted.ts';
import { runtime, temporaryFolder, tokensOf } from './support/models.ts';

const ITEMS = [{ promptTokens: tokensOf(4, 1, 29), completionTokens: tokensOf(8, 2, 29) }];

async function made(
  t: TestContext,
): Promise<{ root: string; engine: Engine; base: CheckpointRecord; record: CheckpointRecord }> {
  const root = await temporaryFolder(t);
  // Without the cache, or the files would never be read.
  const engine = createLocalEngine({ cacheBytes: 0 });
  t.after(() => engine.close());
  const { base, record } = await trainedAdapters(engine, 'qwen3', root);
  return { root, engine, base, record };
}

test('train two steps equals train one, save, load, train one: adapters, moments and id', async (t) => {
  const root = await temporaryFolder(t);
  const engine = createLocalEngine({ cacheBytes: 0 });
  const base = await familyCheckpoint('llama', root);
  const whole = await engine.open({ path: base.path, expectId: base.id, lora: LORA });
  await trainOnce(whole, 1);
  const middle = await whole.checkpoint(root);
  await trainOnce(whole, 2);
  const end = await whole.checkpoint(root);

  const resumed = await engine.open({ path: middle.path, expectId: middle.id, withOptimizer: true, lora: LORA });
  await trainOnce(resumed, 2);
  const again = await resumed.checkpoint(root);
  assert.equal(again.id, end.id);
  assert.equal(resumed.modelId, whole.modelId);
  assert.deepEqual([middle.optimizerStep, end.optimizerStep], [1, 2]);

  const fresh = await engine.open({ path: middle.path, expectId: middle.id });
  await trainOnce(fresh, 2);
  assert.notEqual(fresh.modelId, whole.modelId, 'a fresh optimizer takes another step');
  await engine.close();
});

test('a checkpoint of adapters holds these and their moments, and names what they lie on', async (t) => {
  const { engine, base, record } = await made(t);
  assert.deepEqual((await readdir(record.path)).sort(), [
    'adapter_config.json',
    'adapter_model.safetensors',
    'manifest.json',
    'optimizer.safetensors',
  ]);
  assert.equal(record.base, base.id);
  assert.deepEqual(await verifyCheckpoint(record.path), record);
  const { manifest } = (await readCheckpointManifest(record.path, record.id))!;
  const { manifest: beneath } = (await readCheckpointManifest(base.path, base.id))!;
  assert.deepEqual([manifest.formatVersion, manifest.base], [2, { id: base.id, modelId: beneath.modelId }]);
  const file = await openSafetensors(join(record.path, 'adapter_model.safetensors'));
  assert.ok(file.entries.has('base_model.model.model.layers.1.mlp.down_proj.lora_B.weight'));
  await file.close();

  const opened = await engine.open({ path: record.path, expectId: record.id });
  assert.equal(opened.modelId, manifest.modelId);
  assert.notEqual(opened.modelId, beneath.modelId);
});

test('new adapters score as the model beneath, stored ones as they were trained, with or without being asked for', async (t) => {
  const root = await temporaryFolder(t);
  const engine = createLocalEngine({ cacheBytes: 0 });
  const { base, record, lease } = await trainedAdapters(engine, 'qwen2', root);
  const scores = async (source: object): Promise<CompletionScore[]> => {
    const opened = await engine.open({ path: record.path, ...source });
    const found = await opened.score(ITEMS);
    await opened.close();
    return found;
  };
  const trained = await lease.score(ITEMS);
  assert.deepEqual(await scores({}), trained);
  assert.deepEqual(await scores({ lora: LORA, withOptimizer: true }), trained);
  const plain = await scores({ path: base.path });
  assert.deepEqual(await scores({ path: base.path, lora: LORA }), plain);
  assert.notDeepEqual(plain, trained);
  await engine.close();
});

test('any damage of adapters, and of what they lie on, is refused', async (t) => {
  const { root, base, record } = await made(t);
  const refused = async (code: string, field?: string): Promise<void> => {
    const source = { path: record.path, expectId: record.id, withOptimizer: true };
    const load = async () => loadModelFolder(await runtime(), source);
    await assert.rejects(load, { code, ...(field ? { field } : {}) });
  };
  const { tf } = await runtime();
  const before = tf.memory().numTensors;
  for (const name of await readdir(record.path)) {
    const whole = await readFile(join(record.path, name));
    await truncate(join(record.path, name), whole.length - 1);
    await refused('CheckpointCorrupt', name);
    await writeFile(join(record.path, name), whole);
  }
  const weights = join(base.path, 'model.safetensors');
  const whole = await readFile(weights);
  const flipped = Buffer.from(whole);
  flipped[flipped.length - 1]! ^= 1;
  await writeFile(weights, flipped);
  await refused('CheckpointCorrupt', 'model.safetensors');
  await writeFile(weights, whole);

  await rename(base.path, join(root, 'elsewhere'));
  await refused('CheckpointMissing');
  // Another checkpoint in its place.
  await cp(record.path, base.path, { recursive: true });
  await refused('CheckpointCorrupt', 'manifest.json');
  await rm(base.path, { recursive: true });
  await rename(join(root, 'elsewhere'), base.path);
  assert.equal(tf.memory().numTensors, before);
  await loadModelFolder(await runtime(), { path: record.path });
});

test('a manifest whose adapters lie on nothing, or on something else than it says, is refused', async (t) => {
  const { base, record } = await made(t);
  const path = join(record.path, 'manifest.json');
  const manifest = JSON.parse(await readFile(path, 'utf8')) as { base: { id: string; modelId: string } };
  const other = 'f'.repeat(64);
  for (const changed of [
    { ...manifest, base: undefined },
    { ...manifest, base: { id: '../secret', modelId: other } },
    { ...manifest, base: { id: base.id, modelId: other } },
    { ...manifest, formatVersion: 1 },
    { ...manifest, formatVersion: 3 },
  ]) {
    await writeFile(path, JSON.stringify(changed));
    await assert.rejects(readCheckpointManifest(record.path), { code: 'CheckpointCorrupt', field: 'manifest.json' });
  }
});

test('other adapters than those that are there, or a place without what they lie on, are refused', async (t) => {
  const { root, engine, base, record } = await made(t);
  const open = (path: string, lora: object) => engine.open({ path, lora: { ...LORA, ...lora } });
  for (const lora of [{ r: 4 }, { loraAlpha: 7 }, { targetModules: ['q_proj'] }]) {
    await assert.rejects(open(record.path, lora), { code: 'EngineRequestInvalid', field: 'lora' });
  }
  await assert.rejects(open(base.path, { r: 0 }), { code: 'EngineRequestInvalid', field: 'lora.r' });
  await assert.rejects(open(base.path, { seed: 'x' }), { code: 'EngineRequestInvalid', field: 'lora.seed' });
  const folder = await temporaryFolder(t);
  for (const name of ['config.json', 'model.safetensors']) await cp(join(base.path, name), join(folder, name));
  await assert.rejects(open(folder, {}), { code: 'EngineRequestInvalid', field: 'lora' });

  const lease = await open(base.path, {});
  await assert.rejects(lease.checkpoint(folder), { code: 'CheckpointMissing' });
  assert.equal((await lease.checkpoint(root)).base, base.id);
});

for (const [what, options] of [
  ['a cache', {}],
  ['nothing but what is open', { cacheBytes: 0 }],
] as const) {
  test(`all leases on one base share its memory, with ${what}`, async (t) => {
    const root = await temporaryFolder(t);
    const engine = createLocalEngine(options);
    const { tf } = await runtime();
    const { base, record, lease } = await trainedAdapters(engine, 'llama', root);
    const trained = await lease.score(ITEMS);
    const buffers = (): number => tf.memory().numDataBuffers;
    const before = buffers();
    const opened = [await engine.open({ path: base.path })];
    assert.equal(buffers(), before);
    opened.push(await engine.open({ path: record.path }), await engine.open({ path: base.path }));
    // Two layers of four joined first factors and seven second ones.
    assert.ok(buffers() - before <= 2 * (4 + 7), `${buffers() - before} further buffers`);
    await lease.close();
    const [plain, adapted, again] = await Promise.all(opened.map((each) => each.score(ITEMS)));
    assert.deepEqual(adapted, trained);
    assert.notDeepEqual(plain, trained);
    assert.deepEqual(again, plain);
    await engine.close();
    assert.ok(buffers() < before);
  });
}
