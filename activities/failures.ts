import { ApplicationFailure, CancelledFailure } from '@temporalio/activity';
import { RZeroError } from './errors.ts';
import { redactSecrets } from './redact.ts';

/** The one place where our errors become Temporal failures: `type` is the stable code, the table decides on retries. */
export function asFailure(error: unknown): Error {
  if (error instanceof CancelledFailure) return error;
  if (error instanceof ApplicationFailure) {
    const message = redactSecrets(error.message);
    if (message === error.message) return error;
    return ApplicationFailure.create({
      message,
      type: error.type ?? 'Internal',
      nonRetryable: error.nonRetryable ?? false,
    });
  }
  if (error instanceof RZeroError) {
    const message = redactSecrets(error.message);
    if (error.code === 'EngineCancelled') return new CancelledFailure(message);
    const fix = error.fix === undefined ? null : redactSecrets(error.fix);
    return ApplicationFailure.create({
      type: error.code,
      message,
      nonRetryable: !error.retryable,
      details: [{ code: error.code, field: error.field ?? null, fix }],
    });
  }
  // No cause: the driver's messages quote statements and parameters, and history is no place for data.
  const text = redactSecrets(error instanceof Error ? error.message : String(error));
  const message = text.split('\n')[0]!.slice(0, 500);
  return ApplicationFailure.create({ type: 'Internal', message });
}

/** @returns the stable code under which a failure is stored. */
export function codeOf(error: unknown): string {
  if (error instanceof RZeroError) return error.code;
  if (error instanceof ApplicationFailure) return error.type ?? 'Internal';
  return 'Internal';
}
