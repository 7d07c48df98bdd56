import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { WorkflowHandle } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, bundleWorkflowCode } from '@temporalio/worker';
import { workflowsPath } from '../../infra/plugin.ts';
import { cancelAfterPhaseUpdate, pauseUpdate, resumeUpdate } from '../../workflows/messages.ts';
import type { RunResult } from '../../workflows/messages.ts';
import type { rZeroRun } from '../../workflows/run.ts';
import { FakeActivities, createGate } from '../support/fake-activities.ts';
import { startTestServer, uniqueName, until, withWorkers } from '../support/temporal.ts';

type RunHandle = WorkflowHandle<typeof rZeroRun>;

describe('orders that come while an iteration is being started', () => {
  let server: TestWorkflowEnvironment;
  let workflowBundle: { code: string };
  before(async () => {
    server = await startTestServer();
    workflowBundle = await bundleWorkflowCode({
      workflowsPath: workflowsPath(),
      workflowInterceptorModules: [fileURLToPath(new URL('./support/slow-messages.ts', import.meta.url))],
      logger: new DefaultLogger('ERROR'),
    });
  });
  after(async () => await server.teardown());

  /** Pauses while iteration 0 is being started, and gives the second order while that pause is on its way to it. */
  async function runWithOrders(secondOrder: (handle: RunHandle) => Promise<unknown>): Promise<RunResult> {
    const fake = new FakeActivities({ iterations: 1, units: [['audit', 1]] });
    const begun = createGate();
    fake.before('beginIteration 0', begun.wait);
    const taskQueue = uniqueName('start');
    return await withWorkers(
      server.nativeConnection,
      { taskQueue, fake, workflowWorker: { workflowBundle } },
      async () => {
        const handle = await server.client.workflow.start<typeof rZeroRun>('rZeroRun', {
          workflowId: uniqueName('r-zero/start'),
          taskQueue,
        });
        await begun.reached;
        await handle.executeUpdate(pauseUpdate, { args: [{}] });
        assert.equal(await timers(handle), 1, 'the run does not know yet that its iteration has started');
        await until(
          () => timers(handle),
          (count) => count === 2,
        );
        await secondOrder(handle);
        await until(
          () => signals(`${handle.workflowId}/iteration-0`),
          (count) => count >= 1,
        );
        begun.open();
        return await Promise.race([handle.result(), stuck(handle)]);
      },
    );
  }

  /** Timers that the run has started: the first for the start of its iteration, then one for each signal to it. */
  async function timers(handle: RunHandle): Promise<number> {
    const { events } = await handle.fetchHistory();
    return events?.filter((event) => event.timerStartedEventAttributes).length ?? 0;
  }

  async function signals(workflowId: string): Promise<number> {
    const { events } = await server.client.workflow.getHandle(workflowId).fetchHistory();
    return events?.filter((event) => event.workflowExecutionSignaledEventAttributes).length ?? 0;
  }

  async function stuck(handle: RunHandle): Promise<never> {
    await new Promise((resolve) => setTimeout(resolve, 20_000).unref());
    throw new Error(`The run stands still: ${JSON.stringify(await handle.query('status'))}`);
  }

  test('a resume is not lost behind the pause before it', async () => {
    const result = await runWithOrders((handle) => handle.executeUpdate(resumeUpdate, { args: [{}] }));
    assert.equal(result.status, 'completed');
  });

  test('an order to end the run is not lost behind the pause before it', async () => {
    const result = await runWithOrders((handle) => handle.executeUpdate(cancelAfterPhaseUpdate, { args: [{}] }));
    assert.equal(result.status, 'cancelled');
  });
});
