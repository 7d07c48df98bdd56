/** @returns 0 for no values. */
export const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;

/** @returns null when there is nothing to average, or no finite average. */
export function finiteMean(values: readonly number[]): number | null {
  const average = values.length === 0 ? Number.NaN : mean(values);
  return Number.isFinite(average) ? average : null;
}

/** Of a sample, as `stddev_samp` of Postgres; null for fewer than two values. */
export function standardDeviation(values: readonly number[]): number | null {
  const center = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - center) ** 2, 0);
  return values.length < 2 ? null : Math.sqrt(squares / (values.length - 1));
}

export interface Interval {
  mean: number;
  /** Half of the 95 % interval's width; null for a single value, which says nothing of its spread. */
  margin: number | null;
}

/** Mean and Student's 95 % interval of independent values, such as one a seed; null for none. */
export function meanInterval(values: readonly number[]): Interval | null {
  if (values.length === 0) return null;
  const deviation = standardDeviation(values);
  const margin =
    deviation === null ? null : (studentQuantile(values.length - 1) * deviation) / Math.sqrt(values.length);
  return { mean: mean(values), margin };
}

/** 97.5 % quantile of the normal distribution: half the width of a 95 % interval, in standard errors. */
export const NORMAL_95 = 1.959964;

/** 97.5 % quantiles of Student's t distribution for 1 to 10 degrees of freedom. */
const STUDENT = [12.7062, 4.30265, 3.18245, 2.77645, 2.57058, 2.44691, 2.36462, 2.306, 2.26216, 2.22814];

/** Beyond the table by Cornish and Fisher's expansion, right to four digits there (Abramowitz and Stegun, 26.7.5). */
function studentQuantile(freedom: number): number {
  const exact = STUDENT[freedom - 1];
  if (exact !== undefined) return exact;
  const z = NORMAL_95;
  const z3 = z ** 3;
  const z5 = z ** 5;
  const z7 = z ** 7;
  return (
    z +
    (z3 + z) / (4 * freedom) +
    (5 * z5 + 16 * z3 + 3 * z) / (96 * freedom ** 2) +
    (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * freedom ** 3)
  );
}
