import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { BudgetState } from '../../activities/contract.ts';
import { resumeUpdate, statusQuery } from '../../workflows/messages.ts';
import type { NightResult, NightlyInput } from '../../workflows/messages.ts';
import type { rZeroRun } from '../../workflows/run.ts';
import { STATUS_ATTRIBUTE } from '../../workflows/search-attributes.ts';
import { FakeActivities } from '../support/fake-activities.ts';
import { startTestServer, uniqueName, until, withWorkers } from '../support/temporal.ts';

describe('rZeroNightly', () => {
  let server: TestWorkflowEnvironment;
  before(async () => {
    server = await startTestServer();
  });
  after(async () => await server.teardown());

  /** Runs nights of one run, one after the other. */
  async function nights(fake: FakeActivities, inputs: (NightlyInput | undefined)[]): Promise<NightResult[]> {
    const taskQueue = uniqueName('night');
    return await withWorkers(server.nativeConnection, { taskQueue, fake }, async () => {
      const results: NightResult[] = [];
      for (const input of inputs) results.push(await night(taskQueue, input === undefined ? [] : [input]));
      return results;
    });
  }

  async function night(taskQueue: string, args: unknown[], workflowId = uniqueName('night')): Promise<NightResult> {
    return (await server.client.workflow.execute('rZeroNightly', { workflowId, taskQueue, args })) as NightResult;
  }

  async function failedNight(taskQueue: string, args: unknown[]): Promise<ApplicationFailure> {
    const failed = await night(taskQueue, args).then(
      (result) => assert.fail(`the night ended as ${result.status}`),
      (failure: unknown) => failure,
    );
    assert.ok(failed instanceof WorkflowFailedError && failed.cause instanceof ApplicationFailure);
    return failed.cause;
  }

  const spent = (tokens: number, limit: number): BudgetState => ({
    limits: { tokens: limit },
    spent: { engineMinutes: 1, minutes: 2, tokens, questions: 3 },
    ...(tokens >= limit ? { exhausted: `The budget is spent: ${tokens} of ${limit} tokens.` } : {}),
  });

  test('advances a known run by as many iterations as asked, night by night', async () => {
    const runId = uniqueName('known');
    const fake = new FakeActivities({ iterations: 1 });
    fake.storeIteration(runId, 0);
    const results = await nights(fake, [{ runId }, { runId, iterations: 2 }]);
    assert.deepEqual(
      results.map(({ status, finished }) => [status, finished]),
      [
        ['completed', 1],
        ['completed', 2],
      ],
    );
    assert.deepEqual(fake.inputs, [
      { runId, iterations: 1, budget: { iterations: 1 } },
      { runId, iterations: 3, budget: { iterations: 2 } },
    ]);
  });

  test('a run that plans more than a night may do waits for the next one', async () => {
    const runId = uniqueName('longer');
    const fake = new FakeActivities({ iterations: 5 });
    fake.storeIteration(runId, 0);
    fake.budget = { limits: { iterations: 1 }, spent: { engineMinutes: 0, minutes: 0, tokens: 0, questions: 0 } };
    // The fake takes what it is told for the plan; a real run keeps the larger plan.
    fake.keepPlan = true;
    const [first, second] = await nights(fake, [{ runId }, { runId }]);
    assert.equal(first?.status, 'waiting');
    assert.match(first?.message ?? '', /budget is spent: 1 of 1 iterations\. The next start goes on/);
    assert.equal(second?.status, 'waiting');
    assert.deepEqual(new Set(fake.units.map((unit) => unit.split(' ')[1]?.split('/')[0])), new Set(['1', '2']));
    assert.deepEqual(
      fake.statuses.map(({ status }) => status),
      ['waiting', 'waiting'],
    );
  });

  test('a spent budget ends the night after the unit at work, everywhere visible, and the next night goes on', async () => {
    const runId = uniqueName('spent');
    const fake = new FakeActivities({ iterations: 1 });
    fake.storeIteration(runId, 0);
    fake.budget = spent(5, 100);
    fake.spentAfter = { call: 'labelling 1/0', budget: spent(120, 100) };
    const taskQueue = uniqueName('spent');
    await withWorkers(server.nativeConnection, { taskQueue, fake }, async () => {
      const first = await night(taskQueue, [{ runId, budget: { tokens: 100 } }]);
      assert.equal(first.status, 'waiting');
      assert.equal(first.message, 'The budget is spent: 120 of 100 tokens. The next start goes on from here.');
      assert.equal(fake.units.at(-1), 'labelling 1/0');
      assert.equal(fake.statuses.at(-1)?.reason, first.message);

      const handle = server.client.workflow.getHandle<typeof rZeroRun>(`r-zero/${runId}`);
      const { typedSearchAttributes } = await until(
        () => handle.describe(),
        (description) => description.typedSearchAttributes.get(STATUS_ATTRIBUTE) === 'waiting',
      );
      assert.equal(typedSearchAttributes.get(STATUS_ATTRIBUTE), 'waiting');
      const { currentDetails } = await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata');
      assert.match(currentDetails, /\*\*waiting\*\*/);
      assert.match(currentDetails, /\| Budget\u2003 \| 120 of 100 tokens \(0 left\) \|/);
      assert.match(currentDetails, /The next start of `rZeroRun` or `rZeroNightly`/);
      assert.equal((await handle.query(statusQuery)).budget?.exhausted, 'The budget is spent: 120 of 100 tokens.');

      fake.budget = spent(0, 100);
      const second = await night(taskQueue, [{ runId, budget: { tokens: 100 } }]);
      assert.equal(second.status, 'completed');
    });
    assert.equal(new Set(fake.units).size, fake.units.length, 'no unit is done twice');
    assert.ok(fake.units.includes('labelling 1/1') && fake.units.includes('audit 1/0'));
  });

  test('a budget that is spent with the very last unit leaves the run complete', async () => {
    const runId = uniqueName('last');
    const fake = new FakeActivities({ iterations: 1 });
    fake.storeIteration(runId, 0);
    fake.budget = spent(5, 100);
    fake.spentAfter = { call: 'audit 1/0', budget: spent(120, 100) };
    const [result] = await nights(fake, [{ runId, budget: { tokens: 100 } }]);
    assert.equal(result?.status, 'completed');
    assert.ok(fake.calls.includes('finishIteration 1'));
  });

  test('{} and no input at all make a run of the name of the workflow', async () => {
    for (const args of [[{}], [], [null]]) {
      const taskQueue = uniqueName('empty');
      const name = uniqueName('empty');
      const fake = new FakeActivities({ iterations: 1 });
      const result = await withWorkers(server.nativeConnection, { taskQueue, fake }, () =>
        night(taskQueue, args, name),
      );
      assert.equal(result.runId, name);
      assert.deepEqual(fake.inputs, [{ runId: name, iterations: 1, budget: { iterations: 1 } }]);
      assert.equal(result.status, 'completed');
    }
  });

  test('a named run that is not there fails the night, unless its settings are given', async () => {
    const taskQueue = uniqueName('unknown');
    const runId = uniqueName('unknown');
    const fake = new FakeActivities({ iterations: 1 });
    await withWorkers(server.nativeConnection, { taskQueue, fake }, async () => {
      const failure = await failedNight(taskQueue, [{ runId }]);
      assert.equal(failure.type, 'RunNotFound');
      assert.match(failure.message, new RegExp(`no run "${runId}".*"run"`));
      assert.deepEqual(fake.inputs, []);
      assert.equal((await night(taskQueue, [{ runId, run: { seed: 7 } }])).status, 'completed');
      assert.deepEqual(fake.inputs, [{ seed: 7, runId, iterations: 1, budget: { iterations: 1 } }]);
    });
  });

  test('refuses what it does not understand, before it looks at any run', async () => {
    const taskQueue = uniqueName('refuse');
    const fake = new FakeActivities();
    const bad: [unknown, RegExp][] = [
      ['demo', /one JSON object, not "demo"/],
      [{ run_id: 'x' }, /no field "run_id"; a night has runId, iterations, budget, run/],
      [{ seed: 3 }, /Settings of a new run belong into "run"/],
      [{ runId: 'a/b' }, /runId must be letters/],
      [{ iterations: 0 }, /whole number from 1 to 1000, not 0/],
      [{ budget: 5 }, /budget must be an object/],
      [{ budget: { iterations: 5 } }, /Say "iterations" beside it/],
      [{ run: { runId: 'x' } }, /"run" may not have runId/],
    ];
    await withWorkers(server.nativeConnection, { taskQueue, fake }, async () => {
      for (const [input, pattern] of bad) {
        const failure = await failedNight(taskQueue, [input]);
        assert.equal(failure.type, 'RunInputInvalid');
        assert.match(failure.message, pattern);
      }
    });
    assert.deepEqual(fake.calls, []);
  });

  test('refuses the workflow id of its run, which would be in its way', async () => {
    const taskQueue = uniqueName('same');
    const runId = uniqueName('same');
    await withWorkers(server.nativeConnection, { taskQueue, fake: new FakeActivities() }, async () => {
      const running = night(taskQueue, [{ runId }], `r-zero/${runId}`);
      await assert.rejects(running, (error: WorkflowFailedError) =>
        /that of the run itself/.test(error.cause!.message),
      );
    });
  });

  test('leaves a run alone that another workflow advances', async () => {
    const taskQueue = uniqueName('busy');
    const runId = uniqueName('busy');
    const fake = new FakeActivities({ iterations: 1 });
    fake.night = { known: true, status: 'running', workflowId: 'from-the-ui', target: 1 };
    await withWorkers(server.nativeConnection, { taskQueue, fake }, async () => {
      const result = await night(taskQueue, [{ runId }]);
      assert.deepEqual(result, {
        runId,
        status: 'skipped',
        finished: 0,
        message: 'Nothing was done: workflow from-the-ui has the run already (running).',
      });
      fake.night = { known: true, status: 'parked', reason: 'disk full', workflowId: 'from-the-ui', target: 1 };
      const failure = await failedNight(taskQueue, [{ runId }]);
      assert.equal(failure.type, 'RunParked');
      assert.match(
        failure.message,
        /is parked and waits for a person\. disk full Mend the cause, then: npx r-zero run/,
      );
    });
    assert.deepEqual(fake.inputs, [], 'no run was opened');
  });

  test('two nights at once: the second sees the first at work and does nothing', async () => {
    const taskQueue = uniqueName('twice');
    const runId = uniqueName('twice');
    const fake = new FakeActivities({ iterations: 1 });
    fake.storeIteration(runId, 0);
    let second: Promise<NightResult> | undefined;
    fake.before('labelling 1/0', async () => {
      second = night(taskQueue, [{ runId }]);
      await second;
    });
    await withWorkers(server.nativeConnection, { taskQueue, fake }, async () => {
      assert.equal((await night(taskQueue, [{ runId }])).status, 'completed');
      assert.equal((await second)?.status, 'skipped');
    });
    assert.equal(new Set(fake.units).size, fake.units.length);
  });

  test('a run that parks fails its night with the reason, stays, and can be resumed', async () => {
    const taskQueue = uniqueName('parks');
    const runId = uniqueName('parks');
    const fake = new FakeActivities({ iterations: 1 });
    fake.storeIteration(runId, 0);
    fake.fail('gating 1/0', ApplicationFailure.nonRetryable('too few', 'TooFewQuestions'));
    await withWorkers(server.nativeConnection, { taskQueue, fake }, async () => {
      const failure = await failedNight(taskQueue, [{ runId }]);
      assert.equal(failure.type, 'RunParked');
      assert.match(failure.message, /Iteration 1, gate part 1\/1: TooFewQuestions: too few/);
      const run = server.client.workflow.getHandle<typeof rZeroRun>(`r-zero/${runId}`);
      assert.equal((await run.describe()).status.name, 'RUNNING');
      await run.executeUpdate(resumeUpdate, { args: [{}] });
      assert.equal((await run.result()).status, 'completed');
    });
    assert.deepEqual(fake.scheduleNotes, [], 'no schedule started it');
  });
});
