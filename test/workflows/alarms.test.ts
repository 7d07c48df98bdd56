import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { WorkflowHandle } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { AlarmVerdict } from '../../activities/contract.ts';
import { resumeUpdate, statusQuery } from '../../workflows/messages.ts';
import type { rZeroRun } from '../../workflows/run.ts';
import { FakeActivities } from '../support/fake-activities.ts';
import { startTestServer, uniqueName, until, withWorkers } from '../support/temporal.ts';

describe('a run whose alarms are raised', () => {
  let server: TestWorkflowEnvironment;
  before(async () => {
    server = await startTestServer();
  });
  after(async () => await server.teardown());

  async function withRun(
    alarms: Record<string, AlarmVerdict>,
    use: (handle: WorkflowHandle<typeof rZeroRun>, fake: FakeActivities) => Promise<void>,
  ): Promise<void> {
    const fake = new FakeActivities({ iterations: 2 });
    for (const [place, verdict] of Object.entries(alarms)) fake.alarms.set(place, verdict);
    const name = uniqueName('alarm');
    await withWorkers(server.nativeConnection, { taskQueue: name, fake }, async () => {
      const handle = await server.client.workflow.start<typeof rZeroRun>('rZeroRun', {
        workflowId: `r-zero/${name}`,
        taskQueue: name,
        args: [{ runId: name }],
      });
      await use(handle, fake);
    });
  }

  const reason = 'Alarm labelAccuracy: 20.0 % of the kept labels were true.';

  test('goes on after a note', async () => {
    await withRun({ '1 labelling': { raised: ['solveRates'], action: 'none' } }, async (handle, fake) => {
      assert.equal((await Promise.race([handle.result(), fake.faulted])).status, 'completed');
    });
  });

  test('waits for a person with the reason, and goes on where it stood', async () => {
    await withRun({ '1 audit': { raised: ['labelAccuracy'], action: 'pause', reason } }, async (handle, fake) => {
      const view = await until(
        () => handle.query(statusQuery),
        ({ status }) => status === 'parked',
      );
      assert.equal(view.reason, reason);
      assert.deepEqual(view.alarms, ['labelAccuracy']);
      const { currentDetails } = await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata');
      assert.match(currentDetails, /Alarms.{1,12}`labelAccuracy`/);
      await handle.executeUpdate(resumeUpdate, { args: [{ reason: 'known' }] });
      assert.equal((await Promise.race([handle.result(), fake.faulted])).status, 'completed');
      assert.equal(new Set(fake.units).size, fake.units.length);
    });
  });

  test('ends before the next phase when it is to stop', async () => {
    await withRun(
      { '1 gating': { raised: [], action: 'stop' }, '1 labelling': { raised: ['solveRates'], action: 'stop', reason } },
      async (handle, fake) => {
        const result = await Promise.race([handle.result(), fake.faulted]);
        assert.deepEqual([result.status, result.message], ['cancelled', reason]);
        assert.equal(fake.units.at(-1), 'labelling 1/2');
        assert.deepEqual(
          fake.statuses.map(({ status }) => status),
          ['cancelled'],
        );
      },
    );
  });

  const rollback = (stop: boolean): AlarmVerdict => ({
    raised: ['heldOut'],
    action: 'rollback',
    reason,
    rollback: { iteration: 1, phase: 'challenger_training', by: 'alarm', stop, input: { gate: { lower: 0.35 } } },
  });

  test('does again what a roll-back gives up, and ends with all work done', async () => {
    await withRun({ '2 evaluation': rollback(false) }, async (handle, fake) => {
      fake.before('resetRun 1 challenger_training', () => {
        fake.alarms.clear();
        return Promise.resolve();
      });
      const result = await Promise.race([handle.result(), fake.faulted]);
      assert.equal(result.status, 'completed');
      assert.deepEqual(
        result.summaries.map(({ iteration }) => iteration),
        [0, 1, 2],
      );
      assert.equal(fake.units.filter((unit) => unit === 'evaluation 2/0').length, 2);
      assert.equal(fake.units.filter((unit) => unit === 'evaluation 0/0').length, 1);
    });
  });

  test('ends at its best iteration when it was rolled back often enough', async () => {
    await withRun({ '2 evaluation': rollback(true) }, async (handle, fake) => {
      const result = await Promise.race([handle.result(), fake.faulted]);
      assert.deepEqual([result.status, result.message], ['cancelled', reason]);
      assert.ok(fake.calls.includes('resetRun 1 challenger_training'));
      assert.equal(fake.units.at(-1), 'evaluation 2/0');
    });
  });
});
