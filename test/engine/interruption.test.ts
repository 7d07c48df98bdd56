import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { verifyCheckpoint } from '../../activities/engine/checkpoint.ts';
import type { ChildEvent } from '../../activities/engine/child.ts';
import { createTfjsEngine } from '../../activities/engine/client.ts';
import type { ModelConfig } from '../../activities/engine/config.ts';
import type { CallOptions, Engine, ModelLease, TrainItem } from '../../activities/engine/types.ts';
import { onGpu } from './support/gpu.ts';
import { DEMO, seedOf, temporaryFolder, tokensOf, writeBaseModel } from './support/models.ts';

/** What a person who cancels is promised. */
const PROMISED_MS = 1000;

/** 13 million parameters: a batch of long sequences takes seconds in one native call. */
const WIDE: ModelConfig = {
  ...DEMO,
  hiddenSize: 512,
  layers: 4,
  heads: 8,
  kvHeads: 8,
  headDim: 64,
  intermediateSize: 1408,
  maxPositions: 300,
};

function start(t: Pick<TestContext, 'after'>): { engine: Engine; events: ChildEvent[] } {
  const events: ChildEvent[] = [];
  const engine = createTfjsEngine({ threads: 2, onEvent: (event) => events.push(event) });
  t.after(() => engine.close());
  return { engine, events };
}

function starts(events: readonly ChildEvent[]): number {
  return events.filter(({ kind }) => kind === 'started').length;
}

/** Milliseconds from the abort to the end of the call, which must be a cancellation. */
async function cancelled(call: (options: CallOptions) => Promise<unknown>, afterMs: number): Promise<number> {
  const controller = new AbortController();
  let abortedAt = 0;
  setTimeout(() => {
    abortedAt = performance.now();
    controller.abort();
  }, afterMs);
  await assert.rejects(call({ signal: controller.signal }), { code: 'EngineCancelled' });
  assert.ok(abortedAt > 0);
  return performance.now() - abortedAt;
}

test('a cancelled generation ends within a second and the process lives on', async (t) => {
  const folder = await temporaryFolder(t);
  await writeBaseModel(folder, DEMO);
  const { engine, events } = start(t);
  const lease = await engine.open({ path: folder });
  const items = Array.from({ length: 20_000 }, (_, i) => ({
    promptTokens: tokensOf(4, i, DEMO.vocabSize),
    seed: seedOf(i),
  }));
  // Whatever is called for the first time takes its time; rows that part are among it.
  await lease.sample({ items: items.slice(0, 64), params: { maxTokens: 4, temperature: 1 } });
  const params = { maxTokens: 60, temperature: 1, stopTokens: [] };
  const took = await cancelled((options) => lease.sample({ items, params }, options), 300);
  t.diagnostic(`${Math.round(took)} ms`);
  assert.ok(took < PROMISED_MS, `${took} ms`);
  await lease.sample({ items: items.slice(0, 4), params: { maxTokens: 2, temperature: 1 } });
  assert.equal(starts(events), 1);
});

const slow = { skip: onGpu && 'a GPU has done it before it can be cancelled' };

test('a cancelled call ends within a second even in the middle of a native call that takes many', slow, async (t) => {
  const folder = await temporaryFolder(t);
  await writeBaseModel(folder, WIDE);
  const { engine, events } = start(t);
  const lease = await engine.open({ path: folder });
  const items = Array.from({ length: 64 }, (_, i) => ({
    promptTokens: [1],
    completionTokens: tokensOf(299, i, WIDE.vocabSize),
  }));
  await lease.score(items.slice(0, 1));
  const took = await cancelled((options) => lease.score(items, options), 300);
  t.diagnostic(`${Math.round(took)} ms`);
  assert.ok(took < PROMISED_MS, `${took} ms`);
  const again = await engine.open({ path: folder });
  const [score] = await again.score(items.slice(0, 1));
  assert.equal(score?.logprobs.length, 299);
  assert.equal(starts(events), 2);
  assert.deepEqual(
    events.flatMap((event) => (event.kind === 'ended' ? [event.signal] : [])),
    ['SIGKILL'],
  );
});

function items(step: number): TrainItem[] {
  return Array.from({ length: 512 }, (_, row) => {
    const completionTokens = tokensOf(40, row + step * 100, DEMO.vocabSize);
    const logprobs = completionTokens.map(() => -3);
    return {
      promptTokens: tokensOf(4, row, DEMO.vocabSize),
      completionTokens,
      behaviourLogprobs: logprobs,
      referenceLogprobs: logprobs,
      advantage: row % 2 ? 1 : -1,
    };
  });
}

const OPTIONS = { learningRate: 1e-3, microBatch: 2 };
const train = (lease: ModelLease, step: number, call?: CallOptions) => lease.trainStep(items(step), OPTIONS, call);

test('a process killed in the middle of a step leaves the last checkpoint valid, and the next attempt continues from it', async (t) => {
  const folder = await temporaryFolder(t);
  await writeBaseModel(folder, DEMO);
  const root = join(folder, 'checkpoints');
  const { engine, events } = start(t);
  const lease = await engine.open({ path: folder });
  await train(lease, 0);
  await train(lease, 1);
  const kept = await lease.checkpoint(root);
  await train(lease, 2);
  const undisturbed = lease.modelId;
  const last = await lease.checkpoint(join(folder, 'undisturbed'));
  await lease.close();

  const first = await engine.open({ path: kept.path, expectId: kept.id, withOptimizer: true });
  const pid = events.findLast((event) => event.kind === 'started')!.pid;
  let killedAt = 1;
  const step = train(first, 2, {
    onProgress: ({ done, total }) => {
      // Gradients are there, and the update is not: the sequences go through in 256 parts.
      if (killedAt === 1) killedAt = done / total;
      process.kill(pid, 'SIGKILL');
    },
  });
  await assert.rejects(step, { code: 'EngineOutOfMemory' });
  assert.ok(killedAt < 1);
  await assert.rejects(train(first, 2), { code: 'EngineOutOfMemory' });

  assert.equal((await verifyCheckpoint(kept.path, kept.id)).id, kept.id);
  const second = await engine.open({ path: kept.path, expectId: kept.id, withOptimizer: true });
  await train(second, 2);
  assert.equal(second.modelId, undisturbed);
  // Weights, moments and step count: the very same files.
  assert.equal((await second.checkpoint(root)).id, last.id);
});
