/**
 * Time-outs and retries of every activity, in one place. Retries are bounded: when they are used up the run parks and
 * waits for a person, because an endless retry hides the fault and burns the accelerator.
 */
import { ActivityCancellationType, workflowInfo } from '@temporalio/workflow';
import type { ActivityOptions } from '@temporalio/workflow';

/** `beginIteration`, `setRunStatus` and the like: a few statements each, too short for heartbeats. */
export const DATABASE_OPTIONS: ActivityOptions = {
  // A statement that takes longer is stuck behind a lock or a dead connection, or its worker has died: try again.
  startToCloseTimeout: '30 seconds',
  // 1, 2, 4, 8, 16, 20, 20, ... seconds: rides out a restart of Postgres (about three minutes), then parks.
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '20 seconds', maximumAttempts: 12 },
  // Short, and each is one transaction: let it end, so that the next activity sees its rows.
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
};

/** `openRun`: for a new run it copies and hashes the base model, which takes minutes for a large one. */
export const OPEN_OPTIONS: ActivityOptions = {
  ...DATABASE_OPTIONS,
  startToCloseTimeout: '1 hour',
  heartbeatTimeout: '30 seconds',
};

/** `resetRun`: marks all rows of what is done again, hundreds of thousands of a large iteration. */
export const RESET_OPTIONS: ActivityOptions = {
  ...DATABASE_OPTIONS,
  startToCloseTimeout: '30 minutes',
};

/** `finishIteration`: one aggregate over everything that the iteration has stored. */
export const SUMMARY_OPTIONS: ActivityOptions = {
  ...DATABASE_OPTIONS,
  startToCloseTimeout: '5 minutes',
};

/** `pruneCheckpoints`: deletes files, on a slow disk for minutes. */
export const PRUNE_OPTIONS: ActivityOptions = {
  ...DATABASE_OPTIONS,
  startToCloseTimeout: '30 minutes',
  heartbeatTimeout: '30 seconds',
};

/** The note "parked" in the run's row. The row is a courtesy then (Temporal shows the state), so few attempts. */
export const STATUS_NOTE_OPTIONS: ActivityOptions = {
  ...DATABASE_OPTIONS,
  startToCloseTimeout: '20 seconds',
  retry: { initialInterval: '500 milliseconds', backoffCoefficient: 2, maximumAttempts: 4 },
};

/** `gateQuestions` and `auditLabels`: database work over a whole iteration's questions, no accelerator. */
export const BULK_DATABASE_OPTIONS: ActivityOptions = {
  ...DATABASE_OPTIONS,
  // Hundreds of thousands of questions with bulk statements take minutes.
  startToCloseTimeout: '30 minutes',
  // Beats come every two seconds, so a dead worker costs this and not the half hour.
  heartbeatTimeout: '30 seconds',
};

/** `judgeLabels`: requests to somebody else's server, which may be slow, busy or down. */
export const JUDGE_OPTIONS: ActivityOptions = {
  // Ten thousand questions to a slow judge; a dead worker is found by its missing heartbeat.
  startToCloseTimeout: '12 hours',
  heartbeatTimeout: '30 seconds',
  // Each request has tries of its own; what was said is stored, so a later attempt goes on: 10, 20, 40, ... s, about an hour.
  retry: { initialInterval: '10 seconds', backoffCoefficient: 2, maximumInterval: '10 minutes', maximumAttempts: 12 },
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
};

/** `checkAlarms`: some aggregates over the rows of a phase. */
export const ALARM_OPTIONS: ActivityOptions = { ...BULK_DATABASE_OPTIONS };

/** Whatever runs a model: sampling, training, evaluation. */
export const GPU_OPTIONS: ActivityOptions = {
  // One step on a large model may take hours; a dead worker is found by its missing heartbeat, not by this.
  startToCloseTimeout: '12 hours',
  // The model runs in a child process; what keeps the worker's own loop is clustering a large batch, some seconds.
  heartbeatTimeout: '30 seconds',
  // A crash or an out-of-memory often passes when the engine starts afresh; a fault of the unit itself does not.
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '1 minute', maximumAttempts: 5 },
  // The accelerator must be free, and a checkpoint whole, before anything else is scheduled.
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
};

/** Queue of GPU work: one activity at a time per accelerator. `r-zero` becomes `r-zero-gpu`. */
export function gpuTaskQueue(): string {
  return `${workflowInfo().taskQueue}-gpu`;
}
