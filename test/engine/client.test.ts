import assert from 'node:assert/strict';
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ChildEvent } from '../../activities/engine/child.ts';
import { createTfjsEngine } from '../../activities/engine/client.ts';
import type { TfjsEngineOptions } from '../../activities/engine/client.ts';
import { createLocalEngine } from '../../activities/engine/local.ts';
import type { Engine, EngineProgress, ModelLease, SampleRequest } from '../../activities/engine/types.ts';
import { DEMO, TINY, seedOf, temporaryFolder, tokensOf, writeBaseModel } from './support/models.ts';
import { rolloutsOf } from './support/rollouts.ts';

interface Watched {
  engine: Engine;
  events: ChildEvent[];
  pid(): number;
  /** Resolves with the next end of a child process. */
  ended(): Promise<Extract<ChildEvent, { kind: 'ended' }>>;
}

function watch(t: Pick<TestContext, 'after'>, options: TfjsEngineOptions = {}): Watched {
  const events: ChildEvent[] = [];
  const waiting: ((event: Extract<ChildEvent, { kind: 'ended' }>) => void)[] = [];
  const engine = createTfjsEngine({
    threads: 2,
    ...options,
    onEvent: (event) => {
      events.push(event);
      if (event.kind === 'ended') waiting.splice(0).forEach((resolve) => resolve(event));
    },
  });
  t.after(() => engine.close());
  return {
    engine,
    events,
    pid: () => events.findLast((event) => event.kind === 'started')!.pid,
    ended: () =>
      new Promise((resolve) => {
        // An engine at rest does not keep this process alive.
        const alive = setInterval(() => undefined, 1000);
        waiting.push((event) => {
          clearInterval(alive);
          resolve(event);
        });
      }),
  };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Takes several seconds on any machine, in many short steps. */
function longRequest(items: number): SampleRequest {
  return {
    items: Array.from({ length: items }, (_, i) => ({ promptTokens: tokensOf(4, i, DEMO.vocabSize), seed: seedOf(i) })),
    params: { maxTokens: 60, temperature: 1, stopTokens: [] },
    batchSize: 128,
  };
}

async function demoFolder(t: Pick<TestContext, 'after'>): Promise<string> {
  const folder = await temporaryFolder(t);
  await writeBaseModel(folder, DEMO);
  return folder;
}

const SMALL: SampleRequest = {
  items: [{ promptTokens: [1, 5], seed: seedOf(1) }],
  params: { maxTokens: 4, temperature: 1 },
};

test('the child process gives what the engine gives in process', async (t) => {
  const folder = await demoFolder(t);
  const remote = watch(t).engine;
  const local = createLocalEngine({ threads: 2 });
  const results = [];
  for (const engine of [remote, local]) {
    const [policy, other] = [await engine.open({ path: folder }), await engine.open({ path: folder })];
    const items = await rolloutsOf(policy, 24, 1, DEMO.vocabSize);
    const {
      seconds: _,
      memoryBytes: __,
      peakMemoryBytes: ___,
      ...metrics
    } = await policy.trainStep(items, { learningRate: 1e-3 });
    await policy.publish();
    const record = await policy.checkpoint(`${folder}/checkpoints`);
    results.push([
      items,
      metrics,
      record,
      policy.modelId,
      other.modelId,
      policy.maxSequenceLength,
      await other.score(items),
      await other.score(items, { temperature: 0.7 }),
    ]);
    await policy.close();
    await policy.close();
    await other.close();
  }
  await local.close();
  assert.deepEqual(results[0], results[1]);
  const [plain, tempered] = results[0]!.slice(-2);
  assert.notDeepEqual(plain, tempered);
});

test('it says what it runs on, and progress comes through', async (t) => {
  const { engine } = watch(t);
  const description = await engine.describe();
  assert.equal(description.engine, 'tfjs');
  assert.deepEqual([description.deterministic, description.threads], [true, 2]);
  assert.ok(description.backend && description.backendVersion && description.device);
  const lease = await engine.open({ path: await demoFolder(t) });
  const seen: EngineProgress[] = [];
  await lease.sample({ ...longRequest(256), batchSize: 64 }, { onProgress: (progress) => seen.push(progress) });
  const { work, ...last } = seen.at(-1)!;
  assert.deepEqual(last, { stage: 'sampling', done: 256, total: 256 });
  // Every token but the first of each sequence takes a row of a step, soon one of its own; so does the last of a prompt that a
  // row held before.
  assert.ok(work!.rowSteps - work!.idleRowSteps >= 256 * 56 && work!.rowSteps < 1.05 * 256 * 60, JSON.stringify(work));
});

test('threads go with the model, whatever was opened first', async (t) => {
  const folder = await demoFolder(t);
  const { engine, events } = watch(t);
  const step = async (): Promise<unknown> => {
    const lease = await engine.open({ path: folder, threads: 1 });
    const items = await rolloutsOf(lease, 24, 1, DEMO.vocabSize);
    await lease.trainStep(items, { learningRate: 1e-3 });
    const { modelId } = lease;
    await lease.close();
    return [items, modelId];
  };
  const alone = await step();
  const other = await engine.open({ path: folder });
  await other.sample(SMALL);
  assert.deepEqual(await step(), alone);
  assert.equal((await engine.describe()).threads, 2);
  assert.equal((await engine.describe({ threads: 1 })).threads, 1);
  const started = events.flatMap((event) => (event.kind === 'started' ? [event.pid] : []));
  assert.equal(started.length, 2);
  await other.close();
  await engine.close();
  assert.deepEqual(started.filter(isAlive), []);
});

test('a process that computes with another number of threads refuses the model', async (t) => {
  const local = createLocalEngine({ threads: 2 });
  await assert.rejects(local.open({ path: await demoFolder(t), threads: 1 }), {
    code: 'EngineRequestInvalid',
    field: 'threads',
  });
  await local.close();
});

test('errors cross the process boundary with code, field and fix', async (t) => {
  const folder = await demoFolder(t);
  const { engine } = watch(t);
  const lease = await engine.open({ path: folder });
  const bad = { ...SMALL, items: [{ promptTokens: [999], seed: seedOf(1) }] };
  const remote = await lease.sample(bad).catch((error: unknown) => error as Error);
  const local = createLocalEngine();
  const here = await (await local.open({ path: folder })).sample(bad).catch((error: unknown) => error as Error);
  await local.close();
  const facts = (error: unknown) => {
    const { name, code, message, fix, field } = error as Record<string, unknown>;
    return { name, code, message, fix, field };
  };
  assert.deepEqual(facts(remote), facts(here));
  assert.equal(facts(remote).field, 'items[0].promptTokens');
  await assert.rejects(engine.open({ path: `${folder}/nothing` }), { code: 'ModelUnreadable' });
  await lease.sample(SMALL);
});

test('a cancelled call ends between two steps, and the process and its leases live on', async (t) => {
  const { engine, events } = watch(t);
  const lease = await engine.open({ path: await demoFolder(t) });
  const controller = new AbortController();
  const run = lease.sample(longRequest(20_000), { signal: controller.signal, onProgress: () => controller.abort() });
  await assert.rejects(run, { code: 'EngineCancelled' });
  assert.equal((await lease.sample(SMALL)).length, 1);
  assert.equal(events.filter((event) => event.kind === 'started').length, 1);
  await assert.rejects(lease.sample(SMALL, { signal: AbortSignal.abort() }), { code: 'EngineCancelled' });
});

test('a call that does not stop in time is ended by force; other calls fail, and the next one starts anew', async (t) => {
  const folder = await demoFolder(t);
  const watched = watch(t, { cancelGraceMs: 0 });
  const { engine } = watched;
  const lease = await engine.open({ path: folder });
  const pid = watched.pid();
  const controller = new AbortController();
  const ended = watched.ended();
  const run = lease.sample(longRequest(20_000), { signal: controller.signal });
  const beside = lease.sample(SMALL);
  setTimeout(() => controller.abort(), 100);
  await Promise.all([
    assert.rejects(run, { code: 'EngineCancelled' }),
    assert.rejects(beside, { code: 'EngineCrashed' }),
    ended,
  ]);
  assert.equal((await ended).signal, 'SIGKILL');
  assert.equal(isAlive(pid), false);
  await assert.rejects(lease.sample(SMALL), { code: 'EngineCrashed' });
  const again = await engine.open({ path: folder });
  assert.equal((await again.sample(SMALL)).length, 1);
  assert.notEqual(watched.pid(), pid);
});

for (const [signal, code] of [
  ['SIGSEGV', 'EngineCrashed'],
  ['SIGKILL', 'EngineOutOfMemory'],
] as const) {
  test(`a process ended by ${signal} fails its calls with ${code}, and the next call starts another`, async (t) => {
    const folder = await demoFolder(t);
    const watched = watch(t);
    const lease = await watched.engine.open({ path: folder });
    const run = lease.sample(longRequest(20_000));
    await sleep(50);
    process.kill(watched.pid(), signal);
    await assert.rejects(
      run,
      (error: Error & { code?: string }) => error.code === code && error.message.includes(signal),
    );
    await assert.rejects(lease.sample(SMALL), { code });
    await lease.close();
    const again: ModelLease = await watched.engine.open({ path: folder });
    assert.equal((await again.sample(SMALL)).length, 1);
  });
}

test('a process that stands still with a call under way is given up, one that works or rests is not', async (t) => {
  const folder = await demoFolder(t);
  const watched = watch(t, { standstillSeconds: 2 });
  const lease = await watched.engine.open({ path: folder });
  const pid = watched.pid();
  await sleep(3000);
  assert.equal((await lease.sample(longRequest(1000))).length, 1000);
  assert.equal(watched.pid(), pid);
  const run = lease.sample(longRequest(20_000));
  await sleep(50);
  process.kill(pid, 'SIGSTOP');
  await assert.rejects(run, { code: 'EngineCrashed', message: /stood still/ });
  const again: ModelLease = await watched.engine.open({ path: folder });
  assert.equal((await again.sample(SMALL)).length, 1);
});

test('running over the memory limit is an error of its own, and a new process gives the memory back', async (t) => {
  const folder = await demoFolder(t);
  const watched = watch(t, { memoryLimitBytes: 1 });
  const ended = watched.ended();
  await assert.rejects(watched.engine.open({ path: folder }), { code: 'EngineOutOfMemory' });
  assert.equal((await ended).exitCode, 0);
  await assert.rejects(watched.engine.open({ path: folder }), { code: 'EngineOutOfMemory' });
});

test('an idle process ends, an open lease keeps it, and the next call starts another', async (t) => {
  const folder = await demoFolder(t);
  const watched = watch(t, { idleExitSeconds: 0.2 });
  const lease = await watched.engine.open({ path: folder });
  await sleep(600);
  assert.equal((await lease.sample(SMALL)).length, 1);
  const ended = watched.ended();
  await lease.close();
  assert.deepEqual([(await ended).exitCode, isAlive(watched.pid())], [0, false]);
  await watched.engine.describe();
  assert.equal(watched.events.filter((event) => event.kind === 'started').length, 2);
});

test('closing the engine ends the process and the calls under way', async (t) => {
  const watched = watch(t);
  const lease = await watched.engine.open({ path: await demoFolder(t) });
  const run = lease.sample(longRequest(20_000));
  const outcome = assert.rejects(run, { code: 'EngineCancelled' });
  await sleep(50);
  await watched.engine.close();
  await outcome;
  assert.equal(isAlive(watched.pid()), false);
  await watched.engine.close();
});

test('the process does not outlive a worker that is killed', async () => {
  const host = fileURLToPath(new URL('../../activities/engine/client.ts', import.meta.url));
  const source = `
    const { createTfjsEngine } = await import(${JSON.stringify(host)});
    const engine = createTfjsEngine({ onEvent: (event) => event.kind === 'started' && console.log(event.pid) });
    await engine.describe();
    setInterval(() => undefined, 1000);`;
  const worker = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', source]);
  const [line] = (await once(worker.stdout, 'data')) as [Buffer];
  const pid = Number.parseInt(line.toString(), 10);
  assert.ok(isAlive(pid));
  worker.kill('SIGKILL');
  for (let waited = 0; isAlive(pid) && waited < 15_000; waited += 100) await sleep(100);
  assert.equal(isAlive(pid), false);
});

test('a worker at rest is not kept alive by its engine', async () => {
  const host = fileURLToPath(new URL('../../activities/engine/client.ts', import.meta.url));
  const source = `
    const { createTfjsEngine } = await import(${JSON.stringify(host)});
    await createTfjsEngine().describe();`;
  const worker = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', source]);
  const [exitCode] = (await once(worker, 'exit')) as [number | null];
  assert.equal(exitCode, 0);
});

test('the host refuses a lease that it does not know', async (t) => {
  const host = fork(fileURLToPath(new URL('../../activities/engine/host.ts', import.meta.url)), ['{}'], {
    execArgv: ['--import', 'tsx'],
    serialization: 'advanced',
    silent: true,
  });
  t.after(() => host.kill('SIGKILL'));
  host.send({ kind: 'call', id: 1, method: 'score', input: { lease: 7, items: [] } });
  const [answer] = (await once(host, 'message')) as [{ kind: string; id: number; error: { code: string } }];
  assert.deepEqual([answer.kind, answer.id, answer.error.code], ['error', 1, 'EngineRequestInvalid']);
});

test('the WebAssembly backend samples the same tokens and takes the same step', async (t) => {
  const folder = await temporaryFolder(t);
  await writeBaseModel(folder, TINY);
  const results = [];
  for (const backend of ['auto', 'wasm'] as const) {
    const { engine } = watch(t, { backend });
    const lease = await engine.open({ path: folder });
    const items = await rolloutsOf(lease, 16, 1, TINY.vocabSize);
    const metrics = await lease.trainStep(items, { learningRate: 1e-3, microBatch: 8 });
    results.push({ items, metrics, scores: await lease.score(items), description: await engine.describe() });
    await engine.close();
  }
  const [native, wasm] = results as [(typeof results)[number], (typeof results)[number]];
  assert.equal(wasm.description.backend, 'wasm');
  assert.deepEqual(
    wasm.items.map((item) => item.completionTokens),
    native.items.map((item) => item.completionTokens),
  );
  for (const field of ['loss', 'kl', 'entropy', 'gradientNorm'] as const) {
    assert.ok(Math.abs(wasm.metrics[field] - native.metrics[field]) < 1e-4, field);
  }
  for (const what of ['logprobs', 'entropies'] as const) {
    const [ours, theirs] = [wasm, native].map(({ scores }) => scores.flatMap((score) => score[what]));
    ours!.forEach((value, i) => assert.ok(Math.abs(value - theirs![i]!) < 1e-3, what));
  }
});

test('without the native library the engine runs on WebAssembly and says why; asked for it, it refuses', async (t) => {
  const folder = await temporaryFolder(t);
  const block = join(folder, 'block.cjs');
  await writeFile(
    block,
    `const Module = require('node:module');
     const resolve = Module._resolveFilename;
     Module._resolveFilename = function (request, ...rest) {
       if (request === '@tensorflow/tfjs-node-gpu') throw new Error('no library here');
       return resolve.call(this, request, ...rest);
     };`,
  );
  const before = process.env['NODE_OPTIONS'];
  process.env['NODE_OPTIONS'] = `${before ?? ''} --require ${block}`;
  t.after(() => {
    if (before === undefined) delete process.env['NODE_OPTIONS'];
    else process.env['NODE_OPTIONS'] = before;
  });
  const description = await watch(t).engine.describe();
  assert.deepEqual([description.backend, description.fallbackReason], ['wasm', 'no library here']);
  const native = watch(t, { backend: 'native' }).engine;
  await assert.rejects(native.describe(), { code: 'EngineUnavailable' });
});
