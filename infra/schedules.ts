/** Schedules of nights: `rZeroNightly` at certain times. The `r-zero schedule` command is built on this. */
import { ScheduleAlreadyRunning, ScheduleNotFoundError, ScheduleOverlapPolicy } from '@temporalio/client';
import type { Client, ScheduleDescription, ScheduleHandle, ScheduleOptions } from '@temporalio/client';
import { RZeroError } from '../activities/errors.ts';
import type { NightlyInput } from '../workflows/messages.ts';
import { describeSpec, scheduleSpec } from './schedule-spec.ts';
import type { ScheduleTimes } from './schedule-spec.ts';

export type { ScheduleTimes } from './schedule-spec.ts';

const WORKFLOW_TYPE = 'rZeroNightly';
/** Nights missed by an outage are made up for when the server is back within this; Temporal's own default is a year. */
const CATCH_UP_HOURS = 6;

export interface NightlySchedule extends ScheduleTimes {
  scheduleId: string;
  /** What each night is started with. */
  input: NightlyInput;
  /** How late a missed night may still begin; at least ten seconds. @default 6 */
  catchUpHours?: number;
  /** Ends after that many nights. @default no end */
  nights?: number;
  /** @default false */
  paused?: boolean;
  /** Queue of the workers that shall take the nights. @default 'r-zero' */
  taskQueue?: string;
}

/**
 * Makes a schedule: a night that is still going on makes the next one be left out, and one that fails pauses the schedule.
 *
 * @throws RZeroError `RunInputInvalid` for times that cannot be, `ScheduleConflict` when the id is taken
 */
export async function createSchedule(client: Client, schedule: NightlySchedule): Promise<void> {
  const { scheduleId, input, catchUpHours = CATCH_UP_HOURS, nights, paused = false, taskQueue = 'r-zero' } = schedule;
  const options: ScheduleOptions = {
    scheduleId,
    spec: scheduleSpec(schedule),
    action: {
      type: 'startWorkflow',
      workflowType: WORKFLOW_TYPE,
      workflowId: scheduleId,
      taskQueue,
      args: [input],
      staticSummary: `Night of run ${input.runId ?? scheduleId}`,
    },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: catchUpHours * 3_600_000, pauseOnFailure: true },
    state: { paused, ...(nights === undefined ? {} : { remainingActions: nights }) },
  };
  try {
    await client.schedule.create(options);
  } catch (error) {
    if (error instanceof ScheduleAlreadyRunning) {
      throw new RZeroError('ScheduleConflict', `There is a schedule "${scheduleId}" already.`, {
        field: 'scheduleId',
        fix: `Choose another name, or delete it: npx r-zero schedule delete ${scheduleId}`,
        cause: error,
      });
    }
    throw refusal(error);
  }
}

export interface ScheduleItem {
  scheduleId: string;
  paused: boolean;
  note: string;
  /** In words; empty for times that were set elsewhere and carry no comment. */
  times: string;
  nextAt: Date | undefined;
  lastAt: Date | undefined;
}

/** Those that start nights, by name. The server's list lags by about a second. */
export async function listSchedules(client: Client): Promise<ScheduleItem[]> {
  const items: ScheduleItem[] = [];
  for await (const { scheduleId, spec, action, state, info } of client.schedule.list()) {
    if (action?.workflowType !== WORKFLOW_TYPE) continue;
    items.push({
      scheduleId,
      paused: state.paused,
      note: state.note ?? '',
      times: describeSpec(spec),
      nextAt: info.nextActionTimes[0],
      lastAt: info.recentActions.at(-1)?.takenAt,
    });
  }
  return items.sort((a, b) => a.scheduleId.localeCompare(b.scheduleId));
}

export interface ScheduleDetails extends Omit<ScheduleItem, 'nextAt' | 'lastAt'> {
  input: NightlyInput | undefined;
  timezone: string;
  catchUpSeconds: number;
  pauseOnFailure: boolean;
  overlap: string;
  /** Nights left; undefined without a limit. */
  remaining: number | undefined;
  nextAt: Date[];
  /** Started nights, the newest last: those that Temporal remembers. */
  recent: { scheduledAt: Date; startedAt: Date; workflowId: string }[];
  /** Workflow ids of nights that are going on. */
  running: string[];
  /** Nights left out because the one before was still going on. */
  skipped: number;
  /** Nights left out because the server was away for longer than the catch-up. */
  missed: number;
}

