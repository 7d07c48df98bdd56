/** @returns 0 for no values. */
export const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;

/** @returns null when there is nothing to average, or no finite average. */
export function finiteMean(values: readonly number[]): number | null {
  const average = values.length === 0 ? Number.NaN : mean(values);
  return Number.isFinite(average) ? average : null;
}
