/** Scores over a held-out set: pass@1, mean@k, majority@k, their uncertainty, and whether a completion shows its working. */
import { grade } from './answer-equivalence.ts';
import { lastBox } from './boxed.ts';
import { RZeroError } from '../errors.ts';
import type { FrozenPreset } from './presets.ts';
import { vote } from './voting.ts';

export interface Proportion {
  /** 0 to 1; NaN is impossible, an empty set is an error. */
  estimate: number;
  low: number;
  high: number;
}

export interface GradedItem {
  /** Boxed answers of the item's samples, in order; null without a box. */
  answers: readonly (string | null)[];
  truth: string;
}

function requireItems(count: number, field: string): void {
  if (count === 0) {
    throw new RZeroError('RunInputInvalid', `There is nothing to score in ${field}.`, {
      field,
      fix: 'Give at least one item with at least one sample.',
    });
  }
}

/** Share of items whose first sample is right. */
export function passAt1(items: readonly GradedItem[], preset: FrozenPreset): number {
  requireItems(items.length, 'items');
  return items.filter(({ answers, truth }) => grade(answers[0] ?? null, truth, preset.grader)).length / items.length;
}

/** Mean over items of the share of right samples. */
export function meanAtK(items: readonly GradedItem[], preset: FrozenPreset): number {
  requireItems(items.length, 'items');
  const shares = items.map(({ answers, truth }) => {
    requireItems(answers.length, 'answers');
    return answers.filter((answer) => grade(answer, truth, preset.grader)).length / answers.length;
  });
  return shares.reduce((sum, share) => sum + share, 0) / shares.length;
}

/** Share of items whose majority answer is right. */
export function majorityAtK(items: readonly GradedItem[], preset: FrozenPreset): number {
  requireItems(items.length, 'items');
  const right = items.filter(({ answers, truth }) => {
    const { label } = vote(answers, preset, 'labelling');
    return label !== null && grade(label, truth, preset.grader);
  });
  return right.length / items.length;
}

/** Wilson's score interval for `successes` of `n`; z = 1.96 is 95 %. */
export function wilsonInterval(successes: number, n: number, z = 1.959963984540054): Proportion {
  requireItems(n, 'n');
  if (!Number.isInteger(n) || !Number.isInteger(successes) || successes < 0 || successes > n || !(z > 0)) {
    throw new RZeroError('RunInputInvalid', `No proportion: ${successes} of ${n} at z = ${z}.`, {
      field: 'successes',
      fix: 'Give whole numbers with 0 <= successes <= n, and z > 0.',
    });
  }
  const estimate = successes / n;
  const centre = (estimate + z ** 2 / (2 * n)) / (1 + z ** 2 / n);
  const half = (z / (1 + z ** 2 / n)) * Math.sqrt((estimate * (1 - estimate)) / n + z ** 2 / (4 * n ** 2));
  return {
    estimate,
    low: successes === 0 ? 0 : Math.max(0, centre - half),
    high: successes === n ? 1 : Math.min(1, centre + half),
  };
}

/** True when something other than white space and math delimiters stands before the last box: the answer was worked out, not only stated. */
export function isWorked(completion: string): boolean {
  const box = lastBox(completion, 0);
  return box !== null && completion.slice(0, box.open).replace(/[\s$]|\\[([]|\\boxed\{/g, '') !== '';
}
