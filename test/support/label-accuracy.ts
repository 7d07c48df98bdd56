/** The estimates of `r_zero.label_accuracy`, written a second time. */
import { wilsonInterval } from '../../activities/method/evaluation.ts';
import { pHatPart } from '../../activities/method/p-hat-parts.ts';

export interface Interval {
  lower: number;
  upper: number;
}

const Z = 1.959963984540054;

/** How far an interval reaches from the estimate. */
interface Reach {
  below: number;
  above: number;
}

/**
 * Of 95 %; nothing is known of nothing.
 *
 * @param predicted so many others of the kind, whose own share is meant
 */
export function wilson(successes: number, n: number, predicted = Infinity): Interval {
  const p = n === 0 ? 0.5 : successes / n;
  const { below, above } = reach(successes, n, predicted);
  return { lower: Math.max(0, p - below), upper: Math.min(1, p + above) };
}

function reach(successes: number, n: number, predicted = Infinity): Reach {
  if (n === 0) return { below: 0.5, above: 0.5 };
  const { estimate: p, low, high } = wilsonInterval(successes, n);
  const centre = (successes + Z ** 2 / 2) / (n + Z ** 2);
  const chance = predicted === 0 ? 0 : (Z ** 2 * centre * (1 - centre)) / predicted;
  return { below: Math.sqrt((p - low) ** 2 + chance), above: Math.sqrt((high - p) ** 2 + chance) };
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
  let [estimate, below, above, others] = [0, 0, 0, 0];
  for (const { weight, agreeing, audited, predicted } of strata) {
    const p = audited === 0 ? 0.5 : agreeing / audited;
    const own = reach(agreeing, audited, predicted);
    estimate += weight * p;
    below += (weight * own.below) ** 2;
    above += (weight * own.above) ** 2;
    others += predicted ?? 0;
  }
  // A share of so many labels moves in steps.
  const halfStep = others === 0 ? 0 : 0.5 / others;
  return {
    estimate,
    lower: Math.max(0, estimate - Math.sqrt(below) - halfStep),
    upper: Math.min(1, estimate + Math.sqrt(above) + halfStep),
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
