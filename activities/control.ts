/**
 * Control experiments: runs in which one part of the method is taken away or replaced, everything else being equal. What a run
 * gains and its control does not is owed to that part (the ablations of arXiv 2508.05004, Table 3, and the random rewards of
 * arXiv 2506.10947).
 */
import { RZeroError } from './errors.ts';
import { computeTruth } from './method/oracle.ts';
import { coin, deriveSeed, permutation } from './method/seeds.ts';
import { flatten, mergeSettings } from './settings.ts';
import type { RunRow } from '../db/queries/runs.ts';
import type { Place } from '../db/queries/units.ts';

interface ControlDefinition {
  /** What is different, as a sentence's end: "A control: …". */
  summary: string;
  /** Fields of the run's input that the control sets. */
  sets?: Settings;
}

interface Settings {
  readonly [field: string]: string | number | Settings;
}

export const CONTROL_NAMES = [
  'none',
  'random-reward',
  'shuffled-labels',
  'oracle-labels',
  'no-gate',
  'frozen-challenger',
  'no-repetition-penalty',
] as const;

export type ControlName = (typeof CONTROL_NAMES)[number];

const CONTROLS: Record<Exclude<ControlName, 'none'>, ControlDefinition> = {
  'random-reward': { summary: 'every reward of both roles was a coin flip, so nothing should be learned' },
  'shuffled-labels': { summary: 'the Solver was trained on labels that belong to other questions' },
  'oracle-labels': {
    summary: 'the Solver was trained on computed answers in place of majority labels: an upper bound',
  },
  'no-gate': {
    summary: 'every labelled question was kept, whatever its solve rate, copies too',
    sets: { gate: { lower: 0, upper: 1, duplicates: { withinIteration: 'none', earlierIterations: 'none' } } },
  },
  'frozen-challenger': {
    summary: 'the Challenger was never trained: the base model wrote all questions',
    sets: { challenger: { steps: 0 } },
  },
  'no-repetition-penalty': {
    summary: 'the Challenger paid nothing for repeating itself',
    sets: { challenger: { repetitionWeight: 0 } },
  },
};

/** What a control changes, in words; undefined for `none`. */
export function describeControl(name: string): string | undefined {
  return Object.hasOwn(CONTROLS, name) ? CONTROLS[name as keyof typeof CONTROLS].summary : undefined;
}

/**
 * The configuration with the fields that its control sets.
 *
 * @param given the fields that the caller named
 * @throws RZeroError `RunInputInvalid` when one of them says otherwise
 */
export function applyControl<T extends { control: ControlName }>(config: T, given: ReadonlyMap<string, unknown>): T {
  if (config.control === 'none') return config;
  const { sets = {} } = CONTROLS[config.control];
  for (const [field, value] of flatten(sets)) {
    const named = given.get(field);
    if (named === undefined || named === value) continue;
    throw new RZeroError(
      'RunInputInvalid',
      `Run input: "${field}" is ${JSON.stringify(named)}, but the control "${config.control}" sets it to ${JSON.stringify(value)}.`,
      { field, fix: `Leave "${field}" out, or choose another control.` },
    );
  }
  return mergeSettings(config, sets) as T;
}

/**
 * The reward a policy is trained with. In the control `random-reward` it is a seeded coin flip, which carries no
 * information: whatever such a run gains, it does not gain from its rewards.
 */
export function controlledReward(run: RunRow, place: Place, item: number, sample: number, computed: number): number {
  if (run.control !== 'random-reward') return computed;
  return coin(deriveSeed({ runSeed: run.seed, ...place, item, sample, stream: 'control' }));
}

/** True when the labels that the Solver is trained on are not those of the vote. */
export function replacesLabels({ control }: Pick<RunRow, 'control'>): boolean {
  return control === 'shuffled-labels' || control === 'oracle-labels';
}

/**
 * An iteration's data set with the labels that the Solver is trained on. They are the pseudo-labels, but for two controls:
 * `shuffled-labels` deals them out anew among the kept questions, which keeps their distribution and nothing else;
 * `oracle-labels` takes the computed answer of each question that has one.
 */
export function trainingLabels<T extends { question: string; label: string }>(
  run: Pick<RunRow, 'control' | 'seed'>,
  iteration: number,
  dataset: readonly T[],
): readonly T[] {
  if (run.control === 'oracle-labels') {
    return dataset.map((row) => ({ ...row, label: computeTruth(row.question)?.value ?? row.label }));
  }
  if (run.control === 'shuffled-labels') {
    const place = { iteration, phase: 'solver_training', unit: 0, item: 0, sample: 0, stream: 'control' };
    const order = permutation(dataset.length, deriveSeed({ runSeed: run.seed, ...place }));
    return dataset.map((row, index) => ({ ...row, label: dataset[order[index]!]!.label }));
  }
  return dataset;
}
