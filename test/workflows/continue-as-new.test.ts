import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { pauseUpdate, resumeUpdate, statusQuery } from '../../workflows/messages.ts';
import type { rZeroRun } from '../../workflows/run.ts';
import { FakeActivities, createGate } from '../support/fake-activities.ts';
import { startTestServer, uniqueName, until, withWorkers } from '../support/temporal.ts';

describe('continue-as-new, suggested by the server after a few events', () => {
  let server: TestWorkflowEnvironment;
  before(async () => {
    server = await startTestServer({ dynamicConfig: { 'limit.historyCount.suggestContinueAsNew': 30 } });
  });
  after(async () => await server.teardown());

  test('run and iterations go on in fresh histories without losing or repeating a unit', async () => {
    const fake = new FakeActivities({ iterations: 2 });
    const taskQueue = uniqueName('renew');
    const runId = uniqueName('renewed');
    await withWorkers(server.nativeConnection, { taskQueue, fake }, async () => {
      const handle = await server.client.workflow.start<typeof rZeroRun>('rZeroRun', {
        workflowId: `r-zero/${runId}`,
        taskQueue,
        args: [{ seed: 4 }],
      });
      const result = await handle.result();
      assert.equal(result.runId, runId);
      assert.equal(result.finished, 3, 'the count is carried over');
      assert.deepEqual(
        result.summaries.map(({ iteration }) => iteration),
        [0, 1, 2],
      );
    });
    assert.equal(new Set(fake.units).size, fake.units.length, 'no unit ran twice');
    assert.equal(fake.units.length, 1 + 2 * 12);
    assert.ok(fake.inputs.length > 1, 'the run continued as new at least once');
    for (const input of fake.inputs.slice(1)) assert.deepEqual(input, { seed: 4, runId, iterations: 2 });
    assert.ok(
      fake.calls.filter((call) => call === 'beginIteration 1').length > 1,
      'the iteration continued as new at least once',
    );
  });

  test(
    'an alarm that a person has seen right before it is not raised once more after it',
    { timeout: 60_000 },
    async () => {
      const fake = new FakeActivities({
        iterations: 1,
        units: [
          ['labelling', 2],
          ['evaluation', 2],
        ],
      });
      fake.alarms.set('1 labelling', { raised: ['solveRates'], action: 'pause', reason: 'Alarm solveRates.' });
      const taskQueue = uniqueName('alarmed');
      const workflowId = uniqueName('r-zero/alarmed');
      await withWorkers(server.nativeConnection, { taskQueue, fake }, async () => {
        const handle = await server.client.workflow.start<typeof rZeroRun>('rZeroRun', { workflowId, taskQueue });
        await until(
          () => handle.query(statusQuery),
          ({ status }) => status === 'parked',
        );
        // The history grows, and the next unit finds that it is time to continue as new.
        const iteration = server.client.workflow.getHandle(`${workflowId}/iteration-1`);
        for (let count = 0; count < 30; count++) await iteration.signal('iterationControl', { version: 0 });
        await handle.executeUpdate(resumeUpdate, { args: [{}] });
        assert.equal((await handle.result()).status, 'completed');
      });
      assert.ok(fake.calls.filter((call) => call === 'beginIteration 1').length > 1, 'the iteration continued as new');
      assert.equal(fake.statuses.filter(({ status }) => status === 'parked').length, 1);
    },
  );

  test('an order given before it still holds after it', async () => {
    const gate = createGate();
    const fake = new FakeActivities({ iterations: 1, units: [['labelling', 40]] });
    fake.before('labelling 1/20', gate.wait);
    fake.fail('labelling 1/30', ApplicationFailure.nonRetryable('broken', 'CheckpointCorrupt'));
    const taskQueue = uniqueName('orders');
    await withWorkers(server.nativeConnection, { taskQueue, fake }, async () => {
      const handle = await server.client.workflow.start<typeof rZeroRun>('rZeroRun', {
        workflowId: uniqueName('r-zero/orders'),
        taskQueue,
      });
      const reach = (status: string): Promise<unknown> =>
        until(
          () => handle.query(statusQuery),
          (view) => view.status === status,
        );
      await gate.reached;
      await handle.executeUpdate(pauseUpdate, { args: [{}] });
      gate.open();
      await reach('paused');
      await handle.executeUpdate(resumeUpdate, { args: [{}] });
      await reach('parked');
      await handle.executeUpdate(resumeUpdate, { args: [{}] });
      assert.equal((await handle.result()).status, 'completed');
    });
    assert.equal(new Set(fake.units).size, 41);
    assert.equal(fake.units.length, 41);
  });
});
