/** Activities of `rZeroNightly`: a look at the run before, and a word on the schedule after a failure. */
import { Context } from '@temporalio/activity';
import type { NightPlan, NightRef, ScheduleNote } from './contract.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { isOver } from './lease.ts';
import { findLease } from '../db/queries/leases.ts';
import { findRun, nextIteration } from '../db/queries/runs.ts';

/** Changes nothing. A workflow that holds the lease and is over does not count as having the run. */
export async function planNight({ database }: ActivityDependencies, ref: NightRef): Promise<NightPlan> {
  const { runId, iterations } = ref;
  const run = await findRun(database, runId);
  if (!run) return { known: false, target: iterations };
  const next = await nextIteration(database, runId, run.iterations);
  const lease = await findLease(database, runId);
  return {
    known: true,
    status: run.status as NonNullable<NightPlan['status']>,
    ...(run.statusReason === null ? {} : { reason: run.statusReason }),
    ...(lease && !(await isOver(lease)) ? { workflowId: lease.workflowId } : {}),
    // The evaluation of the base model is iteration 0, and no iteration of its own.
    target: Math.max(1, next) - 1 + iterations,
  };
}

/** A schedule that does not pause on failure gets the note alone. */
export async function pauseSchedule({ scheduleId, note }: ScheduleNote): Promise<void> {
  const handle = Context.current().client.schedule.getHandle(scheduleId);
  const { policies } = await handle.describe();
  if (policies.pauseOnFailure) await handle.pause(note);
  else await handle.update(({ state, ...schedule }) => ({ ...schedule, state: { ...state, note } }));
}
