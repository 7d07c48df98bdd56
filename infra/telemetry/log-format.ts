/** One log entry as a line: readable text, or JSON for machines. No secret, and no control character of anybody's text. */
import type { LogEntry } from '@temporalio/worker';
import { redactSecrets } from '../../activities/redact.ts';

export const LOG_FORMATS = ['text', 'json'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

/** Where in a run something happened; what is known of it comes first in a line. */
const PLACE = ['run', 'iteration', 'phase', 'unit'] as const;
/** For people these say nothing that the place does not; they are in the JSON form. */
const FOR_MACHINES: ReadonlySet<string> = new Set(
  (
    'sdkComponent namespace taskQueue taskToken activityId activityType workflowType workflowId workflowRunId runId isLocal ' +
    'attempt target trace_id span_id trace_flags'
  ).split(' '),
);

/** @returns the line, without its end */
export function formatLine({ level, message, timestampNanos, meta }: LogEntry, format: LogFormat): string {
  const time = new Date(Number(timestampNanos / 1_000_000n)).toISOString();
  const { error, ...others } = meta ?? {};
  const fields: Record<string, unknown> = { ...placeOf(others), ...others };
  if (error !== undefined) fields['error'] = error;
  const place = Object.fromEntries(
    PLACE.filter((name) => fields[name] !== undefined).map((name) => [name, fields[name]]),
  );
  if (format === 'json') return JSON.stringify({ time, level, message, ...place, ...fields }, plain);
  const shown = Object.entries({ ...place, ...fields })
    .filter(([name, value]) => value !== undefined && !FOR_MACHINES.has(name))
    .map(([name, value]) => `${name}=${wordOf(value)}`);
  const words = [time, level.padEnd(5), oneLine(redactSecrets(message)), ...shown];
  return words.join(' ');
}

/** Workflows say who they are by their id (infra/client.ts); activities by their input (work-logs.ts). */
function placeOf(meta: Record<string, unknown>): Record<string, unknown> {
  const { workflowId } = meta;
  const found = typeof workflowId === 'string' && /^r-zero\/(.+?)(?:\/iteration-(\d+))?$/.exec(workflowId);
  if (!found) return {};
  return { run: found[1], ...(found[2] === undefined ? {} : { iteration: Number(found[2]) }) };
}

/** Errors become their message, so that no statement or payload slips into a log. */
function plain(_key: string, value: unknown): unknown {
  if (value instanceof Error) return redactSecrets(`${value.name}: ${value.message}`);
  if (typeof value === 'string') return redactSecrets(value);
  return typeof value === 'bigint' ? value.toString() : value;
}

function wordOf(value: unknown): string {
  const made = plain('', value);
  const text = oneLine(typeof made === 'string' ? made : (JSON.stringify(made, plain) ?? String(made)));
  return /^[^\s"=]+$/.test(text) ? text : JSON.stringify(text);
}

function oneLine(text: string): string {
  // eslint-disable-next-line no-control-regex -- a line feed in a message must not look like another entry
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ');
}
