import { RZeroError } from '../../activities/errors.ts';
import { redactSecrets } from '../../activities/redact.ts';
import type { Paint } from './terminal.ts';
import { printable } from './terminal.ts';

/** Raised by the first Ctrl-C (or SIGTERM, SIGHUP) inside a command; carries the exit code that shells expect. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  readonly exitCode: number;

  constructor(signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP') {
    super(`Stopped by ${signal}.`);
    this.exitCode = 128 + { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 }[signal];
  }
}

/** A failure whose explanation has been written already. */
export class AlreadyReported extends Error {
  override readonly name = 'AlreadyReported';
}

export const USAGE_EXIT_CODE = 2;

export function exitCodeOf(error: unknown): number {
  return error instanceof Interrupted ? error.exitCode : 1;
}

export interface ReportOptions {
  /** Print the stack and the causes. */
  verbose: boolean;
  /** Folder of the logs; named when the failure is not one of ours. */
  logs?: string;
  paint: Paint;
}

/** A failure as lines for standard error: code, message, fix. Never a stack unless it was asked for, and no secret. */
export function describeError(error: unknown, { verbose, logs, paint }: ReportOptions): string[] {
  const lines: string[] = [];
  if (error instanceof RZeroError) {
    lines.push(`${paint('red', 'error')} [${error.code}] ${oneLine(messageWithoutFix(error))}`);
    if (error.field) lines.push(`  field: ${oneLine(error.field)}`);
    if (error.fix) lines.push(`  fix: ${oneLine(error.fix)}`);
  } else if (isDatabaseError(error)) {
    lines.push(`${paint('red', 'error')} [${error.code}] ${oneLine(error.message)}`);
    if (error.hint) lines.push(`  hint: ${oneLine(error.hint)}`);
  } else {
    const message = error instanceof Error ? error.message || error.name : String(error);
    lines.push(`${paint('red', 'error')} [Internal] ${oneLine(message)}`);
    const where = logs ? `The logs are in ${logs}. ` : '';
    if (!verbose) lines.push(`  ${where}--verbose prints where it happened.`);
  }
  if (verbose) lines.push(...stacks(error));
  return lines.map((line) => redactSecrets(line));
}

/** `RZeroError` carries its fix at the end of its message; here it gets a line of its own. */
function messageWithoutFix({ message, fix }: RZeroError): string {
  return fix && message.endsWith(fix) ? message.slice(0, -fix.length).trimEnd() : message;
}

/** An error of the Postgres server, e.g. from a query that the user wrote. */
function isDatabaseError(error: unknown): error is Error & { code: string; hint?: string } {
  if (!(error instanceof Error) || !('severity' in error) || !('code' in error)) return false;
  return typeof error.code === 'string' && /^[0-9A-Z]{5}$/.test(error.code);
}

function stacks(error: unknown): string[] {
  const lines: string[] = [];
  let current: unknown = error;
  for (let depth = 0; current instanceof Error && depth < 5; depth += 1) {
    lines.push(`${depth === 0 ? '' : 'caused by '}${current.stack ?? current.message}`);
    current = current.cause;
  }
  return lines;
}

function oneLine(text: string): string {
  return printable(text.replace(/\s*\n\s*/g, ' ').trim());
}
