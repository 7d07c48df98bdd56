import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { WorkflowFailedError, WorkflowUpdateFailedError } from '@temporalio/client';
import type { WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import {
  cancelAfterPhaseUpdate,
  extendUpdate,
  pauseUpdate,
  resumeUpdate,
  statusQuery,
} from '../../workflows/messages.ts';
import type { RunStatusView } from '../../workflows/messages.ts';
import type { rZeroRun } from '../../workflows/run.ts';
import { FakeActivities, createGate } from '../support/fake-activities.ts';
import type { FakeOptions } from '../support/fake-activities.ts';
import { startTestServer, uniqueName, until, withWorkers } from '../support/temporal.ts';

type RunHandle = WorkflowHandle<typeof rZeroRun>;

describe('steering a run', () => {
  let server: TestWorkflowEnvironment;
  before(async () => {
    server = await startTestServer();
  });
  after(async () => await server.teardown());

  async function steer(
    options: FakeOptions,
    prepare: (fake: FakeActivities) => void,
    use: (handle: RunHandle, fake: FakeActivities) => Promise<void>,
  ): Promise<void> {
    const fake = new FakeActivities(options);
    prepare(fake);
    const taskQueue = uniqueName('steer');
    const runId = uniqueName('steered');
    await withWorkers(server.nativeConnection, { taskQueue, fake }, async () => {
      const handle = await server.client.workflow.start<typeof rZeroRun>('rZeroRun', {
        workflowId: `r-zero/${runId}`,
        taskQueue,
        args: [{ runId }],
      });
      await use(handle, fake);
    });
  }

  async function reach(handle: RunHandle, status: RunStatusView['status']): Promise<RunStatusView> {
    return await until(
      () => handle.query(statusQuery),
      (view) => view.status === status,
    );
  }

  async function rejection(update: Promise<unknown>): Promise<string> {
    const error = await update.then(
      () => assert.fail('the update should have been rejected'),
      (failure: unknown) => failure,
    );
    assert.ok(error instanceof WorkflowUpdateFailedError, String(error));
    assert.ok(error.cause instanceof ApplicationFailure);
    assert.equal(error.cause.type, 'RunInputInvalid');
    return error.cause.message;
  }

  test('pauses after the unit at work, stays paused, and resumes with the next unit', async () => {
    const gate = createGate();
    await steer(
      { iterations: 1 },
      (fake) => fake.before('labelling 1/1', gate.wait),
      async (handle, fake) => {
        await gate.reached;
        const asked = await handle.executeUpdate(pauseUpdate, { args: [{ reason: 'new drivers' }] });
        assert.equal(asked.status, 'running', 'the unit at work still ends');
        assert.equal(asked.pauseRequested, true);
        gate.open();
        const paused = await reach(handle, 'paused');
        assert.equal(paused.reason, 'new drivers');
        assert.equal(paused.phase, 'labelling');
        assert.equal(paused.unit, 2);
        await until(
          async () => fake.statuses.at(-1),
          (change) => change?.status === 'paused',
        );
        const before = fake.units.length;
        await new Promise((resolve) => setTimeout(resolve, 500));
        assert.equal(fake.units.length, before, 'nothing runs while it is paused');
        assert.equal(fake.units.at(-1), 'labelling 1/1');

        await handle.executeUpdate(resumeUpdate, { args: [{}] });
        const result = await handle.result();
        assert.equal(result.status, 'completed');
        assert.equal(fake.units.indexOf('labelling 1/2'), before);
        assert.deepEqual(
          fake.statuses.map(({ status }) => status),
          ['paused', 'running', 'completed'],
        );
      },
    );
  });

  test('a pause that is taken back before the unit ends never stops the run', async () => {
    const gate = createGate();
    await steer(
      { iterations: 1 },
      (fake) => fake.before('gating 1/0', gate.wait),
      async (handle, fake) => {
        await gate.reached;
        await handle.executeUpdate(pauseUpdate, { args: [undefined] });
        await handle.executeUpdate(resumeUpdate, { args: [undefined] });
        gate.open();
        await handle.result();
        assert.deepEqual(
          fake.statuses.map(({ status }) => status),
          ['completed'],
        );
      },
    );
  });

  test('a pause while the last unit of an iteration is at work holds the run before the next iteration', async () => {
    const gate = createGate();
    await steer(
      { iterations: 2 },
      (fake) => fake.before('audit 1/0', gate.wait),
      async (handle, fake) => {
        await gate.reached;
        await handle.executeUpdate(pauseUpdate, { args: [{}] });
        gate.open();
        await reach(handle, 'paused');
        assert.ok(fake.calls.includes('finishIteration 1'));
        assert.ok(!fake.calls.includes('beginIteration 2'));
        await handle.executeUpdate(resumeUpdate, { args: [{}] });
        assert.equal((await handle.result()).finished, 3);
      },
    );
  });

  test('parks on a failure that no retry can mend, and resume runs the same unit again', async () => {
    await steer(
      { iterations: 1 },
      (fake) =>
        fake.fail(
          'solver_training 1/1',
          ApplicationFailure.nonRetryable('model.safetensors differs', 'CheckpointCorrupt'),
        ),
      async (handle, fake) => {
        const parked = await reach(handle, 'parked');
        assert.match(parked.reason ?? '', /train solver step 2\/2: CheckpointCorrupt: model\.safetensors differs/);
        assert.equal(parked.phase, 'solver_training');
        assert.equal(parked.unit, 1);
        await until(
          async () => fake.statuses.at(-1)?.status,
          (status) => status === 'parked',
        );
        assert.match(fake.statuses.at(-1)?.reason ?? '', /CheckpointCorrupt/);

        await handle.executeUpdate(resumeUpdate, { args: [{}] });
        const result = await handle.result();
        assert.equal(result.status, 'completed');
        assert.deepEqual(fake.units.slice(-4), [
          'solver_training 1/0',
          'solver_training 1/1',
          'evaluation 1/0',
          'audit 1/0',
        ]);
        assert.deepEqual(
          fake.statuses.map(({ status }) => status),
          ['parked', 'running', 'completed'],
        );
      },
    );
  });

  test('parks again when the mended unit fails again, and takes every resume', async () => {
    await steer(
      { iterations: 1 },
      (fake) => fake.fail('gating 1/0', ApplicationFailure.nonRetryable('3 of 8 questions', 'TooFewQuestions'), 2),
      async (handle, fake) => {
        await reach(handle, 'parked');
        await handle.executeUpdate(resumeUpdate, { args: [{}] });
        await until(
          async () => fake.calls.filter((call) => call === 'gating 1/0 failed').length,
          (failures) => failures === 2,
        );
        await reach(handle, 'parked');
        await handle.executeUpdate(resumeUpdate, { args: [{}] });
        assert.equal((await handle.result()).status, 'completed');
      },
    );
  });

  test('goes on although the note that it is parked could not be written', async () => {
    await steer(
      { iterations: 1 },
      (fake) => {
        fake.fail('gating 1/0', ApplicationFailure.nonRetryable('too few', 'TooFewQuestions'));
        fake.fail('setRunStatus parked', ApplicationFailure.nonRetryable('no disk', 'DiskFull'));
      },
      async (handle) => {
        await reach(handle, 'parked');
        await handle.executeUpdate(resumeUpdate, { args: [{}] });
        assert.equal((await handle.result()).status, 'completed');
      },
    );
  });

  test('an iteration that is terminated by hand parks the run; resume starts the iteration again', async () => {
    const gate = createGate();
    await steer(
      { iterations: 1 },
      (fake) => fake.before('labelling 1/0', gate.wait),
      async (handle) => {
        await gate.reached;
        await server.client.workflow.getHandle(`${handle.workflowId}/iteration-1`).terminate('by hand');
        gate.open();
        const parked = await reach(handle, 'parked');
        assert.match(parked.reason ?? '', /Iteration 1 ended unexpectedly\. It was terminated by hand/);
        await handle.executeUpdate(resumeUpdate, { args: [{}] });
        assert.equal((await handle.result()).status, 'completed');
      },
    );
  });

  test('an end that cannot be stored parks the run instead of leaving the row at "running"', async () => {
    await steer(
      { iterations: 1 },
      (fake) => fake.fail('setRunStatus completed', ApplicationFailure.nonRetryable('no disk', 'DiskFull')),
      async (handle, fake) => {
        const parked = await reach(handle, 'parked');
        assert.match(parked.reason ?? '', /its end could not be stored/);
        assert.match(await rejection(handle.executeUpdate(extendUpdate, { args: [{}] })), /closing/);
        await handle.executeUpdate(resumeUpdate, { args: [{}] });
        assert.equal((await handle.result()).status, 'completed');
        assert.equal(fake.statuses.at(-1)?.status, 'completed');
      },
    );
  });

  test('extend while the last iteration is at work adds iterations', async () => {
    const gate = createGate();
    await steer(
      { iterations: 1 },
      (fake) => fake.before('audit 1/0', gate.wait),
      async (handle, fake) => {
        await gate.reached;
        const one = await handle.executeUpdate(extendUpdate, { args: [undefined] });
        assert.equal(one.iterations, 2, 'one more by default');
        const three = await handle.executeUpdate(extendUpdate, { args: [{ iterations: 3 }] });
        assert.equal(three.iterations, 3);
        gate.open();
        const result = await handle.result();
        assert.equal(result.iterations, 3);
        assert.equal(result.finished, 4);
        assert.ok(fake.calls.includes('finishIteration 3'));
      },
    );
  });

  test('a refusal of extendRun reaches the person with its code', async () => {
    const gate = createGate();
    await steer(
      { iterations: 1 },
      (fake) => {
        fake.before('audit 1/0', gate.wait);
        fake.fail('extendRun', ApplicationFailure.nonRetryable('iterations is taken', 'RunInputInvalid'));
      },
      async (handle) => {
        await gate.reached;
        assert.equal(
          await rejection(handle.executeUpdate(extendUpdate, { args: [{ iterations: 9 }] })),
          'iterations is taken',
        );
        gate.open();
        assert.equal((await handle.result()).iterations, 1);
      },
    );
  });

  test('cancelAfterPhase ends the run when the phase at work is finished', async () => {
    const gate = createGate();
    await steer(
      { iterations: 2 },
      (fake) => fake.before('labelling 1/0', gate.wait),
      async (handle, fake) => {
        await gate.reached;
        await handle.executeUpdate(cancelAfterPhaseUpdate, { args: [{ reason: 'enough for tonight' }] });
        gate.open();
        const result = await handle.result();
        assert.equal(result.status, 'cancelled');
        assert.equal(result.message, 'enough for tonight');
        assert.equal(fake.units.at(-1), 'labelling 1/2');
        assert.deepEqual(
          fake.statuses.map(({ status, reason }) => [status, reason]),
          [['cancelled', 'enough for tonight']],
        );
      },
    );
  });

  test('every order has a reason of its own: none is taken from an earlier order', async () => {
    const gate = createGate();
    await steer(
      { iterations: 1 },
      (fake) => fake.before('labelling 1/0', gate.wait),
      async (handle, fake) => {
        await gate.reached;
        await handle.executeUpdate(pauseUpdate, { args: [{ reason: 'new drivers' }] });
        gate.open();
        assert.equal((await reach(handle, 'paused')).reason, 'new drivers');

        const second = createGate();
        fake.before('labelling 1/2', second.wait);
        const resumed = await handle.executeUpdate(resumeUpdate, { args: [{ reason: 'drivers are in' }] });
        assert.equal(resumed.reason, 'drivers are in');
        const running = await until(
          () => handle.query(statusQuery),
          (view) => view.unit === 2,
        );
        assert.equal(running.reason, 'drivers are in', 'it stays in sight while the iteration goes on');

        await handle.executeUpdate(cancelAfterPhaseUpdate, { args: [{}] });
        second.open();
        const result = await handle.result();
        assert.equal(result.message, 'Ended after its phase, as asked.');
        assert.deepEqual(
          fake.statuses.map(({ status, reason }) => [status, reason]),
          [
            ['paused', 'new drivers'],
            ['running', undefined],
            ['cancelled', 'Ended after its phase, as asked.'],
          ],
        );
      },
    );
  });

  test('a pause without a reason does not show that of an earlier pause', async () => {
    const gates = [createGate(), createGate()];
    await steer(
      { iterations: 1 },
      (fake) => gates.forEach((gate, unit) => fake.before(`labelling 1/${unit}`, gate.wait)),
      async (handle) => {
        for (const [gate, reason] of [
          [gates[0], 'new drivers'],
          [gates[1], undefined],
        ] as const) {
          await gate?.reached;
          await handle.executeUpdate(pauseUpdate, { args: [reason === undefined ? {} : { reason }] });
          gate?.open();
          assert.equal((await reach(handle, 'paused')).reason, reason);
          await handle.executeUpdate(resumeUpdate, { args: [{}] });
        }
        await handle.result();
      },
    );
  });

  test('cancelAfterPhase ends a parked run at once', async () => {
    await steer(
      { iterations: 1 },
      (fake) => fake.fail('gating 1/0', ApplicationFailure.nonRetryable('too few', 'TooFewQuestions')),
      async (handle, fake) => {
        await reach(handle, 'parked');
        await handle.executeUpdate(cancelAfterPhaseUpdate, { args: [{}] });
        assert.equal((await handle.result()).status, 'cancelled');
        assert.equal(fake.units.at(-1), 'labelling 1/2');
      },
    );
  });

  test('cancellation ends the iteration, notes "cancelled" in the row and closes as cancelled', async () => {
    await steer(
      { iterations: 1 },
      (fake) => fake.fail('gating 1/0', ApplicationFailure.nonRetryable('too few', 'TooFewQuestions')),
      async (handle, fake) => {
        await reach(handle, 'parked');
        await handle.cancel();
        const error = await handle.result().then(
          () => assert.fail('it should have been cancelled'),
          (failure: unknown) => failure,
        );
        assert.ok(error instanceof WorkflowFailedError);
        assert.ok(error.cause instanceof CancelledFailure);
        assert.equal(fake.statuses.at(-1)?.status, 'cancelled');
        assert.equal((await handle.describe()).status.name, 'CANCELLED');
        const child = server.client.workflow.getHandle(`${handle.workflowId}/iteration-1`);
        assert.equal((await child.describe()).status.name, 'CANCELLED');
      },
    );
  });

  test('validators reject bad requests at once, with what is allowed', async () => {
    const gate = createGate();
    await steer(
      { iterations: 3 },
      (fake) => fake.before('labelling 1/0', gate.wait),
      async (handle, fake) => {
        await gate.reached;
        const send = (name: string, request: unknown): Promise<string> =>
          rejection(handle.executeUpdate(name, { args: [request] }));
        assert.match(await send('resume', {}), /neither paused nor parked/);
        assert.match(await send('extend', { iterations: 3 }), /above 3, which is planned now/);
        assert.match(await send('extend', { iterations: 2.5 }), /whole number, not 2\.5/);
        assert.match(await send('extend', { iterations: '5' }), /whole number, not "5"/);
        assert.match(await send('extend', { iterations: 5000 }), /at most 1000/);
        assert.match(await send('extend', { iteration: 5 }), /no field "iteration".*Known: iterations/);
        assert.match(await send('pause', 'now'), /one JSON object or nothing, not "now"/);
        assert.match(await send('pause', [1]), /not a list/);
        assert.match(await send('pause', { reason: 'x'.repeat(201) }), /at most 200 characters/);
        assert.match(await send('pause', { reason: 5 }), /reason must be a text/);
        assert.match(await send('cancelAfterPhase', { now: true }), /no field "now"/);
        gate.open();
        await handle.executeUpdate(cancelAfterPhaseUpdate, { args: [{}] });
        await handle.result();
        assert.ok(!fake.calls.includes('extendRun'));
      },
    );
  });

  test('the handlers of a run tell the UI what they do', async () => {
    await steer(
      { iterations: 1 },
      (fake) => fake.fail('gating 1/0', ApplicationFailure.nonRetryable('too few', 'TooFewQuestions')),
      async (handle) => {
        await reach(handle, 'parked');
        const metadata = await handle.query<{
          definition: { updateDefinitions: { name: string; description: string }[] };
        }>('__temporal_workflow_metadata');
        const updates = metadata.definition.updateDefinitions.filter(({ name }) => !name.startsWith('__'));
        assert.deepEqual(updates.map(({ name }) => name).sort(), [
          'cancelAfterPhase',
          'extend',
          'pause',
          'resetTo',
          'resume',
        ]);
        for (const { name, description } of updates) assert.ok(description.length > 20, `${name} has no description`);
        await handle.executeUpdate(cancelAfterPhaseUpdate, { args: [{}] });
        await handle.result();
      },
    );
  });
});
