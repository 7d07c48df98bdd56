/** What `r-zero demo` asks for, and the run that belongs to it. */
import type { RunInput } from '../../activities/contract.ts';
import { RZeroError } from '../../activities/errors.ts';
import { conflictingFields, resolveRunInput } from '../../activities/run-input.ts';
import type { RunConfig } from '../../activities/run-input.ts';
import { readRunInput } from './run-input-text.ts';
import { isComplete } from './run-snapshot.ts';
import type { RunSnapshot } from './run-snapshot.ts';

export interface DemoChoices {
  seed: number;
  /** Total number of iterations; undefined leaves a known run as it is. */
  iterations?: number | undefined;
  control: string;
  preset: string;
  runId?: string | undefined;
  /** Further fields of the run's input, as JSON or `@file`. */
  input?: string | undefined;
}

/** A run of its own for each choice that makes a different experiment; more iterations are the same one, continued. */
export function demoRunId({ seed, control, preset, runId }: DemoChoices): string {
  if (runId !== undefined) return runId;
  return [
    'demo',
    ...(preset === 'default' ? [] : [preset]),
    ...(control === 'none' ? [] : [control]),
    ...(seed === 1 ? [] : [`seed-${seed}`]),
  ].join('-');
}

/** @throws RZeroError `RunInputInvalid` */
export function demoInput(choices: DemoChoices): RunInput & { runId: string } {
  const { seed, control, preset, iterations } = choices;
  const fields = { seed, control, preset, ...(iterations === undefined ? {} : { iterations }) };
  return { ...readRunInput(choices.input, fields), runId: demoRunId(choices) };
}

/**
 * True when the stored run has everything that is asked for.
 *
 * @throws RZeroError `RunConflict` when the stored run was started with other settings
 */
export function isFinished(snapshot: RunSnapshot, input: RunInput & { runId: string }): boolean {
  const { run } = snapshot;
  const fields = conflictingFields(resolveRunInput(input).given, run.config as RunConfig);
  if (fields.length > 0) {
    throw new RZeroError(
      'RunConflict',
      `Run "${run.runId}" exists with another value of ${fields.map((field) => `"${field}"`).join(', ')}.`,
      {
        field: fields[0] ?? 'runId',
        fix: 'A run keeps the settings it was started with: leave the option out to continue it, or name a new run with --run-id.',
      },
    );
  }
  return run.status === 'completed' && isComplete(snapshot) && (input.iterations ?? 0) <= run.iterations;
}

/** The options that name this demo again, as typed after the command; empty for the plain one. */
export function demoArguments(choices: DemoChoices, dataDir: string, change: Partial<DemoChoices> = {}): string[] {
  const { seed, iterations, control, preset, runId } = { ...choices, iterations: undefined, ...change };
  return [
    ...(seed === 1 ? [] : ['--seed', String(seed)]),
    ...(control === 'none' ? [] : ['--control', control]),
    ...(preset === 'default' ? [] : ['--preset', preset]),
    ...(runId === undefined ? [] : ['--run-id', runId]),
    ...(iterations === undefined ? [] : ['--iterations', String(iterations)]),
    ...dataDirArguments(dataDir),
  ];
}

export const DEFAULT_DATA_DIR = '.r-zero';

export function dataDirArguments(dataDir: string): string[] {
  return dataDir === DEFAULT_DATA_DIR ? [] : ['--data-dir', shellWord(dataDir)];
}

/** How the person called this: `npm start -- …` or `npx r-zero demo …`. */
export function demoCommand(words: readonly string[], env: NodeJS.ProcessEnv = process.env): string {
  const line = words.join(' ');
  if (env['npm_lifecycle_event'] === 'start') return line ? `npm start -- ${line}` : 'npm start';
  return line ? `npx r-zero demo ${line}` : 'npx r-zero demo';
}

export function shellWord(text: string): string {
  return /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
