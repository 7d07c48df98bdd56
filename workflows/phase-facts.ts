/** What a person is shown of each phase while an iteration goes on: counts, and means over its finished shards or steps. */
import type { Phase } from '../activities/contract.ts';
import { formatNumber } from './markdown.ts';

export interface PhaseFacts {
  /** Finished units that `sums` is of. */
  units: number;
  /** Of the metrics that are shown. */
  sums: Record<string, number>;
}

export type Facts = Partial<Record<Phase, PhaseFacts>>;

interface Shown {
  metrics: readonly string[];
  say: (sum: (name: string) => number, units: number) => string;
}

const SHOWN: Readonly<Record<Phase, Shown>> = {
  challenger_training: {
    metrics: ['rollouts', 'parsed', 'meanReward'],
    say: (sum, units) =>
      `${sum('rollouts')} questions, ${sum('parsed')} of the right form, mean reward ${formatNumber(sum('meanReward') / units)}`,
  },
  dataset_generation: {
    metrics: ['generated', 'parsed'],
    say: (sum) => `${sum('generated')} questions, ${sum('parsed')} of the right form`,
  },
  labelling: {
    metrics: ['questions', 'answers', 'meanPHat'],
    say: (sum, units) =>
      `${sum('answers')} answers to ${sum('questions')} questions, mean p̂ ${formatNumber(sum('meanPHat') / units)}`,
  },
  gating: {
    metrics: ['questions', 'kept'],
    say: (sum) => `${sum('kept')} of ${sum('questions')} questions kept`,
  },
  solver_training: {
    metrics: ['rollouts', 'meanReward', 'workedShare'],
    say: (sum, units) =>
      sum('rollouts') === 0
        ? 'skipped'
        : `${sum('rollouts')} answers, mean reward ${formatNumber(sum('meanReward') / units)}, ` +
          `${percent(sum('workedShare') / units)} worked out`,
  },
  evaluation: {
    metrics: ['greedyAccuracy', 'sampledAccuracy', 'setAnswers', 'setCorrect'],
    say: (sum) =>
      [
        ...['greedy', 'sampled']
          .filter((mode) => sum(`${mode}Accuracy`) > 0)
          .map((mode) => `${mode} accuracy ${percent(sum(`${mode}Accuracy`))}`),
        ...(sum('setAnswers') > 0 ? [`named sets: ${sum('setCorrect')} of ${sum('setAnswers')} answers right`] : []),
      ].join(', '),
  },
  audit: {
    metrics: ['audited', 'agreeing'],
    say: (sum) =>
      sum('audited') === 0
        ? 'no label has a truth to compare with'
        : `label accuracy ${percent(sum('agreeing') / sum('audited'))} (${sum('agreeing')} of ${sum('audited')})`,
  },
};

/** All that `beginIteration` is asked to sum up. */
export const SHOWN_METRICS: readonly string[] = [...new Set(Object.values(SHOWN).flatMap(({ metrics }) => metrics))];

/** Facts with one more unit; sums are rounded, so that they stay short in a payload. */
export function withUnit(facts: Facts, phase: Phase, metrics: Readonly<Record<string, number>>): Facts {
  const { units, sums } = facts[phase] ?? { units: 0, sums: {} };
  const added = SHOWN[phase].metrics.flatMap((name) => {
    const value = metrics[name];
    return value === undefined || !Number.isFinite(value) ? [] : [[name, rounded((sums[name] ?? 0) + value)]];
  });
  return { ...facts, [phase]: { units: units + 1, sums: { ...sums, ...Object.fromEntries(added) } } };
}

/** e.g. `384 questions, 365 of the right form`; empty before the first unit. */
export function describeFacts(phase: Phase, facts: PhaseFacts | undefined): string {
  if (facts === undefined || facts.units === 0 || Object.keys(facts.sums).length === 0) return '';
  return SHOWN[phase].say((name) => facts.sums[name] ?? 0, facts.units);
}

/** Only those metrics of the phase that are shown, as the facts of stored units. */
export function storedFacts(phase: Phase, units: number, sums: Readonly<Record<string, number>>): PhaseFacts {
  const shown = SHOWN[phase].metrics.flatMap((name) => {
    const value = sums[name];
    return value === undefined ? [] : [[name, rounded(value)]];
  });
  return { units, sums: Object.fromEntries(shown) };
}

function rounded(value: number): number {
  return Number(value.toPrecision(9));
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
