/** The estimates of `r_zero.label_accuracy`, written a second time. */
import { wilsonInterval } from '../../activities/method/evaluation.ts';
import { pHatPart } from '../../activities/method/p-hat-parts.ts';

export interface Interval {
  lower: number;
  upper: number;
}

const Z = 1.959963984540054;

/**
 * Of 95 %; nothing is known of nothing.
 *
 * @param predicted so many others of the kind, whose own share is meant
 */
export function wilson(successes: number, n: number, predicted = Infinity): Interval {
  if (n === 0) return { lower: 0, upper: 1 };
  const { estimate: p, low, high } = wilsonInterval(successes, n);
  const centre = (successes + Z ** 2 / 2) / (n + Z ** 2);
  const chance = predicted === 0 ? 0 : (Z ** 2 * centre * (1 - centre)) / predicted;
  return {
    lower: Math.max(0, p - Math.sqrt((p - low) ** 2 + chance)),
    upper: Math.min(1, p + Math.sqrt((high - p) ** 2 + chance)),
  };
}

export interface Stratum {
  /** Weights add up to 1. */
  weight: number;
  agreeing: number;
  audited: number;
  /** Labels that are none of those audited, and that the verdicts are to predict. @default those audited are a sample of them */
  predicted?: number;
}

/** Weighted sum of proportions with an interval by MOVER (Zou and Donner, Statistics in Medicine 27, 2008). */
export function stratified(strata: readonly Stratum[]): Interval & { estimate: number } {
  let [estimate, below, above] = [0, 0, 0];
  for (const { weight, agreeing, audited, predicted } of strata) {
    const p = audited === 0 ? 0.5 : agreeing / audited;
    const { lower, upper } = wilson(agreeing, audited, predicted);
    estimate += weight * p;
    below += (weight * (p - lower)) ** 2;
    above += (weight * (upper - p)) ** 2;
  }
  return {
    estimate,
    lower: Math.max(0, estimate - Math.sqrt(below)),
    upper: Math.min(1, estimate + Math.sqrt(above)),
  };
}

export interface Voted {
  majority: number;
  total: number;
}

/**
 * What an oracle's verdicts say of labels with these votes; undefined when it has decided nothing.
 *
 * @param of `sample` of the labels, or of `others` like them
 */
export function estimateFor(
  labels: readonly Voted[],
  verdicts: readonly (Voted & { agrees: boolean })[],
  of: 'sample' | 'others' = 'sample',
): (Interval & { estimate: number }) | undefined {
  if (verdicts.length === 0 || labels.length === 0) return undefined;
  const parts = new Set([...labels, ...verdicts].map(({ majority, total }) => pHatPart(majority, total)));
  const inPart = <T extends Voted>(rows: readonly T[], part: number) =>
    rows.filter(({ majority, total }) => pHatPart(majority, total) === part);
  return stratified(
    [...parts].map((part) => {
      const own = inPart(verdicts, part);
      const labelled = inPart(labels, part).length;
      return {
        weight: labelled / labels.length,
        ...(of === 'others' ? { predicted: labelled } : {}),
        audited: own.length,
        agreeing: own.filter(({ agrees }) => agrees).length,
      };
    }),
  );
}
