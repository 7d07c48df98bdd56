import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { RunInput } from '../../activities/contract.ts';
import type { RunResult } from '../../workflows/messages.ts';
import { FakeActivities } from '../support/fake-activities.ts';
import type { FakeOptions } from '../support/fake-activities.ts';
import { startTestServer, uniqueName, withWorkers } from '../support/temporal.ts';

describe('rZeroRun', () => {
  let server: TestWorkflowEnvironment;
  before(async () => {
    server = await startTestServer();
  });
  after(async () => await server.teardown());

  async function execute(fake: FakeActivities, workflowId: string, args: [RunInput?]): Promise<RunResult> {
    const taskQueue = uniqueName('run');
    return await withWorkers(server.nativeConnection, { taskQueue, fake }, () =>
      server.client.workflow.execute('rZeroRun', { workflowId, taskQueue, args }),
    );
  }

  async function executeFailing(fake: FakeActivities, args: unknown[]): Promise<ApplicationFailure> {
    const error = await execute(fake, uniqueName('r-zero/bad'), args as [RunInput?]).then(
      () => assert.fail('the run should have failed'),
      (failure: unknown) => failure,
    );
    assert.ok(error instanceof WorkflowFailedError);
    assert.ok(error.cause instanceof ApplicationFailure);
    return error.cause;
  }

  test('evaluates the base model, then goes through every phase of every iteration in order', async () => {
    const runId = uniqueName('order');
    const fake = new FakeActivities({ iterations: 2 });
    const result = await execute(fake, `r-zero/${runId}`, [{ runId }]);

    const iteration = (n: number): string[] => [
      `beginIteration ${n}`,
      `challenger_training ${n}/0`,
      `challenger_training ${n}/1`,
      `dataset_generation ${n}/0`,
      `dataset_generation ${n}/1`,
      `labelling ${n}/0`,
      `labelling ${n}/1`,
      `labelling ${n}/2`,
      `gating ${n}/0`,
      `solver_training ${n}/0`,
      `solver_training ${n}/1`,
      `evaluation ${n}/0`,
      `audit ${n}/0`,
      `pruneCheckpoints ${n}`,
      `finishIteration ${n}`,
    ];
    assert.deepEqual(fake.calls, [
      'openRun',
      'beginIteration 0',
      'evaluation 0/0',
      'finishIteration 0',
      ...iteration(1),
      ...iteration(2),
      'setRunStatus completed',
    ]);
    assert.equal(result.status, 'completed');
    assert.equal(result.runId, runId);
    assert.equal(result.finished, 3);
    assert.deepEqual(
      result.summaries.map(({ iteration: n, metrics }) => [n, metrics['kept']]),
      [
        [0, 10],
        [1, 11],
        [2, 12],
      ],
    );
  });

  for (const [name, args] of [
    ['{}', [{}]],
    ['no input at all', []],
    ['null', [null]],
  ] as const) {
    test(`starts with ${name} and names the run after the workflow`, async () => {
      const runId = uniqueName('empty');
      const options: FakeOptions = { iterations: 1 };
      const fake = new FakeActivities(options);
      fake.store(runId, 0, 'evaluation', 0);
      const result = await execute(fake, `r-zero/${runId}`, args as unknown as [RunInput?]);
      assert.deepEqual(fake.inputs, [{}]);
      assert.equal(result.runId, runId);
      assert.equal(result.finished, 2);
    });
  }

  test('hands all input fields to openRun untouched', async () => {
    const fake = new FakeActivities({ iterations: 1 });
    const input = { runId: uniqueName('fields'), iterations: 1, solver: { steps: 3 }, seed: 7 };
    await execute(fake, uniqueName('r-zero/fields'), [input]);
    assert.deepEqual(fake.inputs, [input]);
  });

  test('continues a run in the middle of an iteration with the first unit that is not stored', async () => {
    const runId = uniqueName('middle');
    const fake = new FakeActivities({ iterations: 2 });
    fake.storeIteration(runId, 0);
    fake.storeIteration(runId, 1);
    fake.store(runId, 2, 'challenger_training', 2);
    fake.store(runId, 2, 'dataset_generation', 2);
    fake.store(runId, 2, 'labelling', 1);
    const result = await execute(fake, `r-zero/${runId}`, [{ runId }]);
    assert.deepEqual(fake.units, [
      'labelling 2/1',
      'labelling 2/2',
      'gating 2/0',
      'solver_training 2/0',
      'solver_training 2/1',
      'evaluation 2/0',
      'audit 2/0',
    ]);
    assert.equal(result.finished, 1);
  });

  test('says so when there is nothing left to do', async () => {
    const runId = uniqueName('done');
    const fake = new FakeActivities({ iterations: 1 });
    fake.storeIteration(runId, 0);
    fake.storeIteration(runId, 1);
    const result = await execute(fake, `r-zero/${runId}`, [{ runId }]);
    assert.equal(result.status, 'completed');
    assert.equal(result.finished, 0);
    assert.match(result.message, /Nothing to do: all 1 iterations/);
  });

  test('fails with the code and message of openRun when that says that no retry can help', async () => {
    const fake = new FakeActivities();
    fake.fail('openRun', ApplicationFailure.nonRetryable('"seed" must be a whole number.', 'RunInputInvalid'));
    const failure = await executeFailing(fake, [{ seed: 'x' }]);
    assert.equal(failure.type, 'RunInputInvalid');
    assert.equal(failure.message, '"seed" must be a whole number.');
    assert.deepEqual(fake.calls, ['openRun failed'], 'no status is written for a run that was not opened');
  });

  test('refuses input that is no object, or names the run by no text, before any activity', async () => {
    const taskQueue = uniqueName('refuse');
    const fake = new FakeActivities();
    const bad: [unknown, RegExp][] = [
      ['demo', /one JSON object, not "demo"/],
      [['demo'], /one JSON object, not a list/],
      [3, /one JSON object, not 3/],
      [{ runId: 7 }, /runId must be a text/],
      [{ runId: ' ' }, /runId must be a text/],
      [{ runId: {} }, /not an object/],
    ];
    await withWorkers(server.nativeConnection, { taskQueue, fake }, async () => {
      for (const [input, pattern] of bad) {
        const workflowId = uniqueName('refused');
        const running = server.client.workflow.execute('rZeroRun', { workflowId, taskQueue, args: [input] });
        await assert.rejects(running, (error: WorkflowFailedError) => {
          assert.ok(error.cause instanceof ApplicationFailure);
          assert.equal(error.cause.type, 'RunInputInvalid');
          assert.match(error.cause.message, pattern);
          return true;
        });
      }
    });
    assert.deepEqual(fake.calls, []);
  });

  test('tries a unit again after a failure that may pass, without parking', async () => {
    const runId = uniqueName('retry');
    const fake = new FakeActivities({ iterations: 1 });
    fake.fail('labelling 1/1', ApplicationFailure.retryable('child process died', 'EngineCrashed'), 2);
    await execute(fake, `r-zero/${runId}`, [{ runId }]);
    assert.equal(fake.calls.filter((call) => call === 'labelling 1/1 failed').length, 2);
    assert.deepEqual(
      fake.statuses.map(({ status }) => status),
      ['completed'],
    );
  });

  test('fails with RunConflict, and leaves the row alone, when another workflow has taken the run over', async () => {
    const runId = uniqueName('stolen');
    const fake = new FakeActivities({ iterations: 1 });
    fake.fail('gating 1/0', ApplicationFailure.nonRetryable('Another workflow has taken over.', 'RunConflict'));
    const failure = await executeFailing(fake, [{ runId }]);
    assert.equal(failure.type, 'RunConflict');
    assert.deepEqual(fake.statuses, []);
  });

  test('reads its plan again when the database turns out to lack work at the very end', async () => {
    const runId = uniqueName('behind');
    const fake = new FakeActivities({ iterations: 1 });
    fake.fail('setRunStatus completed', ApplicationFailure.nonRetryable('Work is missing.', 'DatabaseBehind'));
    await execute(fake, `r-zero/${runId}`, [{ runId }]);
    assert.equal(fake.calls.filter((call) => call === 'openRun').length, 2);
    assert.deepEqual(
      fake.statuses.map(({ status }) => status),
      ['completed'],
    );
  });

  test('refuses to run an iteration by hand, because the run holds the lease', async () => {
    const taskQueue = uniqueName('hand');
    const fake = new FakeActivities();
    await withWorkers(server.nativeConnection, { taskQueue, fake }, async () => {
      const running = server.client.workflow.execute('rZeroIteration', {
        workflowId: uniqueName('hand'),
        taskQueue,
        args: [{ runId: 'x', iteration: 1 }],
      });
      await assert.rejects(running, (error: WorkflowFailedError) => /Start rZeroRun/.test(error.cause?.message ?? ''));
    });
    assert.deepEqual(fake.calls, []);
  });
});
