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
