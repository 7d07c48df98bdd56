import { ApplicationFailure, CancelledFailure } from '@temporalio/activity';
import { RZeroError } from './errors.ts';
import type { ErrorCode } from './errors.ts';
import { redactSecrets } from './redact.ts';

/** A server's restart, a disk that is being cleared: over in a minute or so, and no fault of the work. */
const PASSING: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['DatabaseUnreachable', 'DiskFull']);
const LONGEST_DELAY_SECONDS = 60;

/**
 * The one place where our errors become Temporal failures: `type` is the stable code, the table decides on retries.
 *
 * @param attempt of a unit, from 1. Its few attempts must outlast what passes by itself: they then come after 2, 6, 18 and 54 seconds
 */
export function asFailure(error: unknown, attempt?: number): Error {
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
      ...(attempt !== undefined && PASSING.has(error.code) ? { nextRetryDelay: delayAfter(attempt) } : {}),
    });
  }
  // No cause: the driver's messages quote statements and parameters, and history is no place for data.
  const text = redactSecrets(error instanceof Error ? error.message : String(error));
  const message = text.split('\n')[0]!.slice(0, 500);
  return ApplicationFailure.create({ type: 'Internal', message });
}

function delayAfter(attempt: number): number {
  return 1000 * Math.min(LONGEST_DELAY_SECONDS, 2 * 3 ** (attempt - 1));
}

/** @returns the stable code under which a failure is stored. */
export function codeOf(error: unknown): string {
  if (error instanceof RZeroError) return error.code;
  if (error instanceof ApplicationFailure) return error.type ?? 'Internal';
  return 'Internal';
}
