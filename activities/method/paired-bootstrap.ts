/**
 * Interval of a mean difference between two models on the same questions: the questions are drawn anew with replacement, each with both
 * its answers, and the interval is between the quantiles of the resampled means (percentile method; Efron and Tibshirani, An
 * Introduction to the Bootstrap, chapter 13). Questions, not samples, are drawn: the samples of a question resemble each other.
 */
import { RZeroError } from '../errors.ts';
import { createRandom } from './seeds.ts';

/** Error of a 95 % bound by chance: about 1.4 % of a standard error (2.5 % quantile of 10,000). */
export const RESAMPLES = 10_000;

export interface BootstrapInterval {
  /** Mean of the differences as they are. */
  difference: number;
  lower: number;
  upper: number;
}

/**
 * Means of resamples `from` to `to` of `differences`, each with a stream of its own: how the work is cut changes nothing.
 *
 * @param differences one a question, in their order
 * @param seed 16 hexadecimal digits
 */
export function resampledMean(differences: Float64Array, seed: string, resample: number): number {
  const n = differences.length;
  const random = createRandom(mixed(seed, resample));
  let sum = 0;
  // The bias of a product of 32 bits is below n / 2^32: nothing, against that of the quantiles.
  for (let i = 0; i < n; i += 1) sum += differences[Math.floor((random.nextUint32() / 2 ** 32) * n)]!;
  return sum / n;
}

/** @param level share of the resampled means inside. @default 0.95 */
export function percentileInterval(
  differences: Float64Array,
  means: readonly number[],
  level = 0.95,
): BootstrapInterval {
  if (differences.length === 0 || means.length === 0 || !(level > 0 && level < 1)) {
    throw new RZeroError('RunInputInvalid', `No interval of ${differences.length} differences at level ${level}.`, {
      field: 'differences',
      fix: 'Give at least one difference and one resample, and a level between 0 and 1.',
    });
  }
  const sorted = Float64Array.from(means).sort();
  return {
    difference: differences.reduce((sum, value) => sum + value, 0) / differences.length,
    lower: quantile(sorted, (1 - level) / 2),
    upper: quantile(sorted, (1 + level) / 2),
  };
}

/** Linear between the order statistics, as numpy's default. */
function quantile(sorted: Float64Array, share: number): number {
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  const low = sorted[below]!;
  return low + (at - below) * (sorted[Math.min(below + 1, sorted.length - 1)]! - low);
}

/** Both halves of the seed, changed by a number below 2^32. */
function mixed(seed: string, number: number): string {
  const half = (digits: string, by: number): string =>
    ((Number.parseInt(digits, 16) ^ by) >>> 0).toString(16).padStart(8, '0');
  return half(seed.slice(0, 8), number) + half(seed.slice(8), Math.imul(number, 0x9e3779b1));
}
