import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import {
  cancelRun,
  cancelRunAfterPhase,
  connect,
  extendRun,
  getRun,
  listRuns,
  pauseRun,
  resumeRun,
  startRun,
} from '../../infra/client.ts';
import { FakeActivities, createGate } from '../support/fake-activities.ts';
import { startTestServer, uniqueName, until, withWorkers } from '../support/temporal.ts';

describe('client', () => {
  let server: TestWorkflowEnvironment;
  let client: Client;
  before(async () => {
    server = await startTestServer();
    client = server.client;
  });
  after(async () => await server.teardown());

  test('starts, pauses, extends, resumes and reads a run by its run id', async () => {
    const runId = uniqueName('client');
    const taskQueue = uniqueName('client');
    const gate = createGate();
    const fake = new FakeActivities({ iterations: 1 });
    fake.before('labelling 1/0', gate.wait);
    await withWorkers(server.nativeConnection, { taskQueue, fake }, async () => {
      const started = await startRun(client, { runId, iterations: 1 }, { taskQueue });
      assert.equal(started.workflowId, `r-zero/${runId}`);
      await gate.reached;
      assert.equal((await pauseRun(client, runId, { reason: 'tea' })).pauseRequested, true);
      gate.open();
      await until(
        () => getRun(client, runId),
        ({ view }) => view?.status === 'paused',
      );
      assert.equal((await extendRun(client, runId)).iterations, 2);
      assert.equal((await resumeRun(client, runId)).status, 'running');
      const result = await started.result();
      assert.equal(result.finished, 3);

      const closed = await getRun(client, runId);
      assert.equal(closed.temporalStatus, 'COMPLETED');
      assert.equal(closed.view?.status, 'completed', 'a closed run answers as long as a worker is there');
      assert.ok(closed.closedAt);
      await assert.rejects(pauseRun(client, runId), { code: 'RunNotFound' });
    });
  });

  test('refuses a second start of a run that is going on, and names the workflow', async () => {
    const runId = uniqueName('twice');
    const taskQueue = uniqueName('twice');
    const fake = new FakeActivities({ iterations: 1 });
    const gate = createGate();
    fake.before('labelling 1/0', gate.wait);
    await withWorkers(server.nativeConnection, { taskQueue, fake }, async () => {
      const first = await startRun(client, { runId }, { taskQueue });
      await gate.reached;
      await assert.rejects(startRun(client, { runId }, { taskQueue }), (error: Error & { code?: string }) => {
        assert.equal(error.code, 'RunConflict');
        assert.match(error.message, new RegExp(`r-zero/${runId}`));
        return true;
      });
      await cancelRunAfterPhase(client, runId);
      gate.open();
      assert.equal((await first.result()).status, 'cancelled');

      const again = await startRun(client, { runId }, { taskQueue });
      assert.equal((await again.result()).status, 'completed');
      assert.equal(new Set(fake.units).size, fake.units.length, 'the second start repeated nothing');
      assert.equal(fake.units.length, 13);
    });
  });

  test('a rejection by a validator arrives with its code and words', async () => {
    const runId = uniqueName('reject');
    const taskQueue = uniqueName('reject');
    const fake = new FakeActivities({ iterations: 2 });
    fake.fail('gating 1/0', ApplicationFailure.nonRetryable('too few', 'TooFewQuestions'));
    await withWorkers(server.nativeConnection, { taskQueue, fake }, async () => {
      const started = await startRun(client, { runId }, { taskQueue });
      await until(
        () => getRun(client, runId),
        ({ view }) => view?.status === 'parked',
      );
      await assert.rejects(extendRun(client, runId, { iterations: 1 }), {
        code: 'RunInputInvalid',
        message: /above 2, which is planned now/,
      });
      await assert.rejects(pauseRun(client, runId), { code: 'RunInputInvalid', message: /parked already/ });
      await cancelRun(client, runId);
      await assert.rejects(started.result(), /was cancelled/);
    });
  });

  test('the code of a failed run arrives with its result', async () => {
    const taskQueue = uniqueName('failed');
    const fake = new FakeActivities();
    fake.fail('openRun', ApplicationFailure.nonRetryable('no such model', 'ModelUnreadable'));
    await withWorkers(server.nativeConnection, { taskQueue, fake }, async () => {
      const started = await startRun(client, {}, { taskQueue });
      assert.match(started.runId, /^run-\d{8}-\d{6}$/);
      await assert.rejects(started.result(), { code: 'ModelUnreadable', message: 'no such model' });
    });
  });

  test('a run that was started in the UI under another workflow id is found by its run id', async () => {
    const runId = uniqueName('ui');
    const taskQueue = uniqueName('ui');
    const fake = new FakeActivities({ iterations: 1 });
    fake.fail('gating 1/0', ApplicationFailure.nonRetryable('too few', 'TooFewQuestions'));
    const workflowId = uniqueName('my-own-id');
    await withWorkers(server.nativeConnection, { taskQueue, fake }, async () => {
      const handle = await client.workflow.start('rZeroRun', { workflowId, taskQueue, args: [{ runId }] });
      const found = await until(
        async () => (await listRuns(client, { status: 'parked' })).find((run) => run.runId === runId),
        (run) => run !== undefined,
      );
      assert.equal(found?.workflowId, workflowId);
      assert.equal(found?.iteration, 1);
      assert.equal(found?.phase, 'gating');
      assert.equal((await getRun(client, runId)).workflowId, workflowId);
      await resumeRun(client, runId);
      await handle.result();
    });
  });

  test('of closed workflows the one that was started last stands for the run, whichever id it has', async () => {
    const runId = uniqueName('newest');
    const taskQueue = uniqueName('newest');
    const fake = new FakeActivities({ iterations: 1 });
    await withWorkers(server.nativeConnection, { taskQueue, fake }, async () => {
      await (await startRun(client, { runId }, { taskQueue })).result();
      for (const workflowId of ['first', 'second'].map(uniqueName)) {
        await client.workflow.execute('rZeroRun', { workflowId, taskQueue, args: [{ runId }] });
        await until(
          async () => (await getRun(client, runId)).workflowId,
          (id) => id === workflowId,
        );
      }
      const again = await startRun(client, { runId }, { taskQueue });
      await again.result();
      assert.equal((await getRun(client, runId)).workflowId, again.workflowId);
    });
  });

  test('lists each run once, by its newest execution', async () => {
    const runId = uniqueName('list');
    const taskQueue = uniqueName('list');
    const fake = new FakeActivities({ iterations: 1 });
    await withWorkers(server.nativeConnection, { taskQueue, fake }, async () => {
      for (let time = 0; time < 2; time += 1) await (await startRun(client, { runId }, { taskQueue })).result();
      const listed = await until(
        async () => (await listRuns(client)).filter((run) => run.runId === runId),
        ([run]) => run?.status === 'completed' && run.temporalStatus === 'COMPLETED',
      );
      assert.equal(listed.length, 1);
    });
  });

  test('an unknown run has a code and a fix', async () => {
    await assert.rejects(getRun(client, "none' OR 1=1 --"), { code: 'RunNotFound', field: 'runId' });
    await assert.rejects(resumeRun(client, 'none'), { code: 'RunNotFound' });
    await assert.rejects(cancelRun(client, 'none'), { code: 'RunNotFound' });
  });

  test('a namespace without our search attributes has no runs, and says so', async () => {
    const bare = await startTestServer({ searchAttributes: false });
    try {
      await assert.rejects(getRun(bare.client, 'none'), { code: 'RunNotFound' });
      assert.deepEqual(await listRuns(bare.client), []);
    } finally {
      await bare.teardown();
    }
  });

  test('a server that does not answer has a code and a fix', async () => {
    await assert.rejects(connect({ address: '127.0.0.1:1' }), { code: 'TemporalUnreachable' });
  });
});
