import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Client } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { NativeConnection, Worker } from '@temporalio/worker';
import type { RZeroActivities } from '../../activities/contract.ts';
import type { Engine } from '../../activities/engine/types.ts';
import { RZeroError } from '../../activities/errors.ts';
import { NO_ENGINE } from '../../infra/plugin-activities.ts';
import { SharedResource } from '../../infra/plugin-resources.ts';
import { RZeroPlugin, workflowsPath } from '../../infra/plugin.ts';
import { FakeActivities } from '../support/fake-activities.ts';
import { createDatabase } from '../support/postgres.ts';
import { startTestServer, testBundle, uniqueName, until } from '../support/temporal.ts';

const UNUSED = 'postgres://not-opened';
const GPU_NAMES = ['evaluateSolver', 'generateQuestions', 'labelQuestions', 'trainChallengerStep', 'trainSolverStep'];
const DATABASE_NAMES = [
  'auditLabels',
  'beginIteration',
  'changeRunInput',
  'checkAlarms',
  'extendRun',
  'finishIteration',
  'gateQuestions',
  'judgeLabels',
  'measureDiversity',
  'openExperiment',
  'openRun',
  'pauseSchedule',
  'planNight',
  'pruneCheckpoints',
  'readExperimentRun',
  'resetRun',
  'setRunStatus',
];

describe('RZeroPlugin configures workers', () => {
  const names = (activities: object | undefined): string[] => Object.keys(activities ?? {}).sort();

  test('a worker without workflows of its own gets ours and the database activities', () => {
    const configured = new RZeroPlugin({ database: UNUSED }).configureWorker({ taskQueue: 'r-zero' });
    assert.equal(configured.workflowsPath, workflowsPath());
    assert.deepEqual(names(configured.activities), DATABASE_NAMES);
    assert.equal(configured.maxConcurrentActivityTaskExecutions, undefined);
  });

  test('a GPU queue gets the model activities, one at a time, and no workflows', () => {
    const configured = new RZeroPlugin({ database: UNUSED }).configureWorker({ taskQueue: 'r-zero-gpu' });
    assert.equal(configured.workflowsPath, undefined);
    assert.deepEqual(names(configured.activities), GPU_NAMES);
    assert.equal(configured.maxConcurrentActivityTaskExecutions, 1);
    assert.equal(configured.maxHeartbeatThrottleInterval, '2 seconds');
  });

  test('a role overrules the name of the queue', () => {
    const gpu = new RZeroPlugin({ database: UNUSED, role: 'gpu' }).configureWorker({ taskQueue: 'big-machine' });
    assert.deepEqual(names(gpu.activities), GPU_NAMES);
    assert.equal(gpu.workflowsPath, undefined);
    const other = new RZeroPlugin({ database: UNUSED, role: 'orchestrator' }).configureWorker({ taskQueue: 'x-gpu' });
    assert.deepEqual(names(other.activities), DATABASE_NAMES);
  });

  test("the user's workflows, bundle, activities and limits stay", () => {
    const plugin = new RZeroPlugin({ database: UNUSED });
    const mine = (): string => 'mine';
    const workflows = plugin.configureWorker({
      taskQueue: 'r-zero',
      workflowsPath: '/mine/workflows.ts',
      activities: { mine },
      maxHeartbeatThrottleInterval: 5000,
    });
    assert.equal(workflows.workflowsPath, '/mine/workflows.ts');
    assert.equal((workflows.activities as { mine: unknown }).mine, mine);
    assert.equal(workflows.maxHeartbeatThrottleInterval, 5000);
    const bundled = plugin.configureWorker({ taskQueue: 'r-zero', workflowBundle: { codePath: '/mine/bundle.js' } });
    assert.equal(bundled.workflowsPath, undefined);
    assert.deepEqual(bundled.workflowBundle, { codePath: '/mine/bundle.js' });
    const gpu = plugin.configureWorker({ taskQueue: 'r-zero-gpu', maxConcurrentActivityTaskExecutions: 4 });
    assert.equal(gpu.maxConcurrentActivityTaskExecutions, 4);
  });

  test('bundlers and replayers get our workflows unless they have their own', () => {
    const plugin = new RZeroPlugin({ database: UNUSED });
    assert.equal(plugin.configureReplayWorker({}).workflowsPath, workflowsPath());
    assert.equal(plugin.configureReplayWorker({ workflowBundle: { code: '' } }).workflowsPath, undefined);
    assert.equal(plugin.configureBundler({ workflowsPath: '/mine.ts' }).workflowsPath, '/mine.ts');
    const none = {} as { workflowsPath: string };
    assert.equal(plugin.configureBundler(none).workflowsPath, workflowsPath());
  });

  test('a second application changes nothing, but a foreign activity of the same name is refused', () => {
    const plugin = new RZeroPlugin({ database: UNUSED });
    const once = plugin.configureWorker({ taskQueue: 'r-zero' });
    assert.deepEqual(plugin.configureWorker(once), once);
    assert.throws(
      () => plugin.configureWorker({ taskQueue: 'r-zero', activities: { openRun: () => undefined } }),
      (error: unknown) => error instanceof RZeroError && error.field === 'activities.openRun',
    );
  });

  test('a worker without models says so when it is asked for one', async () => {
    await assert.rejects(NO_ENGINE.open({ path: 'x' }), { code: 'EngineUnavailable' });
  });
});

