/** Turns Temporal's nested failures into the one sentence and the code that a person needs. */
import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  ChildWorkflowFailure,
  TerminatedFailure,
  TimeoutFailure,
  isCancellation,
} from '@temporalio/workflow';

const LONGEST_REASON = 400;

/** True when the failure is the cancellation of this very workflow, and not of something it called. */
export function isOwnCancellation(error: unknown): boolean {
  return isCancellation(error) && CancellationScope.current().consideredCancelled;
}

/** True for failures of an activity or of a child: the run parks on them. Anything else is a defect of this code. */
export function isParkable(error: unknown): error is ActivityFailure | ChildWorkflowFailure {
  return error instanceof ActivityFailure || error instanceof ChildWorkflowFailure;
}

/** True when Temporal gave up at once, because the activity said that no retry can help. */
export function isNonRetryable(error: unknown): error is ActivityFailure {
  return error instanceof ActivityFailure && error.retryState === 'NON_RETRYABLE_FAILURE';
}

/**
 * True when another workflow holds the run's lease by now. Parking would write this workflow's state into a row that is
 * no longer its own, so it fails instead.
 */
export function isTakenOver(error: ActivityFailure | ChildWorkflowFailure): boolean {
  const cause = deepestCause(error);
  return cause instanceof ApplicationFailure && cause.type === 'RunConflict';
}

/**
 * True when work that the workflow knows to be done is not in the database: it was restored from an older copy, or the run was reset.
 * The workflow reads its plan again and goes on from there.
 */
export function isBehind(error: unknown): error is ActivityFailure | ChildWorkflowFailure {
  if (!isParkable(error)) return false;
  const cause = deepestCause(error);
  return cause instanceof ApplicationFailure && cause.type === 'DatabaseBehind';
}

/** The coded failure at the bottom, as a failure of the workflow or of an update: same code, same words. */
export function rethrowable(error: ActivityFailure | ChildWorkflowFailure): ApplicationFailure {
  const cause = deepestCause(error);
  const type = cause instanceof ApplicationFailure ? cause.type : undefined;
  return ApplicationFailure.create({
    message: cause.message || error.message,
    type: type ?? 'Internal',
    nonRetryable: true,
    cause: error,
  });
}

/** One line: code, message, and how Temporal came to give up. */
export function describeFailure(error: ActivityFailure | ChildWorkflowFailure): string {
  const cause = deepestCause(error);
  if (cause instanceof TimeoutFailure) {
    return cause.timeoutType === 'HEARTBEAT'
      ? 'No worker sent a heartbeat for it: the worker died, was killed or lost its connection.'
      : `It timed out (${cause.timeoutType}).`;
  }
  if (cause instanceof TerminatedFailure) return 'It was terminated by hand.';
  if (isCancellation(error)) return 'It was cancelled by itself, not through the run.';
  const code = cause instanceof ApplicationFailure && cause.type ? `${cause.type}: ` : '';
  return shorten(`${code}${cause.message || error.message}`);
}

/** Whitespace collapsed, at most 400 characters. */
export function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length <= LONGEST_REASON ? line : `${line.slice(0, LONGEST_REASON - 1)}…`;
}

/** Below the wrappers of activity and child; below that lie technical causes that a person does not need. */
function deepestCause(error: ActivityFailure | ChildWorkflowFailure): Error {
  let current: Error = error;
  while ((current instanceof ActivityFailure || current instanceof ChildWorkflowFailure) && current.cause) {
    current = current.cause;
  }
  return current;
}