/** @throws RZeroError `ScheduleNotFound` */
export async function getSchedule(client: Client, scheduleId: string): Promise<ScheduleDetails> {
  const { spec, state, policies, action, info } = await describeSchedule(client, scheduleId);
  return {
    scheduleId,
    paused: state.paused,
    note: state.note ?? '',
    times: describeSpec(spec),
    input: action.args?.[0] as NightlyInput | undefined,
    timezone: spec.timezone ?? 'UTC',
    catchUpSeconds: policies.catchupWindow / 1000,
    pauseOnFailure: policies.pauseOnFailure,
    overlap: policies.overlap ?? ScheduleOverlapPolicy.SKIP,
    remaining: state.remainingActions,
    nextAt: info.nextActionTimes,
    recent: info.recentActions.map(({ scheduledAt, takenAt, action: { workflow } }) => ({
      scheduledAt,
      startedAt: takenAt,
      workflowId: workflow.workflowId,
    })),
    running: info.runningActions.map(({ workflow }) => workflow.workflowId),
    skipped: info.numActionsSkippedOverlap,
    missed: info.numActionsMissedCatchupWindow,
  };
}

/** No night begins until `unpauseSchedule`; one that is going on ends as it would. @throws RZeroError `ScheduleNotFound` */
export async function pauseSchedule(client: Client, scheduleId: string, note = ''): Promise<void> {
  // To the server an empty note is no request at all.
  await onSchedule(client, scheduleId, (handle) => handle.pause(note || 'Paused on request.'));
}

/** @throws RZeroError `ScheduleNotFound` */
export async function unpauseSchedule(client: Client, scheduleId: string, note = ''): Promise<void> {
  await onSchedule(client, scheduleId, (handle) => handle.unpause(note || 'Active again on request.'));
}

/**
 * Begins a night now.
 *
 * @throws RZeroError `ScheduleNotFound`; `RunConflict` while a night is going on, because it would be left out in silence
 */
export async function triggerSchedule(client: Client, scheduleId: string): Promise<void> {
  const { running } = await getSchedule(client, scheduleId);
  if (running.length > 0) {
    throw new RZeroError('RunConflict', `A night of schedule "${scheduleId}" is going on, as workflow ${running[0]}.`, {
      field: 'scheduleId',
      fix: 'Wait for its end, or cancel it.',
    });
  }
  await onSchedule(client, scheduleId, (handle) => handle.trigger(ScheduleOverlapPolicy.SKIP));
}

/**
 * Makes up for the nights of a period in the past, one after the other.
 *
 * @throws RZeroError `ScheduleNotFound`, `RunInputInvalid` for a period without length
 */
export async function backfillSchedule(client: Client, scheduleId: string, start: Date, end: Date): Promise<void> {
  if (!(start < end)) {
    throw new RZeroError('RunInputInvalid', 'The period to make up for ends before it begins.', {
      field: '--to',
      fix: 'Give a later end.',
    });
  }
  const overlap = ScheduleOverlapPolicy.BUFFER_ALL;
  await onSchedule(client, scheduleId, (handle) => handle.backfill({ start, end, overlap }));
}

/** A night that is going on ends as it would; runs and their data stay. @throws RZeroError `ScheduleNotFound` */
export async function deleteSchedule(client: Client, scheduleId: string): Promise<void> {
  await onSchedule(client, scheduleId, (handle) => handle.delete());
}

/** Schedules that start something else are not ours to touch. */
async function onSchedule(
  client: Client,
  scheduleId: string,
  work: (handle: ScheduleHandle) => Promise<void>,
): Promise<void> {
  await describeSchedule(client, scheduleId);
  await work(client.schedule.getHandle(scheduleId));
}

async function describeSchedule(client: Client, scheduleId: string): Promise<ScheduleDescription> {
  let found: ScheduleDescription | undefined;
  try {
    found = await client.schedule.getHandle(scheduleId).describe();
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
  }
  if (found?.action.workflowType === WORKFLOW_TYPE) return found;
  const what = found === undefined ? 'There is no schedule' : `${found.action.workflowType} is started, not ours, by`;
  throw new RZeroError('ScheduleNotFound', `${what} "${scheduleId}".`, {
    field: 'scheduleId',
    fix: 'See `npx r-zero schedule list`.',
  });
}

/** The client turns the server's refusal of an argument into a `TypeError` with the server's words. */
function refusal(error: unknown): unknown {
  if (!(error instanceof TypeError)) return error;
  return new RZeroError('RunInputInvalid', `The server refused the schedule: ${error.message}.`, {
    field: '--cron',
    fix: 'Correct the times; for every day there is --at 02:00.',
    cause: error,
  });
}
