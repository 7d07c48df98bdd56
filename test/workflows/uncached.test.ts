import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { extendUpdate, pauseUpdate, resumeUpdate, statusQuery } from '../../workflows/messages.ts';
import type { rZeroRun } from '../../workflows/run.ts';
import { FakeActivities, createGate } from '../support/fake-activities.ts';
import { startTestServer, uniqueName, until, withWorkers } from '../support/temporal.ts';

/** The JSON form that `temporal workflow show -o json` prints and a replay corpus holds. */
type HistoryJson = Record<string, unknown>;

describe('a run with pauses, an extension and a failure', () => {
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
