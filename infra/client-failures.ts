/** What the server and the workflow answer, as failures with a code and a fix. */
import {
  QueryNotRegisteredError,
  QueryRejectedError,
  ServiceError,
  WorkflowFailedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  isGrpcServiceError,
} from '@temporalio/client';
import { ApplicationFailure, CancelledFailure, TerminatedFailure } from '@temporalio/common';
import { NON_RETRYABLE, RZeroError } from '../activities/errors.ts';
import type { ErrorCode } from '../activities/errors.ts';

// gRPC status codes, by their protocol numbers.
const CANCELLED = 1;
const INVALID_ARGUMENT = 3;
const DEADLINE_EXCEEDED = 4;
const FAILED_PRECONDITION = 9;

/** True when nobody polls the run's task queue. */
export function isNoWorker(error: unknown): boolean {
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) return true;
  if (!isGrpcServiceError(error)) return false;
  return [CANCELLED, DEADLINE_EXCEEDED, FAILED_PRECONDITION].includes(error.code);
}

/** True when a list query names a search attribute that the namespace does not have: no worker of ours was ever there. */
export function isUnknownAttribute(error: unknown): boolean {
  const cause = error instanceof ServiceError ? error.cause : error;
  if (!isGrpcServiceError(cause)) return false;
  return [INVALID_ARGUMENT].includes(cause.code) && /^invalid query/i.test(cause.details);
}

export function isRejectedQuery(error: unknown): boolean {
  return error instanceof QueryRejectedError || error instanceof QueryNotRegisteredError;
}

/** @returns the failure of a run, or of a message to it, as an `RZeroError` where it is one; else as it came. */
export function updateFailure(error: unknown, runId: string): unknown {
  if (error instanceof WorkflowUpdateFailedError || error instanceof WorkflowFailedError) {
    const { cause } = error;
    if (cause instanceof ApplicationFailure) {
      return new RZeroError(codeOf(cause.type), cause.message, { cause: error });
    }
    if (cause instanceof CancelledFailure || cause instanceof TerminatedFailure) {
      const how = cause instanceof CancelledFailure ? 'cancelled' : 'terminated';
      return new RZeroError('RunCancelled', `Run "${runId}" was ${how}.`, {
        fix: 'Start it again under the same run id to continue it.',
        cause: error,
      });
    }
    return error;
  }
  if (error instanceof WorkflowNotFoundError) {
    return new RZeroError('RunNotFound', `Run "${runId}" is not going on.`, {
      field: 'runId',
      fix: `Start it again under the same run id to continue it: \`r-zero run start --run-id ${runId}\`.`,
      cause: error,
    });
  }
  if (isNoWorker(error)) {
    return new RZeroError('TemporalUnreachable', `No worker answered for run "${runId}".`, {
      fix: 'Start one with `npx r-zero worker`, or `npx r-zero up`.',
      cause: error,
    });
  }
  return error;
}

function codeOf(type: string | null | undefined): ErrorCode {
  return [...NON_RETRYABLE].find((code) => code === type) ?? 'Internal';
}
