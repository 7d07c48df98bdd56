/** Scores over a held-out set: pass@1, mean@k, majority@k, their uncertainty, and whether a completion shows its working. */
import { grade, readingOf } from './answers/answer-equivalence.ts';
import { lastBox } from './boxed.ts';
import { RZeroError } from '../errors.ts';
import type { FrozenPreset } from './presets.ts';
import { vote } from './voting.ts';

/** z of a 95 % interval. */
const NORMAL_95 = 1.959963984540054;

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
  /** Decides how a percent sign is read. */
  question?: string;
}

function requireItems(count: number, field: string): void {
  if (count === 0) {
    throw new RZeroError('RunInputInvalid', `There is nothing to score in ${field}.`, {
      field,
      fix: 'Give at least one item with at least one sample.',
    });
  }
}

function isRight(answer: string | null, { truth, question }: GradedItem, preset: FrozenPreset): boolean {
  return grade(answer, truth, preset.grader, readingOf(question));
}

/** Share of items whose first sample is right. */
export function passAt1(items: readonly GradedItem[], preset: FrozenPreset): number {
  requireItems(items.length, 'items');
  return items.filter((item) => isRight(item.answers[0] ?? null, item, preset)).length / items.length;
}

/** Mean over items of the share of right samples. */
export function meanAtK(items: readonly GradedItem[], preset: FrozenPreset): number {
  requireItems(items.length, 'items');
  const shares = rightShares(items, preset);
  return shares.reduce((sum, share) => sum + share, 0) / shares.length;
}

function rightShares(items: readonly GradedItem[], preset: FrozenPreset): number[] {
  return items.map((item) => {
    requireItems(item.answers.length, 'answers');
    return item.answers.filter((answer) => isRight(answer, item, preset)).length / item.answers.length;
  });
}

/** Share of items whose majority answer is right. */
export function majorityAtK(items: readonly GradedItem[], preset: FrozenPreset): number {
  requireItems(items.length, 'items');
  const right = items.filter((item) => {
    const { question } = item;
    const { label } = vote(item.answers, preset, 'labelling', question === undefined ? {} : { question });
    return isRight(label, item, preset);
  });
  return right.length / items.length;
}

/** Wilson's score interval for `successes` of `n`; z = 1.96 is 95 %. */
export function wilsonInterval(successes: number, n: number, z = NORMAL_95): Proportion {
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

/**
 * Mean of one value an item and its interval, `z` standard errors of the mean to both sides within [0, 1]. An item's samples are
 * not independent, so mean@k is taken over items (each the share of its right samples), never over all samples together. A single
 * item says nothing of the spread: its interval is [0, 1].
 */
export function meanInterval(values: readonly number[], z = NORMAL_95): Proportion {
  requireItems(values.length, 'values');
  const n = values.length;
  const estimate = values.reduce((sum, value) => sum + value, 0) / n;
  if (n === 1) return { estimate, low: 0, high: 1 };
  const variance = values.reduce((sum, value) => sum + (value - estimate) ** 2, 0) / (n - 1);
  const half = z * Math.sqrt(variance / n);
  return { estimate, low: Math.max(0, estimate - half), high: Math.min(1, estimate + half) };
}

export interface EvaluationScores {
  passAt1: Proportion;
  meanAtK: Proportion;
  majorityAtK: Proportion;
}

/** All scores of a held-out set with their 95 % intervals: Wilson's for shares of items, that of the mean for mean@k. */
export function evaluationScores(items: readonly GradedItem[], preset: FrozenPreset): EvaluationScores {
  const share = (estimate: number): Proportion => wilsonInterval(Math.round(estimate * items.length), items.length);
  return {
    passAt1: share(passAt1(items, preset)),
    meanAtK: meanInterval(rightShares(items, preset)),
    majorityAtK: share(majorityAtK(items, preset)),
  };
}

/** True when something other than white space and math delimiters stands before the last box: the answer was worked out, not only stated. */
export function isWorked(completion: string): boolean {
  const box = lastBox(completion, 0);
  return box !== null && completion.slice(0, box.open).replace(/[\s$]|\\[([]|\\boxed\{/g, '') !== '';
}
