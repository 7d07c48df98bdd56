/** What an experiment may be told, and the runs that it stands for. */
import { z } from 'zod';
import type { ExperimentInput, RunInput } from './contract.ts';
import { CONTROL_NAMES } from './control.ts';
import { RZeroError } from './errors.ts';
import { mergeSettings } from './settings.ts';
import { resolveRunInput } from './run-input.ts';

export interface ExperimentCellInput {
  setting: string;
  seed: number;
  runId: string;
  /** Of `rZeroRun`, without `runId`, `seed` and `iterations`. */
  input: RunInput;
}

export interface ResolvedExperiment {
  experimentId: string;
  /** Undefined when the input names none. */
  iterations: number | undefined;
  concurrency: number;
  /** What the input asks for, seed by seed, so that the first seed gives a whole table early; none when it only names the experiment. */
  cells: ExperimentCellInput[];
}

export const DEFAULT_ITERATIONS = 6;
const DEFAULT_SEEDS = [1, 2, 3];
const MOST_RUNS = 1000;
/** Said once for the whole experiment, or made from the cell. */
const NOT_IN_SETTINGS = ['runId', 'seed', 'iterations', 'budget'];

/** `default`, `paper`, and each control on top of `default`. */
const ABLATIONS: Record<string, RunInput> = Object.fromEntries([
  ['default', {}],
  ['paper', { preset: 'paper' }],
  ...CONTROL_NAMES.filter((name) => name !== 'none').map((control) => [control, { control }]),
]);

/**
 * Runs are compared at equal work, those that go wrong as well: what would stop a run by default is a note, unless the experiment
 * names its action. A fault of the engine still parks.
 */
const NOTED: RunInput = {
  alarms: Object.fromEntries(['labelAccuracy', 'heldOut', 'belowBase', 'kl'].map((name) => [name, { action: 'note' }])),
};

const settings = z.record(z.string(), z.unknown());

const experimentInput = z.strictObject({
  experimentId: z
    .string()
    .regex(
      /^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$/,
      'letters, digits, ".", "_" and "-", at most 40, the first a letter or digit',
    ),
  iterations: z.int().min(1).max(1000).optional(),
  seeds: z.array(z.int().min(0).max(Number.MAX_SAFE_INTEGER)).min(1).optional(),
  base: settings.optional(),
  settings: z
    .record(
      z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/, 'letters, digits, ".", "_" and "-", at most 32'),
      settings,
    )
    .refine((value) => Object.keys(value).length > 0, 'at least one setting')
    .optional(),
  concurrency: z.int().min(1).max(100).default(1),
});

/**
 * @param input with its `experimentId`
 * @param isKnown true when the experiment has runs already: an input that names no setting, seed or base adds none then
 * @throws RZeroError `RunInputInvalid`, which names the field: of the experiment, or of the setting whose run would be refused
 */
export function resolveExperiment(input: ExperimentInput, isKnown: boolean): ResolvedExperiment {
  const parsed = experimentInput.safeParse(input);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    const unknown = issue.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
    const field = [...issue.path, ...(unknown ? [unknown] : [])].join('.') || 'input';
    throw new RZeroError(
      'RunInputInvalid',
      `Experiment: ${unknown ? `there is no field "${field}".` : `"${field}": ${issue.message}.`}`,
      { field, fix: `Fields of an experiment: ${Object.keys(experimentInput.shape).join(', ')}.` },
    );
  }
  const { experimentId, iterations, concurrency, base = {}, ...grid } = parsed.data;
  const names = isKnown && grid.settings === undefined && grid.seeds === undefined && input.base === undefined;
  const chosen = grid.settings ?? ABLATIONS;
  const seeds = [...new Set(grid.seeds ?? DEFAULT_SEEDS)];
  if (Object.keys(chosen).length * seeds.length > MOST_RUNS) {
    throw new RZeroError('RunInputInvalid', `Experiment: more than ${MOST_RUNS} runs.`, {
      field: 'seeds',
      fix: 'Choose fewer settings or seeds.',
    });
  }
  requireOwnFields('base', base);
  const merged = Object.entries(chosen).map(([setting, own]) => {
    requireOwnFields(`settings.${setting}`, own);
    return { setting, input: mergeSettings(mergeSettings(NOTED, base), own) };
  });
  for (const { setting, input: run } of merged) requireRunnable(setting, run, iterations ?? DEFAULT_ITERATIONS);
  const cells = seeds.flatMap((seed) =>
    merged.map(({ setting, input: run }) => ({
      setting,
      seed,
      input: run,
      runId: `${experimentId}-${setting}-${seed}`,
    })),
  );
  return { experimentId, iterations, concurrency, cells: names ? [] : cells };
}

function requireOwnFields(place: string, input: RunInput): void {
  const field = NOT_IN_SETTINGS.find((name) => name in input);
  if (field === undefined) return;
  throw new RZeroError('RunInputInvalid', `Experiment: "${place}" may not have "${field}".`, {
    field: `${place}.${field}`,
    fix:
      field === 'budget'
        ? 'Runs of an experiment have no budget: they are to be compared at equal work.'
        : 'Seeds and iterations are said beside the settings; run ids are made from them.',
  });
}

/** Hours before its turn comes, and not then. */
function requireRunnable(setting: string, input: RunInput, iterations: number): void {
  try {
    resolveRunInput({ ...input, iterations });
  } catch (error) {
    if (!(error instanceof RZeroError)) throw error;
    throw new RZeroError(error.code, `Experiment: setting "${setting}" makes no run. ${error.message}`, {
      field: `settings.${setting}.${error.field ?? ''}`,
      cause: error,
    });
  }
}
