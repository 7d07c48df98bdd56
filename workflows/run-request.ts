/** Reads the input of `rZeroRun` as it comes from a client, a schedule or the Temporal UI, where it may be anything. */
import { ApplicationFailure } from '@temporalio/workflow';
import type { RunInput } from '../activities/contract.ts';

const ID_PREFIX = 'r-zero/';

export interface RunRequest {
  /** As it was given; the activity `openRun` knows the fields, their ranges and defaults. */
  input: RunInput;
  /** Name of the run until `openRun` confirms it: the workflow's own id without `r-zero/` when none was given. */
  runId: string;
}

/** @throws ApplicationFailure `RunInputInvalid` when the input is no object, or `runId` no usable text. */
export function resolveRunRequest(input: unknown, workflowId: string): RunRequest {
  const given = input ?? {};
  if (!isRecord(given)) {
    throw invalid(`The input must be one JSON object, not ${describe(given)}.`, 'Start with {} for the demo run.');
  }
  const runId = given['runId'] ?? defaultRunId(workflowId);
  if (typeof runId !== 'string' || runId.trim() === '') {
    throw invalid(
      `runId must be a text that is not empty, not ${describe(runId)}.`,
      'Leave it out to use the workflow id.',
    );
  }
  return { input: given, runId };
}

function defaultRunId(workflowId: string): string {
  return workflowId.startsWith(ID_PREFIX) ? workflowId.slice(ID_PREFIX.length) : workflowId;
}

/** Workflow id of one iteration of a run. */
export function iterationWorkflowId(runId: string, iteration: number): string {
  return `${ID_PREFIX}${runId}/iteration-${iteration}`;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value in words, short enough for an error message. */
export function describe(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (value === null) return 'null';
  const text = typeof value === 'object' ? 'an object' : (JSON.stringify(value) ?? 'nothing');
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

/** A failure that fails the workflow, or rejects the update, with a stable code and the fix. */
export function invalid(message: string, fix: string): ApplicationFailure {
  const failure = ApplicationFailure.create({
    message: `${message} ${fix}`,
    type: 'RunInputInvalid',
    nonRetryable: true,
  });
  // The UI shows it below the message, where it tells a person nothing but paths of the worker's machine.
  failure.stack = '';
  return failure;
}
