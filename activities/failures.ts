import { ApplicationFailure, CancelledFailure } from '@temporalio/activity';
import { RZeroError } from './errors.ts';

/** The one place where our errors become Temporal failures: `type` is the stable code, the table decides on retries. */
export function asFailure(error: unknown): Error {
  if (error instanceof ApplicationFailure || error instanceof CancelledFailure) return error;
  if (error instanceof RZeroError) {
    if (error.code === 'EngineCancelled') return new CancelledFailure(error.message);
    return ApplicationFailure.create({
      type: error.code,
      message: error.message,
      nonRetryable: !error.retryable,
      details: [{ code: error.code, field: error.field ?? null, fix: error.fix ?? null }],
    });
  }
  // No cause: the driver's messages quote statements and parameters, and history is no place for data.
  const message = (error instanceof Error ? error.message : String(error)).split('\n')[0]!.slice(0, 500);
  return ApplicationFailure.create({ type: 'Internal', message });
}

/** @returns the stable code under which a failure is stored. */
export function codeOf(error: unknown): string {
  if (error instanceof RZeroError) return error.code;
  if (error instanceof ApplicationFailure) return error.type ?? 'Internal';
  return 'Internal';
}
