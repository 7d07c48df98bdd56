import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { RZeroPlugin } from '../../infra/plugin.ts';
import { extendUpdate, pauseUpdate, resumeUpdate, statusQuery } from '../../workflows/messages.ts';
import type { rZeroRun } from '../../workflows/run.ts';
import { FakeActivities, createGate } from '../support/fake-activities.ts';
import { startTestServer, testBundle, uniqueName, until, withWorkers } from '../support/temporal.ts';

/** The JSON form that `temporal workflow show -o json` prints and a replay corpus holds. */
type HistoryJson = Record<string, unknown>;

describe('replay', () => {
  let server: TestWorkflowEnvironment;
  before(async () => {
    server = await startTestServer();
  });
  after(async () => await server.teardown());

  /** A run that is paused, extended and parked on its way; the caches are off when told so. */
  async function eventfulRun(maxCachedWorkflows?: number): Promise<{ fake: FakeActivities; workflowId: string }> {
    const gate = createGate();
    const fake = new FakeActivities({ iterations: 1 });
    fake.before('labelling 1/1', gate.wait);
    fake.fail('gating 1/0', ApplicationFailure.nonRetryable('too few', 'TooFewQuestions'));
    const taskQueue = uniqueName('replay');
    const workflowId = uniqueName('r-zero/replay');
    const workflowWorker = maxCachedWorkflows === undefined ? {} : { maxCachedWorkflows };
    await withWorkers(server.nativeConnection, { taskQueue, fake, workflowWorker }, async () => {
      const handle = await server.client.workflow.start<typeof rZeroRun>('rZeroRun', { workflowId, taskQueue });
      const reach = (status: string): Promise<unknown> =>
        until(
          () => handle.query(statusQuery),
          (view) => view.status === status,
        );
      await gate.reached;
      await handle.executeUpdate(pauseUpdate, { args: [{ reason: 'a test' }] });
      gate.open();
      await reach('paused');
      await handle.executeUpdate(extendUpdate, { args: [{}] });
      await handle.executeUpdate(resumeUpdate, { args: [{}] });
      await reach('parked');
      await handle.executeUpdate(resumeUpdate, { args: [{}] });
      const result = await handle.result();
      assert.equal(result.status, 'completed');
      assert.equal(result.finished, 3);
    });
    return { fake, workflowId };
  }

  async function historyOf(workflowId: string): Promise<HistoryJson> {
    const history = await server.client.workflow.getHandle(workflowId).fetchHistory();
    return JSON.parse(historyToJSON(history)) as HistoryJson;
  }

  test('a run and its iteration replay from their JSON histories through the plugin alone', async () => {
    const { workflowId } = await eventfulRun();
    const plugin = new RZeroPlugin({ database: 'postgres://not-opened' });
    for (const id of [workflowId, `${workflowId}/iteration-0`, `${workflowId}/iteration-1`]) {
      await Worker.runReplayHistory({ plugins: [plugin], workflowBundle: await testBundle() }, await historyOf(id), id);
    }
    // The plugin brings the workflows when no bundle is given.
    await Worker.runReplayHistory({ plugins: [plugin] }, await historyOf(workflowId), workflowId);
  });

  test('nights replay, and so does the run that parked under one', async () => {
    const runId = uniqueName('night');
    const taskQueue = uniqueName('night');
    const fake = new FakeActivities({ iterations: 1 });
    fake.storeIteration(runId, 0);
    fake.budget = { limits: { tokens: 9 }, spent: { engineMinutes: 0, minutes: 0, tokens: 1, questions: 0 } };
    fake.fail('gating 1/0', ApplicationFailure.nonRetryable('too few', 'TooFewQuestions'));
    fake.spentAfter = {
      call: 'solver_training 1/0',
      budget: { ...fake.budget, exhausted: 'The budget is spent: 9 of 9 tokens.' },
    };
    const ids = [`r-zero/${runId}`, `r-zero/${runId}/iteration-1`, ...['a', 'b'].map((night) => `${runId}-${night}`)];
    await withWorkers(server.nativeConnection, { taskQueue, fake }, async () => {
      const { workflow } = server.client;
      const night = (workflowId = ''): Promise<unknown> =>
        workflow.execute('rZeroNightly', { workflowId, taskQueue, args: [{ runId }] });
      await assert.rejects(night(ids[2]));
      const run = workflow.getHandle<typeof rZeroRun>(`r-zero/${runId}`);
      await run.executeUpdate(resumeUpdate, { args: [{}] });
      assert.equal((await run.result()).status, 'waiting');
      fake.budget = undefined;
      await night(ids[3]);
    });
    const plugin = new RZeroPlugin({ database: 'postgres://not-opened' });
    for (const id of ids) {
      await Worker.runReplayHistory({ plugins: [plugin], workflowBundle: await testBundle() }, await historyOf(id), id);
    }
  });

  test('a history that this code would not have made is refused', async () => {
    const { workflowId } = await eventfulRun();
    const text = JSON.stringify(await historyOf(workflowId)).replaceAll('/iteration-1"', '/iteration-7"');
    const plugin = new RZeroPlugin({ database: 'postgres://not-opened' });
    const replay = Worker.runReplayHistory(
      { plugins: [plugin], workflowBundle: await testBundle() },
      JSON.parse(text) as HistoryJson,
      workflowId,
    );
    await assert.rejects(replay, DeterminismViolationError);
  });

  test('without a workflow cache, every task replays from the start and nothing changes', async () => {
    const { fake } = await eventfulRun(0);
    assert.equal(new Set(fake.units).size, fake.units.length);
    assert.equal(fake.units.length, 1 + 2 * 12);
  });

  test('payloads of a run stay small: no event above 4 kB', async () => {
    const { workflowId } = await eventfulRun();
    for (const id of [workflowId, `${workflowId}/iteration-1`]) {
      const { events } = (await historyOf(id)) as { events: unknown[] };
      const largest = Math.max(...events.map((event) => JSON.stringify(event).length));
      assert.ok(largest < 4096, `${id} has an event of ${largest} bytes`);
    }
  });
});
