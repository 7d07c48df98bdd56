/** `r-zero schedule`: nights of a run, by Temporal's schedules. */
import type { Client } from '@temporalio/client';
import type { RunInput } from '../../activities/contract.ts';
import { getRun as getRunRow } from '../../db/queries/runs.ts';
import {
  backfillSchedule,
  createSchedule,
  deleteSchedule,
  getSchedule,
  listSchedules,
  pauseSchedule,
  triggerSchedule,
  unpauseSchedule,
} from '../schedules.ts';
import type { NightlySchedule, ScheduleDetails } from '../schedules.ts';
import { resolveRunInput } from '../../activities/run-input.ts';
import { warnWithoutWorker, withRunningStack } from './run-client.ts';
import type { RunCommandOptions } from './run-client.ts';
import { plainTable } from './tables.ts';
import { printable } from './terminal.ts';
import type { Terminal } from './terminal.ts';

export async function createScheduleCommand(
  options: RunCommandOptions,
  schedule: NightlySchedule,
  terminal: Terminal,
): Promise<void> {
  const { scheduleId, input } = schedule;
  const { runId = scheduleId, run, budget } = input;
  // Every night would fail on what is found here.
  const settings: RunInput = { ...run, runId, ...(budget === undefined ? {} : { budget }) };
  resolveRunInput(settings);
  await withRunningStack(options.dataDir, async (access) => {
    const { client, pool } = access;
    if (run === undefined && input.runId !== undefined) await getRunRow(pool, input.runId);
    await createSchedule(client, schedule);
    const details = await getSchedule(client, scheduleId);
    if (options.json) terminal.out(JSON.stringify(details));
    else {
      terminal.out(`Schedule ${scheduleId} is made: run ${runId}, ${details.times}.`);
      terminal.out(`  ${nextLine(details)}`);
      terminal.out(`  Look at it with: npx r-zero schedule show ${scheduleId}`);
    }
    await warnWithoutWorker(access, terminal);
  });
}

export async function listSchedulesCommand(options: RunCommandOptions, terminal: Terminal): Promise<void> {
  await withRunningStack(options.dataDir, async ({ client }) => {
    const schedules = await listSchedules(client);
    if (options.json) {
      terminal.out(JSON.stringify(schedules));
    } else if (schedules.length === 0) {
      terminal.out('There are no schedules. Make one with: npx r-zero schedule create --run demo --at 02:00');
    } else {
      terminal.out(
        plainTable(
          ['schedule', 'state', 'times', 'last', 'next', 'note'],
          schedules.map(({ scheduleId, paused, times, lastAt, nextAt, note }) => [
            printable(scheduleId),
            paused ? 'paused' : 'active',
            printable(times),
            minuteOf(lastAt),
            paused ? '' : minuteOf(nextAt),
            printable(note),
          ]),
          6,
        ),
      );
    }
  });
}

export async function showScheduleCommand(
  options: RunCommandOptions,
  scheduleId: string,
  terminal: Terminal,
): Promise<void> {
  await withRunningStack(options.dataDir, async ({ client }) => {
    const details = await getSchedule(client, scheduleId);
    if (options.json) terminal.out(JSON.stringify(details));
    else for (const line of describeDetails(details)) terminal.out(line);
  });
}

export type ScheduleOrder =
  | { order: 'pause' | 'unpause'; note?: string }
  | { order: 'trigger' | 'delete' }
  | { order: 'backfill'; from: Date; to: Date };

export async function orderScheduleCommand(
  options: RunCommandOptions,
  scheduleId: string,
  order: ScheduleOrder,
  terminal: Terminal,
): Promise<void> {
  await withRunningStack(options.dataDir, async (access) => {
    const done = await carryOut(access.client, scheduleId, order);
    if (options.json) terminal.out(JSON.stringify({ scheduleId, order: order.order }));
    else terminal.out(done);
    if (order.order === 'trigger' || order.order === 'backfill') await warnWithoutWorker(access, terminal);
  });
}

async function carryOut(client: Client, scheduleId: string, order: ScheduleOrder): Promise<string> {
  switch (order.order) {
    case 'pause':
      await pauseSchedule(client, scheduleId, order.note);
      return `Schedule ${scheduleId} is paused. A night that is going on ends as it would.`;
    case 'unpause':
      await unpauseSchedule(client, scheduleId, order.note);
      return `Schedule ${scheduleId} is active again.`;
    case 'trigger':
      await triggerSchedule(client, scheduleId);
      return `A night of schedule ${scheduleId} begins.`;
    case 'backfill':
      await backfillSchedule(client, scheduleId, order.from, order.to);
      return `The nights of schedule ${scheduleId} from ${order.from.toISOString()} to ${order.to.toISOString()} begin, one after the other.`;
    default:
      await deleteSchedule(client, scheduleId);
      return `Schedule ${scheduleId} is deleted. Its run and all data stay.`;
  }
}

function describeDetails(details: ScheduleDetails): string[] {
  const { scheduleId, paused, note, times, input, recent, running, skipped, missed, remaining } = details;
  const { runId = scheduleId, iterations = 1, budget } = input ?? {};
  const limits = Object.entries(budget ?? {}).map(([name, limit]) => `${name} ${limit}`);
  return [
    `Schedule ${scheduleId} is ${paused ? 'paused' : 'active'}${note === '' ? '' : `: ${printable(note)}`}`,
    `  Run ${runId}: ${iterations} iteration${iterations === 1 ? '' : 's'} a night${limits.length === 0 ? '' : `, at most ${limits.join(', ')}`}`,
    `  Times: ${printable(times) || 'set elsewhere'}; up to ${details.catchUpSeconds / 3600} hours late; overlap ${details.overlap.toLowerCase()}` +
      `${details.pauseOnFailure ? '; pauses on failure' : ''}${remaining === undefined ? '' : `; ${remaining} nights left`}`,
    `  ${nextLine(details)}`,
    ...(running.length === 0 ? [] : [`  Going on: ${running.map(printable).join(', ')}`]),
    ...(skipped + missed === 0 ? [] : [`  Left out: ${skipped} while another was going on, ${missed} too late`]),
    ...recent
      .slice(-5)
      .map(({ startedAt, workflowId }) => `  ${minuteOf(startedAt)}  ${printable(workflowId)}`)
      .toReversed(),
  ];
}

function nextLine({ paused, nextAt }: ScheduleDetails): string {
  if (paused) return 'Next night: none while it is paused';
  return nextAt.length === 0 ? 'Next night: none' : `Next nights: ${nextAt.slice(0, 3).map(minuteOf).join(', ')} (UTC)`;
}

function minuteOf(time: Date | undefined): string {
  return time === undefined ? '' : time.toISOString().slice(0, 16).replace('T', ' ');
}
