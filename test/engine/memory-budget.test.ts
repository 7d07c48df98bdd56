import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTfjsEngine } from '../../activities/engine/client.ts';
import { createLocalEngine } from '../../activities/engine/local.ts';
import { generationBytes, memoryLimitOf, refuseLargeBatch } from '../../activities/engine/memory-budget.ts';
import { outOfMemory, speaksOfMemory } from '../../activities/engine/memory-words.ts';
import type { RZeroError } from '../../activities/errors.ts';
import { onGpu } from './support/gpu.ts';
import { DEMO, seedOf, temporaryFolder, tokensOf, writeBaseModel } from './support/models.ts';

const MEBI = 2 ** 20;
const request = (batchSize: number) => ({
  items: Array.from({ length: 6000 }, (_, i) => ({ promptTokens: tokensOf(4, i, DEMO.vocabSize), seed: seedOf(i) })),
  params: { maxTokens: 60, temperature: 1, stopTokens: Array.from({ length: 14 }, (_, i) => 2 * i) },
  batchSize,
});

const hostOnly = { skip: onGpu && 'a batch takes the memory of the GPU' };

test(
  'a batch that would not fit is refused before it starts, and the one that is named instead fits',
  hostOnly,
  async (t) => {
    const folder = await temporaryFolder(t);
    await writeBaseModel(folder, DEMO);
    const engine = createTfjsEngine({ threads: 2, memoryLimitBytes: 840 * MEBI });
    t.after(() => engine.close());
    let started = 0;
    const first = await engine.open({ path: folder });
    const refusal = await first
      .sample(request(6000), { onProgress: () => started++ })
      .catch((error: unknown) => error as RZeroError);
    const { code, field, fix } = refusal as RZeroError;
    assert.deepEqual([code, field, started], ['EngineOutOfMemory', 'batchSize', 0]);
    const fits = Number(/batchSize to (\d+)/.exec(fix ?? '')?.[1]);
    assert.equal(fits, 3000);
    // The process has gone, as after every lack of memory.
    const lease = await engine.open({ path: folder });
    assert.equal((await lease.sample(request(fits))).length, 6000);
  },
);

test('what a batch takes grows with rows and columns, and a single row is never refused', () => {
  const size = { rows: 64, columns: 512, prompt: 128 };
  const bytes = generationBytes(DEMO, size);
  // Keys and values in single precision, and those of one more layer.
  const cache = (DEMO.layers + 1) * 2 * 64 * 512 * DEMO.kvHeads * DEMO.headDim * 4;
  const rest = bytes - cache;
  assert.ok(rest > 0 && rest < 64 * MEBI, `${rest} beside the cache`);
  assert.equal(generationBytes(DEMO, { ...size, columns: 1024 }) - bytes, cache);
  const more = generationBytes(DEMO, { ...size, rows: 128 }) - bytes;
  // The prompts are run in calls of limited size, so only the choice of tokens is added.
  assert.ok(more >= cache && more < cache + MEBI, `${more}`);
  assert.throws(() => refuseLargeBatch(DEMO, size, 0, bytes), { code: 'EngineOutOfMemory', field: 'batchSize' });
  refuseLargeBatch(DEMO, { ...size, rows: 1 }, 0, 1);
  refuseLargeBatch(DEMO, size, 0, 2 ** 40);
});

test('the limit of a worker comes from the environment, and nonsense there is refused', () => {
  assert.equal(memoryLimitOf({}), undefined);
  assert.equal(memoryLimitOf({ R_ZERO_ENGINE_MEMORY_MIB: '' }), undefined);
  assert.equal(memoryLimitOf({ R_ZERO_ENGINE_MEMORY_MIB: '600' }), 600 * MEBI);
  for (const value of ['0', '4GB', '-1', '1.5']) {
    const refusal = { code: 'EngineUnavailable', field: 'R_ZERO_ENGINE_MEMORY_MIB' };
    assert.throws(() => memoryLimitOf({ R_ZERO_ENGINE_MEMORY_MIB: value }), refusal, value);
  }
});

test('TensorFlow running out of memory is told from other failures of its own, without a child process, too', async (t) => {
  const folder = await temporaryFolder(t);
  await writeBaseModel(folder, DEMO);
  const engine = createLocalEngine({ threads: 2 });
  t.after(() => engine.close());
  const lease = await engine.open({ path: folder });
  const failing = (message: string) => () => {
    throw new Error(message);
  };
  const items = request(4);
  const exhausted = 'OOM when allocating tensor with shape[4096,8192] : ResourceExhausted';
  await assert.rejects(lease.sample(items, { onProgress: failing(exhausted) }), {
    code: 'EngineOutOfMemory',
    field: 'batchSize',
  });
  await assert.rejects(lease.sample(items, { onProgress: failing('Invalid shape') }), { message: 'Invalid shape' });
  assert.ok(speaksOfMemory('std::bad_alloc') && !speaksOfMemory('zoom'));
  assert.equal(outOfMemory('x').code, 'EngineOutOfMemory');
});