describe('a shared resource', () => {
  function counted(): { resource: SharedResource<string>; events: string[] } {
    const events: string[] = [];
    const resource = new SharedResource(async () => {
      events.push('open');
      await new Promise((resolve) => setTimeout(resolve, 5));
      return {
        value: `value ${events.length}`,
        close: async () => {
          await new Promise((resolve) => setTimeout(resolve, 5));
          events.push('close');
        },
      };
    });
    return { resource, events };
  }

  test('opens once for users at the same time, and closes with the last', async () => {
    const { resource, events } = counted();
    await Promise.all([
      resource.using(async () => {
        await resource.using(async () => assert.equal(resource.current, 'value 1'));
        assert.equal(resource.current, 'value 1', 'still open after the inner user has gone');
      }),
      resource.using(async () => assert.equal(resource.current, 'value 1')),
    ]);
    assert.deepEqual(events, ['open', 'close']);
    assert.throws(() => resource.current, { code: 'Internal' });
  });

  test('opens again after it was closed, never while it is closing', async () => {
    const { resource, events } = counted();
    let leave: () => void = () => undefined;
    const left = new Promise<void>((resolve) => (leave = resolve));
    const first = resource.using(async () => leave());
    await left;
    // One turn of the loop later it is closing, or closed already: both must lead to a new one.
    await new Promise((resolve) => setImmediate(resolve));
    await Promise.all([first, resource.using(async () => undefined)]);
    assert.deepEqual(events, ['open', 'close', 'open', 'close']);
  });

  test('closes when its user fails, and passes the failure on', async () => {
    const { resource, events } = counted();
    await assert.rejects(
      resource.using(async () => {
        throw new Error('worker failed');
      }),
      /worker failed/,
    );
    assert.deepEqual(events, ['open', 'close']);
  });

  test('a failure to open reaches every user, and the next one tries afresh', async () => {
    let attempts = 0;
    const resource = new SharedResource(async () => {
      attempts += 1;
      if (attempts === 1) throw new Error('no database');
      return { value: 'open', close: () => Promise.resolve() };
    });
    const users = await Promise.allSettled([1, 2].map(() => resource.using(async () => undefined)));
    assert.deepEqual(
      users.map(({ status }) => status),
      ['rejected', 'rejected'],
    );
    await resource.using(async () => assert.equal(resource.current, 'open'));
  });
});

