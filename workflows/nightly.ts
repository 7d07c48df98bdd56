/** `rZeroNightly`: one night of a run, for schedules: starts the run, waits for its end, and says what came of it. */
import { WorkflowExecutionAlreadyStartedError, defineSearchAttributeKey } from '@temporalio/common';
import {
  ApplicationFailure,
  ChildWorkflowCancellationType,
  ParentClosePolicy,
  condition,
  log,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  startChild,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { NightPlan, OrchestrationActivities } from '../activities/contract.ts';
import { DATABASE_OPTIONS, STATUS_NOTE_OPTIONS } from './activity-options.ts';
import { describeFailure, isOwnCancellation, isParkable, rethrowable, shorten } from './failures.ts';
import { runParkedSignal } from './messages.ts';
import type { NightResult, NightlyInput, RunParked, RunResult } from './messages.ts';
import { resolveNight } from './night-request.ts';
import type { Night } from './night-request.ts';
import { renderNight } from './progress.ts';
import { invalid } from './run-request.ts';
import { rZeroRun } from './run.ts';
import { RUN_ID_ATTRIBUTE } from './search-attributes.ts';

/** Set by Temporal on every workflow that a schedule starts. */
const SCHEDULE_ATTRIBUTE = defineSearchAttributeKey('TemporalScheduledById', 'KEYWORD');
const ID_PREFIX = 'r-zero/';

const database = proxyActivities<OrchestrationActivities>(DATABASE_OPTIONS);
const notes = proxyActivities<OrchestrationActivities>(STATUS_NOTE_OPTIONS);

/**
 * Advances a run by some iterations, within a budget. `{}` and no input at all work: the run then has the schedule's name and
 * is made on the first night. A run that is going on already is left alone, and the night ends as `skipped`. Nights that fail,
 * and those whose run parks, leave the reason as the note of their schedule, which is paused by its own policy or by this.
 *
 * @throws ApplicationFailure `RunInputInvalid`, `RunNotFound`, `RunParked` (the run stays, and waits for `resume`), or what the
 *   run failed with
 */
export async function rZeroNightly(input?: NightlyInput): Promise<NightResult> {
  const { typedSearchAttributes, workflowId } = workflowInfo();
  const scheduleId = typedSearchAttributes.get(SCHEDULE_ATTRIBUTE);
  const parked: { by?: RunParked } = {};
  setHandler(runParkedSignal, (report) => void (parked.by = report), {
    description: 'Sent by the run to its night; not for people.',
  });
  try {
    const night = resolveNight(input, scheduleId ?? workflowId);
    if (workflowId === `${ID_PREFIX}${night.runId}`) {
      throw invalid(`Workflow id ${workflowId} is that of the run itself.`, 'Start the night under another one.');
    }
    setCurrentDetails(renderNight(night));
    upsertSearchAttributes([{ key: RUN_ID_ATTRIBUTE, value: night.runId }]);
    const result = await pass(night, parked);
    setCurrentDetails(renderNight(night, result));
    return result;
  } catch (error) {
    if (isOwnCancellation(error)) throw error;
    const failure = isParkable(error) ? rethrowable(error) : error;
    if (scheduleId !== undefined && failure instanceof ApplicationFailure) await leaveNote(scheduleId, failure);
    throw failure;
  }
}

async function pass(night: Night, parked: { by?: RunParked }): Promise<NightResult> {
  const { runId, iterations, isNamed, run, budget } = night;
  const summary = `look at run ${runId}`;
  const plan = await database.planNight.executeWithOptions({ summary }, [{ runId, iterations }]);
  if (!plan.known && isNamed && run === undefined) throw unknownRun(runId);
  if (plan.workflowId !== undefined) return standAside(runId, plan, plan.workflowId);
  const workflowId = `${ID_PREFIX}${runId}`;
  let result: Promise<RunResult>;
  try {
    const handle = await startChild(rZeroRun, {
      workflowId,
      args: [{ ...run, runId, iterations: plan.target, budget: { ...budget, iterations } }],
      staticSummary: `R-Zero run ${runId}`,
      // A run that waits for a person outlives the night that started it.
      parentClosePolicy: ParentClosePolicy.ABANDON,
      cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
    });
    result = handle.result();
  } catch (error) {
    // It was started between the look and this.
    if (error instanceof WorkflowExecutionAlreadyStartedError) return skipped(runId, workflowId);
    throw error;
  }
  const ended = await Promise.race([result, condition(() => parked.by !== undefined)]);
  if (ended !== undefined) {
    const { status, finished, message } = ended;
    return { runId, status, finished, message };
  }
  // Nobody waits for it any more.
  result.catch(() => undefined);
  throw standsParked(runId, parked.by?.reason);
}

/** The run is being advanced by another workflow, which may be waiting for a person. */
function standAside(runId: string, plan: NightPlan, workflowId: string): NightResult {
  if (plan.status === 'parked') throw standsParked(runId, plan.reason);
  return skipped(runId, workflowId, plan.status);
}

function skipped(runId: string, workflowId: string, status = 'running'): NightResult {
  const message = `Nothing was done: workflow ${workflowId} has the run already (${status}).`;
  return { runId, status: 'skipped', finished: 0, message };
}

function unknownRun(runId: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(
    `There is no run "${runId}" in this database. Start it first, or give the settings of a new one in "run", {} for the demo's.`,
    'RunNotFound',
  );
}

function standsParked(runId: string, reason = 'See the page of the run.'): ApplicationFailure {
  return ApplicationFailure.nonRetryable(
    shorten(`Run "${runId}" is parked and waits for a person. ${reason}`) +
      ` Mend the cause, then: npx r-zero run resume ${runId}`,
    'RunParked',
  );
}

/** The failure itself matters more than its note; Temporal writes one of its own when the schedule pauses on failure. */
async function leaveNote(scheduleId: string, failure: ApplicationFailure): Promise<void> {
  const note = `${failure.type ?? 'Internal'}: ${failure.message}`;
  try {
    await notes.pauseSchedule.executeWithOptions({ summary: 'note the reason' }, [{ scheduleId, note }]);
  } catch (error) {
    if (isOwnCancellation(error) || !isParkable(error)) throw error;
    log.warn('The schedule did not take the reason.', { scheduleId, failure: describeFailure(error) });
  }
}
