import assert from 'node:assert/strict';
import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { verifyCheckpoint } from '../../activities/engine/checkpoint.ts';
import { createLocalEngine } from '../../activities/engine/local.ts';
import { pruneFiles } from '../../activities/engine/prune-files.ts';
import type { PrunedMarker } from '../../activities/engine/pruned-marker.ts';
import type { CheckpointRecord } from '../../activities/engine/types.ts';
import { TINY, temporaryFolder, writeBaseModel } from './support/models.ts';
import { rolloutsOf } from './support/rollouts.ts';

const OPTIMIZER = 'optimizer.safetensors';

async function trained(t: Pick<TestContext, 'after'>) {
  const folder = await temporaryFolder(t);
  const base = join(folder, 'base');
  await mkdir(base);
  await writeBaseModel(base, TINY);
  const engine = createLocalEngine({ cacheBytes: 0 });
  t.after(() => engine.close());
  const lease = await engine.open({ path: base });
  await lease.trainStep(await rolloutsOf(lease, 12, 1, TINY.vocabSize), { learningRate: 1e-2, klCoefficient: 0.1 });
  const write = (): Promise<CheckpointRecord> => lease.checkpoint(join(folder, 'checkpoints'));
  return { engine, write, record: await write() };
}

const marker = (files: string[]): PrunedMarker => ({
  formatVersion: 1,
  files,
  reason: 'run "demo": keep iterations',
  codeVersion: '0.0.0-test',
  prunedAt: '2026-01-02T03:04:05.000Z',
});

const namesOf = ({ files }: CheckpointRecord): string[] => files.map(({ name }) => name);

test('without its moments a checkpoint still opens for all but training on, and that says what happened', async (t) => {
  const { engine, record } = await trained(t);
  await pruneFiles(record.path, marker([OPTIMIZER]));
  const source = { path: record.path, expectId: record.id };
  await (await engine.open(source)).close();
  await assert.rejects(engine.open({ ...source, withOptimizer: true }), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'CheckpointPruned');
    assert.match(error.message, /optimizer\.safetensors was pruned on 2026-01-02.*keep iterations/);
    return true;
  });
  const path = join(record.path, 'model.safetensors');
  const bytes = await readFile(path);
  bytes[bytes.length - 1]! ^= 1;
  await writeFile(path, bytes);
  await assert.rejects(engine.open(source), { code: 'CheckpointCorrupt', field: 'model.safetensors' });
});

test('moments that are gone without a marker are damage, asked for or not', async (t) => {
  const { engine, record } = await trained(t);
  await rm(join(record.path, OPTIMIZER));
  await assert.rejects(engine.open({ path: record.path, expectId: record.id }), { code: 'CheckpointCorrupt' });
});

test('a checkpoint pruned whole keeps its manifest, and opening it names the pruning', async (t) => {
  const { engine, record } = await trained(t);
  await pruneFiles(record.path, marker(namesOf(record)));
  assert.deepEqual((await readdir(record.path)).sort(), ['manifest.json', 'pruned.json']);
  await assert.rejects(engine.open({ path: record.path, expectId: record.id }), { code: 'CheckpointPruned' });
});

test('writing the same content again brings back what was pruned', async (t) => {
  for (const names of [() => [OPTIMIZER], namesOf]) {
    const { write, record } = await trained(t);
    await pruneFiles(record.path, marker(names(record)));
    assert.deepEqual(await write(), record);
    assert.deepEqual(await verifyCheckpoint(record.path), record);
    assert.deepEqual((await readdir(record.path)).sort(), [...namesOf(record), 'manifest.json'].sort());
  }
});

test('a deletion that is interrupted anywhere never looks like damage, and a second one completes it', async (t) => {
  for (let calls = 0; ; calls++) {
    const { engine, record } = await trained(t);
    let left = calls;
    const limited =
      <A extends unknown[]>(call: (...args: A) => Promise<void>) =>
      (...args: A): Promise<void> =>
        left-- > 0 ? call(...args) : Promise.reject(new Error('killed'));
    const all = marker(namesOf(record));
    const fs = { rename: limited(rename), rm: limited(rm) };
    const finished = await pruneFiles(record.path, all, fs).then(
      () => true,
      () => false,
    );
    if (calls > 0) {
      await assert.rejects(engine.open({ path: record.path, expectId: record.id }), { code: 'CheckpointPruned' });
    }
    await pruneFiles(record.path, all);
    assert.deepEqual((await readdir(record.path)).sort(), ['manifest.json', 'pruned.json']);
    if (finished) break;
  }
});