describe('RZeroPlugin in real workers', () => {
  let server: TestWorkflowEnvironment;
  before(async () => {
    server = await startTestServer({ searchAttributes: false });
  });
  after(async () => await server.teardown());

  /** Everything but the audit is faked, so that database and engine are opened for it; no phase asks for an audit. */
  function fakeAllButAudit(): { fake: FakeActivities; activities: Partial<RZeroActivities> } {
    const fake = new FakeActivities({
      iterations: 1,
      units: [
        ['labelling', 1],
        ['gating', 1],
      ],
    });
    const activities: Partial<RZeroActivities> = { ...fake.activities };
    delete activities.auditLabels;
    return { fake, activities };
  }

  test('given to connection and worker, and to both workers of a process, it opens once, closes once and registers search attributes', async () => {
    const { url } = await createDatabase();
    const events: string[] = [];
    const engine = (): Engine => {
      events.push('open');
      return {
        ...NO_ENGINE,
        close: async () => {
          events.push('close');
        },
      };
    };
    const { fake, activities } = fakeAllButAudit();
    const plugin = new RZeroPlugin({ database: url, engine, activities });
    const connection = await NativeConnection.connect({ address: server.address, plugins: [plugin] });
    try {
      const client = new Client({ connection: server.connection, plugins: [plugin] });
      const taskQueue = uniqueName('twice');
      const common = { connection, plugins: [plugin] };
      const workflows = await Worker.create({ ...common, taskQueue, workflowBundle: await testBundle() });
      const gpu = await Worker.create({ ...common, taskQueue: `${taskQueue}-gpu` });
      await workflows.runUntil(() =>
        gpu.runUntil(async () => {
          const workflowId = uniqueName('r-zero/twice');
          const running = client.workflow.execute('rZeroRun', { workflowId, taskQueue });
          await Promise.race([running, fake.faulted]);
          assert.deepEqual(events, ['open']);
        }),
      );
      assert.deepEqual(events, ['open', 'close']);
    } finally {
      await connection.close();
    }
    const { customAttributes } = await server.connection.operatorService.listSearchAttributes({ namespace: 'default' });
    for (const name of ['RZeroRunId', 'RZeroIteration', 'RZeroPhase', 'RZeroStatus']) {
      assert.ok(customAttributes[name], `${name} is registered`);
    }
  });

  test("a pool and an engine of the user's own stay open when the worker stops", async () => {
    const { pool } = await createDatabase();
    let closed = 0;
    const engine: Engine = {
      ...NO_ENGINE,
      close: async () => {
        closed += 1;
      },
    };
    const plugin = new RZeroPlugin({ database: pool, engine });
    const gpu = await Worker.create({
      connection: server.nativeConnection,
      taskQueue: uniqueName('own-gpu'),
      plugins: [plugin],
    });
    // The SDK cannot stop a worker whose plugin is still opening, so the work must outlast that.
    await gpu.runUntil(() =>
      until(
        async () => gpu.getState(),
        (state) => state === 'RUNNING',
      ),
    );
    assert.equal(closed, 0);
    assert.equal((await pool.query('select 1')).rowCount, 1);
  });

  for (const [name, options, code] of [
    ['a database that lacks migrations', { migrated: false }, 'DatabaseNotMigrated'],
    ['a database that does not answer', undefined, 'DatabaseUnreachable'],
  ] as const) {
    test(`a worker with ${name} fails to start with ${code}, and closes what it opened`, async () => {
      const database = options ? (await createDatabase(options)).url : 'postgres://nobody@127.0.0.1:1/none';
      // Not a real worker: one that never comes to run cannot be disposed of, and would keep this process alive.
      const worker = { connection: undefined, options: { taskQueue: 'r-zero' } } as Worker;
      const plugin = new RZeroPlugin({ database });
      const running = plugin.runWorker(worker, () => assert.fail('it must not poll'));
      await assert.rejects(running, { code });
    });
  }
});
