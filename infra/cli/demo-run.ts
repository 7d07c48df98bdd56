/** What `r-zero demo` asks for, and the run that belongs to it. */
import { createHash } from 'node:crypto';
import type { RunInput } from '../../activities/contract.ts';
import { RZeroError } from '../../activities/errors.ts';
import { conflictingFields, resolveRunInput } from '../../activities/run-input.ts';
import type { RunConfig } from '../../activities/run-input.ts';
import { readRunInput } from './run-input-text.ts';
import { isComplete } from './run-snapshot.ts';
import type { RunSnapshot } from './run-snapshot.ts';

export interface DemoChoices {
  /** @default what `input` says, else 1 */
  seed?: number | undefined;
  /** Total number of iterations; undefined leaves a known run as it is. */
  iterations?: number | undefined;
  /** @default what `input` says, else `none` */
  control?: string | undefined;
  /** @default what `input` says, else `default` */
  preset?: string | undefined;
  runId?: string | undefined;
  /** Further fields of the run's input, as JSON or `@file`. The other choices are laid over it. */
  input?: string | undefined;
}

/**
 * The run's input, with its name: one of its own for each choice that makes a different experiment, so that a plain
 * `npm start` never goes on with another's settings. More iterations are the same experiment, continued.
 *
 * @throws RZeroError `RunInputInvalid`
 */
export function demoInput(choices: DemoChoices): RunInput & { runId: string } {
  const { seed, control, preset, iterations, runId } = choices;
  const input = readRunInput(choices.input, {
    seed,
    control,
    preset,
    ...(iterations === undefined ? {} : { iterations }),
    ...(runId === undefined ? {} : { runId }),
  });
  return { ...input, runId: input.runId ?? nameFor(input) };
}

/** Fields that the name spells out, or that do not make another experiment. */
const NAMED = new Set(['runId', 'iterations', 'seed', 'control', 'preset']);

function nameFor(input: RunInput): string {
  const { config, given } = resolveRunInput(input);
  const others = [...given].filter(([field]) => !NAMED.has(field)).sort(([a], [b]) => (a < b ? -1 : 1));
  const digest = createHash('sha256').update(JSON.stringify(others)).digest('hex').slice(0, 8);
  return [
    'demo',
    ...(config.preset === 'default' ? [] : [config.preset]),
    ...(config.control === 'none' ? [] : [config.control]),
    ...(config.seed === 1 ? [] : [`seed-${config.seed}`]),
    ...(others.length === 0 ? [] : [`input-${digest}`]),
  ].join('-');
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
  const { seed, iterations, control, preset, runId, input } = { ...choices, iterations: undefined, ...change };
  return [
    ...(seed === undefined ? [] : ['--seed', String(seed)]),
    ...(control === undefined ? [] : ['--control', control]),
    ...(preset === undefined ? [] : ['--preset', preset]),
    ...(input === undefined ? [] : ['--input', shellWord(input)]),
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
