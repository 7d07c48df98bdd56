import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import type { WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { pauseUpdate, resetToUpdate, resumeUpdate, statusQuery } from '../../workflows/messages.ts';
import type { RunStatusView } from '../../workflows/messages.ts';
import type { rZeroRun } from '../../workflows/run.ts';
import { FakeActivities, createGate } from '../support/fake-activities.ts';
import type { FakeOptions } from '../support/fake-activities.ts';
import { startTestServer, uniqueName, until, withWorkers } from '../support/temporal.ts';

type RunHandle = WorkflowHandle<typeof rZeroRun>;

describe('a run with a workflow', () => {
  let server: TestWorkflowEnvironment;
  before(async () => {
    server = await startTestServer();
  });
  after(async () => await server.teardown());

  async function withRun(
    options: FakeOptions,
    prepare: (fake: FakeActivities) => void,
    use: (handle: RunHandle, fake: FakeActivities) => Promise<void>,
  ): Promise<void> {
    const fake = new FakeActivities(options);
    prepare(fake);
    const taskQueue = uniqueName('reset');
    const runId = uniqueName('reset');
    await withWorkers(server.nativeConnection, { taskQueue, fake }, async () => {
      const handle = await server.client.workflow.start<typeof rZeroRun>('rZeroRun', {
        workflowId: `r-zero/${runId}`,
        taskQueue,
        args: [{ runId }],
      });
      await use(handle, fake);
    });
  }

  const reach = (handle: RunHandle, status: RunStatusView['status']) =>
    until(
      () => handle.query(statusQuery),
      (view) => view.status === status,
    );

  async function rejected(update: Promise<unknown>): Promise<ApplicationFailure> {
    const error = await update.then(
      () => assert.fail('the update should have been rejected'),
      (failure: unknown) => failure,
    );
    assert.ok(error instanceof WorkflowUpdateFailedError, String(error));
    return error.cause as ApplicationFailure;
  }

  /** Units done twice or more, in order. */
  const repeated = ({ units }: FakeActivities) => units.filter((unit, index) => units.indexOf(unit) < index);

  test('goes back when it is paused, also to an earlier iteration, and ends with all work done', async () => {
    const gate = createGate();
    await withRun(
      { iterations: 2 },
      (fake) => fake.before('labelling 2/1', gate.wait),
      async (handle, fake) => {
        await gate.reached;
        await handle.executeUpdate(pauseUpdate, { args: [{}] });
        gate.open();
        await reach(handle, 'paused');
        const request = { iteration: 1, phase: 'solver_training' as const, reason: 'better data' };
        const view = await handle.executeUpdate(resetToUpdate, { args: [request] });
        assert.equal(view.status, 'running');
        assert.equal(view.pauseRequested, false);
        assert.deepEqual(
          view.summaries.map(({ iteration }) => iteration),
          [0],
        );
        const result = await Promise.race([handle.result(), fake.faulted]);
        assert.equal(result.status, 'completed');
        assert.deepEqual(repeated(fake), [
          'solver_training 1/0',
          'solver_training 1/1',
          'evaluation 1/0',
          'audit 1/0',
          'challenger_training 2/0',
          'challenger_training 2/1',
          'dataset_generation 2/0',
          'dataset_generation 2/1',
          'labelling 2/0',
          'labelling 2/1',
        ]);
        assert.equal(fake.statuses.at(-1)?.status, 'completed');
      },
    );
  });

  test('goes back when it is parked, within the iteration or by itself', async () => {
    await withRun(
      { iterations: 1 },
      (fake) => fake.fail('solver_training 1/0', ApplicationFailure.nonRetryable('too few', 'TooFewQuestions')),
      async (handle, fake) => {
        await reach(handle, 'parked');
        await handle.executeUpdate(resetToUpdate, { args: [{ iteration: 1, phase: 'dataset_generation' }] });
        assert.equal((await Promise.race([handle.result(), fake.faulted])).status, 'completed');
        assert.deepEqual(repeated(fake), [
          'dataset_generation 1/0',
          'dataset_generation 1/1',
          'labelling 1/0',
          'labelling 1/1',
          'labelling 1/2',
          'gating 1/0',
        ]);
      },
    );
    await withRun(
      { iterations: 1 },
      (fake) => fake.fail('setRunStatus completed', ApplicationFailure.nonRetryable('no space', 'DiskFull')),
      async (handle, fake) => {
        await reach(handle, 'parked');
        const failure = await rejected(
          handle.executeUpdate(resetToUpdate, { args: [{ iteration: 1, phase: 'audit' }] }),
        );
        assert.match(failure.message, /All iterations are done and the run is closing/);
        await handle.executeUpdate(resumeUpdate, { args: [{}] });
        assert.equal((await Promise.race([handle.result(), fake.faulted])).status, 'completed');
      },
    );
  });

  test('is not torn from its work unasked, and stops it when asked', async () => {
    const gate = createGate();
    let isReset = false;
    await withRun(
      { iterations: 1 },
      (fake) =>
        fake.before('labelling 1/1', async () => {
          if (isReset) return;
          await gate.wait();
          // What the shard at work would have written, a database that was reset refuses.
          throw ApplicationFailure.nonRetryable('reset', 'DatabaseBehind');
        }),
      async (handle, fake) => {
        await gate.reached;
        const request = { iteration: 1, phase: 'dataset_generation' as const };
        const failure = await rejected(handle.executeUpdate(resetToUpdate, { args: [request] }));
        assert.equal(failure.type, 'RunInputInvalid');
        assert.match(failure.message, /at work\. Pause it first, or add "stop": true/);
        await handle.executeUpdate(resetToUpdate, { args: [{ ...request, stop: true }] });
        isReset = true;
        gate.open();
        assert.equal((await Promise.race([handle.result(), fake.faulted])).status, 'completed');
        assert.deepEqual(repeated(fake), ['dataset_generation 1/0', 'dataset_generation 1/1', 'labelling 1/0']);
        assert.ok(!fake.statuses.some(({ status }) => status === 'parked'));
      },
    );
  });

  test('a refusal leaves it as it is, with the words of the activity', async () => {
    await withRun(
      { iterations: 1 },
      (fake) => {
        fake.fail('gating 1/0', ApplicationFailure.nonRetryable('no', 'TooFewQuestions'));
        fake.fail(
          'resetRun 1 labelling',
          ApplicationFailure.nonRetryable('The checkpoints are gone.', 'CheckpointPruned'),
        );
        fake.fail('changeRunInput', ApplicationFailure.nonRetryable('"seed" may not change.', 'RunInputInvalid'));
      },
      async (handle, fake) => {
        await reach(handle, 'parked');
        const lost = await rejected(
          handle.executeUpdate(resetToUpdate, { args: [{ iteration: 1, phase: 'labelling' }] }),
        );
        assert.deepEqual([lost.type, lost.message], ['CheckpointPruned', 'The checkpoints are gone.']);
        const seed = await rejected(handle.executeUpdate(resumeUpdate, { args: [{ input: { seed: 2 } }] }));
        assert.deepEqual([seed.type, seed.message], ['RunInputInvalid', '"seed" may not change.']);
        assert.equal((await handle.query(statusQuery)).status, 'parked');
        await handle.executeUpdate(resumeUpdate, { args: [{ input: { gate: { minimumQuestions: 2 } }, by: 'alice' }] });
        assert.equal((await Promise.race([handle.result(), fake.faulted])).status, 'completed');
        assert.deepEqual(fake.inputs.at(-1), { gate: { minimumQuestions: 2 } });
        assert.deepEqual(repeated(fake), []);
      },
    );
  });

  test('rejects what is no place, at once, and says what is', async () => {
    await withRun(
      { iterations: 1 },
      (fake) => fake.fail('gating 1/0', ApplicationFailure.nonRetryable('no', 'TooFewQuestions')),
      async (handle) => {
        await reach(handle, 'parked');
        const cases: [unknown, RegExp][] = [
          [undefined, /iteration must be a whole number from 0, not nothing/],
          [{ iteration: 1.5, phase: 'gating' }, /iteration must be a whole number from 0, not 1.5/],
          [{ iteration: 1, phase: 'gate' }, /phase must be one of challenger_training, .*, not "gate"/],
          [{ iteration: 1, phase: 'gating', input: 3 }, /input must be one JSON object, not 3/],
          [{ iteration: 1, phase: 'gating', unit: 3 }, /resetTo has no field "unit"/],
        ];
        for (const [request, message] of cases) {
          const failure = await rejected(handle.executeUpdate(resetToUpdate, { args: [request as never] }));
          assert.match(failure.message, message);
        }
        await handle.terminate();
      },
    );
  });

  test('reads its plan again when the database knows less than it does, and goes on from there', async () => {
    await withRun(
      { iterations: 2 },
      (fake) => fake.fail('gating 2/0', ApplicationFailure.nonRetryable('restored', 'DatabaseBehind')),
      async (handle, fake) => {
        assert.equal((await Promise.race([handle.result(), fake.faulted])).status, 'completed');
        assert.equal(fake.calls.filter((call) => call === 'openRun').length, 2);
        assert.deepEqual(fake.inputs.at(-1), { runId: handle.workflowId.slice('r-zero/'.length), iterations: 2 });
        assert.deepEqual(repeated(fake), []);
        assert.ok(!fake.statuses.some(({ status }) => status === 'parked'));
      },
    );
  });
});
