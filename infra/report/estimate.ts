/** A measured share or difference with its 95 % interval. */
import { wilsonInterval } from '../../activities/method/evaluation.ts';
import { NORMAL_95 } from '../../activities/statistics.ts';
import { isNumber, percent } from '../cli/numbers.ts';

export interface Estimate {
  value: number;
  /** Equal to `value` when nothing is known of the spread. */
  low: number;
  high: number;
}

/** A share of independent trials, with Wilson's interval. @returns undefined for no trials */
export function share(successes: number, trials: number): Estimate | undefined {
  if (trials <= 0) return undefined;
  const { estimate, low, high } = wilsonInterval(successes, trials);
  return { value: estimate, low, high };
}

/**
 * A share of `trials` with a standard error that knows what belongs together. Where every cluster says the same, its spread is zero and
 * says nothing: Wilson's interval for as many trials as there are clusters is the wider one then, and is taken.
 */
export function clusteredShare(
  successes: number,
  trials: number,
  error: number | null,
  clusters: number,
): Estimate | undefined {
  if (trials <= 0) return undefined;
  const value = successes / trials;
  if (!isNumber(error) || error === 0) {
    const wide = wilsonInterval(Math.round(value * clusters), clusters);
    return { value, low: Math.min(value, wide.low), high: Math.max(value, wide.high) };
  }
  return { value, low: Math.max(0, value - NORMAL_95 * error), high: Math.min(1, value + NORMAL_95 * error) };
}

export function difference(value: number | null, error: number | null): Estimate | undefined {
  if (!isNumber(value)) return undefined;
  const half = NORMAL_95 * (error ?? 0);
  return { value, low: value - half, high: value + half };
}

/** `95.0 %` and `92.4–96.7`, for two cells of a table. */
export const shareText = (estimate: Estimate | undefined): string => percent(estimate?.value).replace(' ', '\u00a0');

export const intervalText = (estimate: Estimate | undefined): string =>
  estimate ? `${(estimate.low * 100).toFixed(1)}–${(estimate.high * 100).toFixed(1)}` : '–';

/** In percentage points, with the true minus sign: `+69.0`, `−1.5`. */
export function signed(value: number): string {
  const rounded = Math.round(value * 1000) / 10;
  return `${rounded < 0 ? '−' : '+'}${Math.abs(rounded).toFixed(1)}`;
}

/** `+69.0 (+64.4 to +73.6)` */
export const gainText = (gain: Estimate | undefined): string =>
  gain ? `${signed(gain.value)} (${signed(gain.low)} to ${signed(gain.high)})` : '–';

/** True when the interval excludes zero. */
export const isClear = ({ low, high }: Estimate): boolean => low > 0 || high < 0;
