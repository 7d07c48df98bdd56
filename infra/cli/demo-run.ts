/** What `r-zero demo` asks for, and the run that belongs to it. */
import { createHash } from 'node:crypto';
import type { RunInput } from '../../activities/contract.ts';
import { RZeroError } from '../../activities/errors.ts';
import { flatten } from '../../activities/settings.ts';
import { conflictingFields, resolveRunInput } from '../../activities/run-input.ts';
import type { RunConfig } from '../../activities/run-input.ts';
import { PACKAGED_MODELS } from '../models/catalogue.ts';
import { overSmallRun } from '../models/small-run.ts';
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
  /** @default what `input` says, else the built-in base model */
  model?: string | undefined;
  /** @default what `input` says, else what belongs to the model */
  prompts?: string | undefined;
  runId?: string | undefined;
  /** Further fields of the run's input, as JSON or `@file`. The other choices are laid over it. */
  input?: string | undefined;
}

/**
 * The run's input, with its name: one of its own for each choice that makes a different experiment, so that a plain
 * `npm start` never goes on with another's settings. More iterations are the same experiment, continued. On a model of the
 * user's it is a small run (infra/models/small-run.ts).
 *
 * @param stored the run exists, and may have been extended: no number of iterations is filled in
 * @throws RZeroError `RunInputInvalid`
 */
export function demoInput(choices: DemoChoices, stored = false): RunInput & { runId: string } {
  const { seed, control, preset, model, prompts, iterations, runId } = choices;
  let name = '';
  const input = readRunInput(
    choices.input,
    {
      seed,
      control,
      preset,
      model,
      prompts,
      ...(iterations === undefined ? {} : { iterations }),
      ...(runId === undefined ? {} : { runId }),
    },
    (given) => {
      const complete = overSmallRun(given);
      name = given.runId ?? nameFor(given, complete);
      return stored ? withoutIterations(complete, given) : complete;
    },
  );
  return { ...input, runId: name };
}

/** Fields that the name spells out, or that do not make another experiment. */
const NAMED = new Set(['runId', 'iterations', 'seed', 'control', 'preset']);

/** @param complete what the person gave, and what is filled in, which makes no other experiment of it */
function nameFor(given: RunInput, complete: RunInput): string {
  const { config } = resolveRunInput(complete);
  const packaged = PACKAGED_MODELS.some(({ name }) => name === config.model);
  const named = new Set([...NAMED, ...(packaged || config.model === 'builtin' ? ['model'] : [])]);
  const others = [...flatten(given)].filter(([field]) => !named.has(field)).sort(([a], [b]) => (a < b ? -1 : 1));
  const digest = createHash('sha256').update(JSON.stringify(others)).digest('hex').slice(0, 8);
  return [
    'demo',
    ...(packaged ? [config.model] : []),
    ...(config.preset === 'default' ? [] : [config.preset]),
    ...(config.control === 'none' ? [] : [config.control]),
    ...(config.seed === 1 ? [] : [`seed-${config.seed}`]),
    ...(others.length === 0 ? [] : [`input-${digest}`]),
  ].join('-');
}

function withoutIterations(complete: RunInput, given: RunInput): RunInput {
  const { iterations: _, ...others } = complete;
  return given.iterations === undefined ? others : complete;
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
  const { seed, iterations, control, preset, model, prompts, runId, input } = {
    ...choices,
    iterations: undefined,
    ...change,
  };
  return [
    ...(model === undefined ? [] : ['--model', shellWord(model)]),
    ...(prompts === undefined ? [] : ['--prompts', shellWord(prompts)]),
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
