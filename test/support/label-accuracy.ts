/** The estimates of `r_zero.label_accuracy`, written a second time. */
import { wilsonInterval } from '../../activities/method/evaluation.ts';
import { pHatPart } from '../../activities/method/p-hat-parts.ts';

export interface Interval {
  lower: number;
  upper: number;
}

/** Of 95 %; nothing is known of nothing. */
export function wilson(successes: number, n: number): Interval {
  if (n === 0) return { lower: 0, upper: 1 };
  const { low, high } = wilsonInterval(successes, n);
  return { lower: low, upper: high };
}

export interface Stratum {
  /** Weights add up to 1. */
  weight: number;
  agreeing: number;
  audited: number;
}

/** Weighted sum of proportions with an interval by MOVER (Zou and Donner, Statistics in Medicine 27, 2008). */
export function stratified(strata: readonly Stratum[]): Interval & { estimate: number } {
  let [estimate, below, above] = [0, 0, 0];
  for (const { weight, agreeing, audited } of strata) {
    const p = audited === 0 ? 0.5 : agreeing / audited;
    const { lower, upper } = wilson(agreeing, audited);
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

/** What an oracle's verdicts say of labels with these votes; undefined when it has decided nothing. */
export function estimateFor(
  labels: readonly Voted[],
  verdicts: readonly (Voted & { agrees: boolean })[],
): (Interval & { estimate: number }) | undefined {
  if (verdicts.length === 0 || labels.length === 0) return undefined;
  const parts = new Set([...labels, ...verdicts].map(({ majority, total }) => pHatPart(majority, total)));
  const inPart = <T extends Voted>(rows: readonly T[], part: number) =>
    rows.filter(({ majority, total }) => pHatPart(majority, total) === part);
  return stratified(
    [...parts].map((part) => {
      const own = inPart(verdicts, part);
      return {
        weight: inPart(labels, part).length / labels.length,
        audited: own.length,
        agreeing: own.filter(({ agrees }) => agrees).length,
      };
    }),
  );
}
