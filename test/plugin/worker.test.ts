import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { startRun } from '../../infra/client.ts';
import type { WorkerMessage } from '../../infra/worker-main.ts';
import { runWorker } from '../../infra/worker.ts';
import { loadWorkflowBundle } from '../../infra/workflow-bundle.ts';
import { FakeActivities } from '../support/fake-activities.ts';
import { createDatabase } from '../support/postgres.ts';
import { startTestServer, uniqueName } from '../support/temporal.ts';

describe('our worker', () => {
  let server: TestWorkflowEnvironment;
  let dataDir: string;
  before(async () => {
    server = await startTestServer({ searchAttributes: false });
    dataDir = await mkdtemp(join(tmpdir(), 'r-zero-worker-'));
  });
  after(async () => {
    await server.teardown();
    await rm(dataDir, { recursive: true });
  });

  test('runs both queues, says when it is ready, and stops by its signal', async () => {
    const fake = new FakeActivities({ iterations: 1 });
    const taskQueue = uniqueName('worker');
    const stop = new AbortController();
    let ready: (queues: string[]) => void = () => undefined;
    const readyQueues = new Promise<string[]>((resolve) => (ready = resolve));
    const running = runWorker({
      database: 'postgres://not-opened',
      activities: fake.activities,
      dataDir,
      taskQueue,
      connection: server.nativeConnection,
      namespace: 'default',
      signal: stop.signal,
      onReady: ({ taskQueues }) => ready(taskQueues),
    });
    assert.deepEqual(await Promise.race([readyQueues, running]), [taskQueue, `${taskQueue}-gpu`]);
    const run = await startRun(server.client, { iterations: 1 }, { taskQueue });
    assert.equal((await run.result()).status, 'completed');
    stop.abort();
    await running;
  });

  test('a signal that comes before it polls still ends it', async () => {
    await runWorker({
      database: 'postgres://not-opened',
      activities: new FakeActivities().activities,
      dataDir,
      taskQueue: uniqueName('early'),
      connection: server.nativeConnection,
      signal: AbortSignal.abort(),
    });
  });

  test('a Temporal server that does not answer has a code and a fix', async () => {
    const running = runWorker({ database: 'postgres://not-opened', dataDir, address: '127.0.0.1:1' });
    await assert.rejects(running, { code: 'TemporalUnreachable', field: 'TEMPORAL_ADDRESS' });
  });

  describe('as a process', () => {
    const entry = fileURLToPath(new URL('../../infra/worker-main.ts', import.meta.url));

    function start(env: NodeJS.ProcessEnv): {
      child: ReturnType<typeof fork>;
      ended: Promise<number | null>;
      stderr: () => string;
    } {
      const child = fork(entry, {
        execArgv: ['--import', import.meta.resolve('tsx')],
        env: { PATH: process.env['PATH'], R_ZERO_DATA_DIR: dataDir, R_ZERO_LOG_LEVEL: 'error', ...env },
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      });
      let stderr = '';
      child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
      const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
      return { child, ended, stderr: () => stderr };
    }

    function nextMessage(child: ReturnType<typeof fork>): Promise<WorkerMessage> {
      return new Promise((resolve) => child.once('message', (message) => resolve(message as WorkerMessage)));
    }

    async function live(): Promise<NodeJS.ProcessEnv> {
      const { url } = await createDatabase();
      return { DATABASE_URL: url, TEMPORAL_ADDRESS: server.address, R_ZERO_TASK_QUEUE: uniqueName('process') };
    }

    test('tells its parent that it is ready, and ends with exit code 0 on SIGTERM', async () => {
      const { child, ended, stderr } = start(await live());
      const message = await nextMessage(child);
      assert.equal(message.type, 'ready', stderr());
      child.kill('SIGTERM');
      assert.equal(await ended, 0, stderr());
    });

    test('ends when its parent is gone', async () => {
      const { child, ended, stderr } = start(await live());
      assert.equal((await nextMessage(child)).type, 'ready', stderr());
      child.disconnect();
      assert.equal(await ended, 0, stderr());
    });

    for (const [name, env, code] of [
      ['no database', {}, 'RunInputInvalid'],
      ['a database that does not answer', { DATABASE_URL: 'postgres://a@127.0.0.1:1/b' }, 'DatabaseUnreachable'],
      ['an unknown role', { DATABASE_URL: 'postgres://a@127.0.0.1:1/b', R_ZERO_ROLE: 'boss' }, 'RunInputInvalid'],
      ['an unknown log level', { DATABASE_URL: 'x', R_ZERO_LOG_LEVEL: 'loud' }, 'RunInputInvalid'],
    ] as const) {
      test(`with ${name} it ends with exit code 1, and says ${code} to parent and log`, async () => {
        const { child, ended, stderr } = start({ TEMPORAL_ADDRESS: server.address, ...env });
        const message = await nextMessage(child);
        assert.equal(message.type, 'failed');
        assert.equal(message.type === 'failed' && message.code, code);
        assert.equal(await ended, 1);
        assert.match(stderr(), new RegExp(`^${code}: `, 'm'));
      });
    }
  });
});

describe('workflow bundle', () => {
  test('is read from the cache when it is whole, and built again when it was cut short', async () => {
    const cacheDir = await mkdtemp(join(tmpdir(), 'r-zero-bundle-'));
    try {
      const logger = new DefaultLogger('ERROR');
      const built = await loadWorkflowBundle({ cacheDir, logger });
      const [name, ...others] = await readdir(cacheDir);
      assert.deepEqual(others, [], 'nothing temporary is left');
      const file = join(cacheDir, name ?? '');
      const stored = await readFile(file);
      assert.equal((await loadWorkflowBundle({ cacheDir, logger })).code, built.code);
      await writeFile(file, stored.subarray(0, stored.length / 2));
      await loadWorkflowBundle({ cacheDir, logger });
      assert.ok((await readFile(file)).length > stored.length * 0.9, 'it was built and stored again');
    } finally {
      await rm(cacheDir, { recursive: true });
    }
  });

  test('a cache folder that cannot be written costs time only', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'r-zero-bundle-'));
    try {
      const file = join(folder, 'a-file');
      await writeFile(file, '');
      const { code } = await loadWorkflowBundle({
        cacheDir: join(file, 'below'),
        logger: new DefaultLogger('ERROR', () => undefined),
      });
      assert.ok(code.length > 100_000);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
