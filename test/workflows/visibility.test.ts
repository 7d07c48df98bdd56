import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { cancelAfterPhaseUpdate, statusQuery } from '../../workflows/messages.ts';
import type { rZeroRun } from '../../workflows/run.ts';
import {
  ITERATION_ATTRIBUTE,
  PHASE_ATTRIBUTE,
  RUN_ID_ATTRIBUTE,
  STATUS_ATTRIBUTE,
} from '../../workflows/search-attributes.ts';
import { FakeActivities, createGate } from '../support/fake-activities.ts';
import { startTestServer, uniqueName, until, withWorkers } from '../support/temporal.ts';

interface Metadata {
  currentDetails: string;
}

describe('what the Temporal UI shows', () => {
  let server: TestWorkflowEnvironment;
  before(async () => {
    server = await startTestServer();
  });
  after(async () => await server.teardown());

  test('search attributes, live details, child summaries and activity summaries tell where a parked run stands', async () => {
    const runId = uniqueName('seen');
    const fake = new FakeActivities({ iterations: 2 });
    fake.fail('labelling 2/1', ApplicationFailure.nonRetryable('disk <b>full</b> | `now`', 'CheckpointCorrupt'));
    const taskQueue = uniqueName('seen');
    await withWorkers(server.nativeConnection, { taskQueue, fake }, async () => {
      const { workflow } = server.client;
      const handle = await workflow.start<typeof rZeroRun>('rZeroRun', { workflowId: `r-zero/${runId}`, taskQueue });
      await until(
        () => handle.query(statusQuery),
        (view) => view.status === 'parked',
      );
      const child = workflow.getHandle(`r-zero/${runId}/iteration-2`);

      const { typedSearchAttributes } = await until(
        () => handle.describe(),
        (description) => description.typedSearchAttributes.get(STATUS_ATTRIBUTE) === 'parked',
      );
      assert.equal(typedSearchAttributes.get(RUN_ID_ATTRIBUTE), runId);
      assert.equal(typedSearchAttributes.get(ITERATION_ATTRIBUTE), 2);
      assert.equal(typedSearchAttributes.get(PHASE_ATTRIBUTE), 'labelling');
      const described = await child.describe();
      assert.equal(described.typedSearchAttributes.get(RUN_ID_ATTRIBUTE), runId);
      assert.equal(described.typedSearchAttributes.get(ITERATION_ATTRIBUTE), 2);
      assert.equal(described.typedSearchAttributes.get(STATUS_ATTRIBUTE), undefined, 'a parked run is listed once');
      assert.equal(await described.staticSummary(), 'Iteration 2');

      const { currentDetails } = await handle.query<Metadata>('__temporal_workflow_metadata');
      assert.match(currentDetails, new RegExp(`R-Zero run \`${runId}\``));
      assert.match(currentDetails, /\*\*parked\*\*/);
      assert.match(currentDetails, /Iteration 2, 2 planned/);
      assert.match(currentDetails, /Labelling, 1 of 3/);
      assert.match(currentDetails, /█+░+` \d+ %/);
      assert.match(currentDetails, /\| base\u2003 \| 1 \|/);
      assert.match(currentDetails, /\| kept\u2003 \| 10\u2003 \| 11 \|/);
      assert.match(currentDetails, /\| accuracy\u2003 \| 25\.0 %\u2003 \| 25\.0 % \|/);
      assert.doesNotMatch(currentDetails, /continued from/);
      assert.match(currentDetails, /CheckpointCorrupt: disk \\<b\\>full\\<\/b\\> \\\| \\`now\\`/);
      assert.match(currentDetails, /Send an Update\* `resume`/);
      assert.ok(currentDetails.includes(`where run_id = '${runId}'`), 'SQL to copy');
      const childDetails = (await child.query<Metadata>('__temporal_workflow_metadata')).currentDetails;
      assert.match(childDetails, /Iteration 2 of run/);
      assert.match(childDetails, /\| Challenger training\u2003 \| 2 of 2\u2003 \|/);
      assert.match(childDetails, /\| Labelling\u2003 \| 1 of 3\u2003 \|/);

      const summaries = await activitySummaries(`r-zero/${runId}/iteration-2`);
      assert.ok(summaries.includes('label shard 2/3'), summaries.join());
      assert.ok(summaries.includes('train challenger step 1/2'));

      await handle.executeUpdate(cancelAfterPhaseUpdate, { args: [{}] });
      await handle.result();
      const closed = (await handle.query<Metadata>('__temporal_workflow_metadata')).currentDetails;
      assert.match(closed, /\*\*cancelled\*\*/);
    });
  });

  test('a run that was continued says so, and how much was not repeated', async () => {
    const runId = uniqueName('again');
    const taskQueue = uniqueName('again');
    const fake = new FakeActivities({ iterations: 1 });
    fake.storeIteration(runId, 0);
    fake.store(runId, 1, 'challenger_training', 2);
    fake.store(runId, 1, 'dataset_generation', 1);
    fake.fail('gating 1/0', ApplicationFailure.nonRetryable('too few', 'TooFewQuestions'));
    await withWorkers(server.nativeConnection, { taskQueue, fake }, async () => {
      const { workflow } = server.client;
      const handle = await workflow.start<typeof rZeroRun>('rZeroRun', { workflowId: `r-zero/${runId}`, taskQueue });
      const view = await until(
        () => handle.query(statusQuery),
        ({ status }) => status === 'parked',
      );
      assert.equal(view.resumed, true);
      const { currentDetails } = await handle.query<Metadata>('__temporal_workflow_metadata');
      assert.match(currentDetails, /continued from what was stored/);
      const child = workflow.getHandle(`r-zero/${runId}/iteration-1`);
      const childDetails = (await child.query<Metadata>('__temporal_workflow_metadata')).currentDetails;
      assert.match(childDetails, /3 units were stored already/);
      await handle.executeUpdate(cancelAfterPhaseUpdate, { args: [{}] });
      await handle.result();
    });
  });

  test('model work is scheduled on the queue of the GPUs, database work on the queue of the run', async () => {
    const runId = uniqueName('queues');
    const taskQueue = uniqueName('queues');
    const fake = new FakeActivities({ iterations: 1 });
    await withWorkers(server.nativeConnection, { taskQueue, fake }, async () => {
      await server.client.workflow.execute('rZeroRun', { workflowId: `r-zero/${runId}`, taskQueue });
    });
    const { events } = await server.client.workflow.getHandle(`r-zero/${runId}/iteration-1`).fetchHistory();
    const queues = new Map<string, string>();
    for (const { activityTaskScheduledEventAttributes: scheduled } of events ?? []) {
      if (scheduled) queues.set(scheduled.activityType?.name ?? '', scheduled.taskQueue?.name ?? '');
    }
    const gpu = `${taskQueue}-gpu`;
    assert.deepEqual(Object.fromEntries(queues), {
      beginIteration: taskQueue,
      checkAlarms: taskQueue,
      trainChallengerStep: gpu,
      generateQuestions: gpu,
      labelQuestions: gpu,
      gateQuestions: taskQueue,
      trainSolverStep: gpu,
      evaluateSolver: gpu,
      auditLabels: taskQueue,
      pruneCheckpoints: taskQueue,
      finishIteration: taskQueue,
    });
  });

  test('a run with a judge and an embedding model asks them after the audit by code, off the GPU', async () => {
    const runId = uniqueName('judged');
    const taskQueue = uniqueName('judged');
    const fake = new FakeActivities({ iterations: 1, units: [['audit', 3]] });
    await withWorkers(server.nativeConnection, { taskQueue, fake }, async () => {
      await server.client.workflow.execute('rZeroRun', { workflowId: `r-zero/${runId}`, taskQueue });
    });
    const { events } = await server.client.workflow.getHandle(`r-zero/${runId}/iteration-1`).fetchHistory();
    const audits = (events ?? []).flatMap(({ activityTaskScheduledEventAttributes: scheduled }) => {
      const name = scheduled?.activityType?.name ?? '';
      return /^(audit|judge|measure)/.test(name) ? [[name, scheduled?.taskQueue?.name]] : [];
    });
    assert.deepEqual(audits, [
      ['auditLabels', taskQueue],
      ['judgeLabels', taskQueue],
      ['measureDiversity', taskQueue],
    ]);
  });

  test('a phase of many units costs the run few events', async () => {
    const runId = uniqueName('many');
    const taskQueue = uniqueName('many');
    const fake = new FakeActivities({ iterations: 1, units: [['labelling', 60]] });
    await withWorkers(server.nativeConnection, { taskQueue, fake }, async () => {
      await server.client.workflow.execute('rZeroRun', { workflowId: `r-zero/${runId}`, taskQueue });
    });
    const { events } = await server.client.workflow.getHandle(`r-zero/${runId}`).fetchHistory();
    const reports = events?.filter((event) => event.workflowExecutionSignaledEventAttributes).length ?? 0;
    assert.ok(reports >= 3 && reports <= 2 + 1 + 10, `${reports} reports for 60 units`);
  });

  test('a cancelled run lets the model work at hand end before it closes', async () => {
    const runId = uniqueName('gentle');
    const taskQueue = uniqueName('gentle');
    const fake = new FakeActivities({ iterations: 1 });
    const gate = createGate();
    const order: string[] = [];
    fake.before('labelling 1/0', async () => {
      const { heartbeat, cancelled } = Context.current();
      const beat = setInterval(() => heartbeat(), 100);
      void gate.wait();
      await cancelled.catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 700));
      clearInterval(beat);
      order.push('model work ended');
    });
    await withWorkers(server.nativeConnection, { taskQueue, fake }, async () => {
      const handle = await server.client.workflow.start('rZeroRun', { workflowId: `r-zero/${runId}`, taskQueue });
      await gate.reached;
      await handle.cancel();
      await handle.result().catch(() => order.push('run closed'));
    });
    assert.deepEqual(order, ['model work ended', 'run closed']);
    assert.equal(fake.statuses.at(-1)?.status, 'cancelled');
  });

  async function activitySummaries(workflowId: string): Promise<string[]> {
    const { events } = await server.client.workflow.getHandle(workflowId).fetchHistory();
    return (events ?? []).flatMap((event) => {
      const data = event.userMetadata?.summary?.data;
      return event.activityTaskScheduledEventAttributes && data
        ? [JSON.parse(Buffer.from(data).toString()) as string]
        : [];
    });
  }
});
