import assert from 'node:assert/strict';
import { mkdir, open, readFile, readdir, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { readCheckpointManifest, verifyCheckpoint, writeCheckpoint } from '../../activities/engine/checkpoint.ts';
import { importModel } from '../../activities/engine/import-model.ts';
import { createLocalEngine } from '../../activities/engine/local.ts';
import { loadModelFolder } from '../../activities/engine/model-folder.ts';
import type { CheckpointRecord } from '../../activities/engine/types.ts';
import { TINY, runtime, temporaryFolder, writeBaseModel } from './support/models.ts';
import { rolloutsOf } from './support/rollouts.ts';

const OPTIONS = { learningRate: 1e-2, klCoefficient: 0.1 };

/** A checkpoint after one training step. */
async function trained(
  t: Pick<TestContext, 'after'>,
): Promise<{ root: string; base: string; record: CheckpointRecord }> {
  const folder = await temporaryFolder(t);
  const base = join(folder, 'base');
  await mkdir(base);
  await writeBaseModel(base, TINY);
  const engine = createLocalEngine();
  const lease = await engine.open({ path: base });
  await lease.trainStep(await rolloutsOf(lease, 12, 1, TINY.vocabSize), OPTIONS);
  const root = join(folder, 'checkpoints');
  const record = await lease.checkpoint(root);
  await engine.close();
  return { root, base, record };
}

test('train two steps equals train one, save, load, train one: weights, moments and id', async (t) => {
  const folder = await temporaryFolder(t);
  await writeBaseModel(folder, TINY);
  const root = join(folder, 'checkpoints');
  // Without the cache, or the second engine would never read the files.
  const engine = createLocalEngine({ cacheBytes: 0 });
  const whole = await engine.open({ path: folder });
  const first = await rolloutsOf(whole, 12, 1, TINY.vocabSize);
  const second = await rolloutsOf(whole, 12, 2, TINY.vocabSize);
  await whole.trainStep(first, OPTIONS);
  const middle = await whole.checkpoint(root);
  await whole.trainStep(second, OPTIONS);
  const end = await whole.checkpoint(root);

  const resumed = await engine.open({ path: middle.path, expectId: middle.id, withOptimizer: true });
  await resumed.trainStep(second, OPTIONS);
  const again = await resumed.checkpoint(root);
  assert.equal(again.id, end.id);
  assert.equal(resumed.modelId, whole.modelId);
  assert.deepEqual([middle.optimizerStep, end.optimizerStep], [1, 2]);

  const fresh = await engine.open({ path: middle.path, expectId: middle.id });
  await fresh.trainStep(second, OPTIONS);
  assert.notEqual(fresh.modelId, whole.modelId, 'a fresh optimizer takes another step');
  await engine.close();
});

test('a checkpoint is named by its content and lists every file', async (t) => {
  const { root, record } = await trained(t);
  assert.deepEqual(await verifyCheckpoint(record.path), record);
  assert.equal(basename(record.path), record.id);
  const files = (await readdir(record.path)).sort();
  assert.deepEqual(files, ['manifest.json', ...record.files.map((file) => file.name)].sort());
  const read = await readCheckpointManifest(record.path, record.id);
  assert.equal(read?.manifest.modelId, record.files.find((file) => file.name === 'model.safetensors')?.sha256);
  const sizes = await Promise.all(files.map(async (file) => (await readFile(join(record.path, file))).length));
  assert.equal(
    sizes.reduce((sum, size) => sum + size, 0),
    record.bytes,
  );
  assert.deepEqual(await readdir(root), [record.id]);
});

test('a base model and its import have the same weights, and importing twice gives one checkpoint', async (t) => {
  const folder = await temporaryFolder(t);
  await writeBaseModel(folder, TINY);
  await writeFile(
    join(folder, 'tokenizer.json'),
    JSON.stringify({
      added_tokens: [],
      normalizer: null,
      pre_tokenizer: null,
      post_processor: null,
      decoder: null,
      model: { type: 'BPE', vocab: { a: 0 }, merges: [] },
    }),
  );
  const root = join(folder, 'checkpoints');
  const first = await importModel(folder, root);
  assert.deepEqual(await importModel(folder, root), first);
  assert.deepEqual(await importModel(first.path, root), first);
  const engine = createLocalEngine({ cacheBytes: 0 });
  const [base, imported] = [
    await engine.open({ path: folder }),
    await engine.open({ path: first.path, expectId: first.id }),
  ];
  assert.equal(imported.modelId, base.modelId);
  const saved = await base.checkpoint(root);
  assert.equal(saved.id, first.id);
  await engine.close();
});

test('any damage is refused, naming the file', async (t) => {
  const { record } = await trained(t);
  const refuse = async (file: string): Promise<void> => {
    const expected = (error: { code?: string; field?: string }): boolean => {
      return error.code === 'CheckpointCorrupt' && error.field === file;
    };
    await assert.rejects(verifyCheckpoint(record.path), expected, file);
    await assert.rejects(loadModelFolder(await runtime(), { path: record.path, expectId: record.id }), expected, file);
  };
  for (const name of (await readdir(record.path)).sort()) {
    const path = join(record.path, name);
    const whole = await readFile(path);

    const flipped = Buffer.from(whole);
    flipped[flipped.length >> 1]! ^= 1;
    await writeFile(path, flipped);
    await refuse(name);

    await writeFile(path, whole);
    await truncate(path, whole.length - 1);
    await refuse(name);

    await rm(path);
    await refuse(name);

    await writeFile(path, whole);
  }
  await verifyCheckpoint(record.path);
});

test('another checkpoint than the expected one, or none, is refused', async (t) => {
  const { root, base, record } = await trained(t);
  const engine = createLocalEngine();
  const other = 'f'.repeat(64);
  await assert.rejects(engine.open({ path: record.path, expectId: other }), { code: 'CheckpointCorrupt' });
  await assert.rejects(engine.open({ path: join(root, other), expectId: other }), { code: 'CheckpointMissing' });
  await assert.rejects(engine.open({ path: base, expectId: other }), { code: 'CheckpointCorrupt' });
  await assert.rejects(engine.open({ path: join(root, 'nothing') }), { code: 'ModelUnreadable' });
  await engine.close();
});

test('a manifest cannot reach outside its folder', async (t) => {
  const folder = await temporaryFolder(t);
  const sha256 = 'a'.repeat(64);
  for (const name of ['../secret', '/etc/passwd', 'a/b', '..', '']) {
    const files = [
      { name: 'model.safetensors', bytes: 1, sha256 },
      { name, bytes: 1, sha256 },
    ];
    await writeFile(
      join(folder, 'manifest.json'),
      JSON.stringify({ formatVersion: 1, modelId: sha256, optimizerStep: 0, files }),
    );
    await assert.rejects(readCheckpointManifest(folder), { code: 'CheckpointCorrupt', field: 'manifest.json' }, name);
  }
});

test('writing a checkpoint again keeps it, and replaces a damaged copy', async (t) => {
  const { root, record } = await trained(t);
  const loaded = await loadModelFolder(await runtime(), { path: record.path, withOptimizer: true });
  assert.deepEqual(await writeCheckpoint(root, loaded), record);
  assert.deepEqual(await readdir(root), [record.id]);

  await writeFile(join(record.path, 'model.safetensors'), 'damaged');
  assert.deepEqual(await writeCheckpoint(root, loaded), record);
  await verifyCheckpoint(record.path);
  assert.deepEqual((await readdir(root)).sort(), [record.id, `${record.id}.damaged-1`]);
});

test('a full disk leaves nothing behind and says so', async (t) => {
  const { root, record } = await trained(t);
  const loaded = await loadModelFolder(await runtime(), { path: record.path, withOptimizer: true });
  await rm(record.path, { recursive: true });
  // Room for some files and part of one more.
  for (const room of [0, 1000, 20_000]) {
    let left = room;
    const fs = {
      open: async (path: string, flags: string) => {
        const handle = await open(path, flags);
        return {
          sync: () => handle.sync(),
          close: () => handle.close(),
          write: ((chunk: Uint8Array, offset: number, length: number) => {
            left -= length;
            if (left < 0) return Promise.reject(Object.assign(new Error('no space'), { code: 'ENOSPC' }));
            return handle.write(chunk, offset, length);
          }) as typeof handle.write,
        };
      },
    };
    await assert.rejects(writeCheckpoint(root, loaded, fs), { code: 'DiskFull' });
    assert.deepEqual(await readdir(root), []);
  }
  assert.deepEqual(await writeCheckpoint(root, loaded), record);
});

test('what a killed process left behind is removed after an hour, and not before', async (t) => {
  const { root, record } = await trained(t);
  const loaded = await loadModelFolder(await runtime(), { path: record.path, withOptimizer: true });
  await mkdir(join(root, '.r-zero-staging-1-old'));
  await mkdir(join(root, '.r-zero-staging-2-new'));
  const past = new Date(Date.now() - 2 * 60 * 60 * 1000);
  await utimes(join(root, '.r-zero-staging-1-old'), past, past);
  await writeCheckpoint(root, loaded);
  assert.deepEqual((await readdir(root)).sort(), ['.r-zero-staging-2-new', record.id]);
});
