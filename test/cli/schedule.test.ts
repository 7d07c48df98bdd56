import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ScheduleOverlapPolicy } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { defineSearchAttributeKey } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import {
  backfillSchedule,
  createSchedule,
  deleteSchedule,
  getSchedule,
  listSchedules,
  pauseSchedule,
  triggerSchedule,
  unpauseSchedule,
} from '../../infra/schedules.ts';
import { pauseSchedule as leaveNote } from '../../activities/nights.ts';
import type { NightResult } from '../../workflows/messages.ts';
import { FakeActivities, createGate } from '../support/fake-activities.ts';
import { startTestServer, uniqueName, until, withWorkers } from '../support/temporal.ts';

const SCHEDULED_AT = defineSearchAttributeKey('TemporalScheduledStartTime', 'DATETIME');

describe('schedules of nights', () => {
  let server: TestWorkflowEnvironment;
  before(async () => {
    server = await startTestServer();
  });
  after(async () => await server.teardown());

  /** A schedule that does nothing by itself within the test. */
  async function create(taskQueue: string, more: object = {}): Promise<string> {
    const scheduleId = uniqueName('nightly');
    await createSchedule(server.client, { scheduleId, input: {}, cron: '0 0 1 1 *', taskQueue, ...more });
    return scheduleId;
  }

  async function nightsOf(scheduleId: string, count: number): Promise<{ workflowId: string; result: NightResult }[]> {
    const { recent } = await until(
      () => getSchedule(server.client, scheduleId),
      (details) => details.recent.length >= count,
    );
    return await Promise.all(
      recent.map(async ({ workflowId }) => ({
        workflowId,
        result: (await server.client.workflow.getHandle(workflowId).result()) as NightResult,
      })),
    );
  }

  test('are made with their policies, shown in words, listed, paused and deleted', async () => {
    const scheduleId = uniqueName('nightly');
    const input = { runId: 'demo', iterations: 2, budget: { engineMinutes: 240 } };
    await createSchedule(server.client, { scheduleId, input, at: '02:00', timezone: 'Europe/Berlin', nights: 10 });
    const details = await getSchedule(server.client, scheduleId);
    assert.equal(details.times, 'daily at 02:00, Europe/Berlin');
    assert.deepEqual(details.input, input);
    assert.equal(details.overlap, ScheduleOverlapPolicy.SKIP);
    assert.equal(details.pauseOnFailure, true);
    assert.equal(details.catchUpSeconds, 6 * 3600);
    assert.equal(details.remaining, 10);
    const hours = details.nextAt.map((time) =>
      new Intl.DateTimeFormat('en-GB', { timeZone: 'Europe/Berlin', timeStyle: 'short' }).format(time),
    );
    assert.deepEqual(new Set(hours), new Set(['02:00']));

    await pauseSchedule(server.client, scheduleId, 'the GPU is needed');
    const listed = await until(
      async () => (await listSchedules(server.client)).find((item) => item.scheduleId === scheduleId),
      (item) => item?.paused === true,
    );
    assert.equal(listed?.note, 'the GPU is needed');
    assert.equal(listed?.times, 'daily at 02:00, Europe/Berlin');
    await unpauseSchedule(server.client, scheduleId);
    assert.equal((await getSchedule(server.client, scheduleId)).paused, false);
    await deleteSchedule(server.client, scheduleId);
    await assert.rejects(getSchedule(server.client, scheduleId), { code: 'ScheduleNotFound' });
  });

  test('are described by their interval or cron line, too', async () => {
    const describe = async (times: object): Promise<string> => {
      const scheduleId = uniqueName('times');
      await createSchedule(server.client, { scheduleId, input: {}, paused: true, ...times });
      return (await getSchedule(server.client, scheduleId)).times;
    };
    assert.equal(await describe({ every: '90m' }), 'every 90 minutes');
    assert.equal(await describe({ cron: '30 1 * * 1-5', timezone: 'Asia/Tokyo' }), 'cron 30 1 * * 1-5, Asia/Tokyo');
  });

  const slips: [string, object, RegExp, string][] = [
    ['no times', {}, /one of --at, --cron and --every, not 0/, '--at'],
    ['two kinds of times', { at: '02:00', every: '6h' }, /not 2/, '--at'],
    ['a time that is none', { at: '25:00' }, /"25:00" is no time of day/, '--at'],
    ['an interval that is none', { every: '6 hours' }, /is no interval/, '--every'],
    ['a cron line of other than five fields', { cron: '* * *' }, /five fields/, '--cron'],
    ['a cron line with a zone of its own', { cron: 'TZ=UTC 0 2 * * *' }, /five fields/, '--cron'],
    ['a cron line that the server refuses', { cron: '0 25 * * *' }, /server refused the schedule.*/, '--cron'],
    ['a time zone that is none', { at: '02:00', timezone: 'Mars/Base' }, /no time zone/, '--timezone'],
  ];
  for (const [name, times, message, field] of slips) {
    test(`${name} is refused, and names the option`, async () => {
      const made = createSchedule(server.client, { scheduleId: uniqueName('bad'), input: {}, ...times });
      await assert.rejects(made, { code: 'RunInputInvalid', field, message });
    });
  }

  test('a taken name, an unknown one, and a schedule of something else are told apart', async () => {
    const taken = await create('nobody');
    await assert.rejects(createSchedule(server.client, { scheduleId: taken, input: {}, at: '02:00' }), {
      code: 'ScheduleConflict',
    });
    await assert.rejects(pauseSchedule(server.client, 'no-such'), { code: 'ScheduleNotFound', message: /no schedule/ });
    const foreign = uniqueName('foreign');
    await server.client.schedule.create({
      scheduleId: foreign,
      spec: {},
      action: { type: 'startWorkflow', workflowType: 'backUp', taskQueue: 'x' },
    });
    await assert.rejects(deleteSchedule(server.client, foreign), { code: 'ScheduleNotFound', message: /backUp/ });
    assert.ok(!(await listSchedules(server.client)).some((item) => item.scheduleId === foreign));
  });

  test('with {} a triggered night makes the run that has the name of the schedule', async () => {
    const taskQueue = uniqueName('trigger');
    const fake = new FakeActivities({ iterations: 1 });
    const scheduleId = await create(taskQueue);
    await withWorkers(server.nativeConnection, { taskQueue, fake }, async () => {
      await triggerSchedule(server.client, scheduleId);
      const [night] = await nightsOf(scheduleId, 1);
      assert.equal(night?.result.runId, scheduleId);
      assert.equal(night?.result.status, 'completed');
      assert.ok(night?.workflowId.startsWith(`${scheduleId}-`));
    });
  });

  test('a trigger while a night is going on is refused, and names its workflow', async () => {
    const taskQueue = uniqueName('busy');
    const fake = new FakeActivities({ iterations: 1 });
    const gate = createGate();
    fake.before('labelling 1/0', gate.wait);
    const scheduleId = await create(taskQueue);
    await withWorkers(server.nativeConnection, { taskQueue, fake }, async () => {
      await triggerSchedule(server.client, scheduleId);
      await gate.reached;
      await assert.rejects(triggerSchedule(server.client, scheduleId), {
        code: 'RunConflict',
        message: new RegExp(`is going on, as workflow ${scheduleId}-`),
      });
      gate.open();
      await nightsOf(scheduleId, 1);
    });
  });

  test('nights that are made up for run one after the other, each for its own time', async () => {
    const taskQueue = uniqueName('backfill');
    const fake = new FakeActivities({ iterations: 1 });
    const runId = uniqueName('backfill');
    fake.storeIteration(runId, 0);
    const scheduleId = uniqueName('nightly');
    const times = { at: '02:00', timezone: 'Europe/Berlin' };
    await createSchedule(server.client, { scheduleId, input: { runId }, taskQueue, paused: true, ...times });
    await withWorkers(server.nativeConnection, { taskQueue, fake }, async () => {
      await backfillSchedule(
        server.client,
        scheduleId,
        new Date('2026-01-10T12:00:00Z'),
        new Date('2026-01-13T12:00:00Z'),
      );
      const nights = await nightsOf(scheduleId, 3);
      assert.deepEqual(
        nights.map(({ result }) => [result.status, result.finished]),
        [1, 2, 3].map(() => ['completed', 1]),
      );
      const starts = await Promise.all(
        nights.map(async ({ workflowId }) => {
          const { typedSearchAttributes } = await server.client.workflow.getHandle(workflowId).describe();
          return typedSearchAttributes.get(SCHEDULED_AT)?.toISOString();
        }),
      );
      // Two o'clock in Berlin, in winter.
      assert.deepEqual(starts, ['2026-01-11T01:00:00.000Z', '2026-01-12T01:00:00.000Z', '2026-01-13T01:00:00.000Z']);
    });
    await assert.rejects(backfillSchedule(server.client, scheduleId, new Date(2), new Date(1)), { field: '--to' });
  });

  test('a night that fails pauses its schedule, with the reason as its note', async () => {
    const taskQueue = uniqueName('fails');
    const runId = uniqueName('fails');
    const fake = new FakeActivities({ iterations: 1 });
    fake.storeIteration(runId, 0);
    fake.fail('gating 1/0', ApplicationFailure.nonRetryable('only 3 of 8', 'TooFewQuestions'));
    fake.leaveNote = leaveNote;
    const scheduleId = await create(taskQueue, { input: { runId } });
    await withWorkers(server.nativeConnection, { taskQueue, fake }, async () => {
      await triggerSchedule(server.client, scheduleId);
      const details = await until(
        () => getSchedule(server.client, scheduleId),
        ({ paused, running }) => paused && running.length === 0,
      );
      assert.match(
        details.note,
        /^RunParked: Run ".*" is parked.*Iteration 1, gate part 1\/1: TooFewQuestions: only 3/,
      );
      assert.match(details.note, /npx r-zero run resume/);
      // The server has heard of the failure by now and leaves a note that is there alone.
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      assert.equal((await getSchedule(server.client, scheduleId)).note, details.note);
      await server.client.workflow.getHandle(`r-zero/${runId}`).terminate();
    });
  });

  test('a schedule of the UI that does not pause on failure gets the note and goes on', async () => {
    const taskQueue = uniqueName('goes-on');
    const fake = new FakeActivities();
    fake.leaveNote = leaveNote;
    const scheduleId = uniqueName('nightly');
    await server.client.schedule.create({
      scheduleId,
      spec: {},
      action: { type: 'startWorkflow', workflowType: 'rZeroNightly', taskQueue, args: [{ runId: 'no-such-run' }] },
    });
    await withWorkers(server.nativeConnection, { taskQueue, fake }, async () => {
      await triggerSchedule(server.client, scheduleId);
      const { paused } = await until(
        () => getSchedule(server.client, scheduleId),
        ({ note, running }) => note.startsWith('RunNotFound: There is no run "no-such-run"') && running.length === 0,
      );
      assert.equal(paused, false);
    });
  });
});
