import type pg from 'pg';
import { readLabelAccuracy } from '../../db/queries/oracles.ts';

/** For each oracle and set of labels: does the interval hold what arithmetic computes? */
export async function agreement(
  pool: pg.Pool,
  runId: string,
): Promise<{ name: string; holds: boolean; text: string }[]> {
  const rows = (await readLabelAccuracy(pool, runId)).filter(({ iteration }) => iteration > 0);
  return rows
    .filter(({ oracle }) => oracle !== 'computed')
    .map(({ oracle, kept, iteration, lower, upper, label_accuracy: estimate }) => {
      const truth = rows.find(
        (row) => row.oracle === 'computed' && row.kept === kept && row.iteration === iteration,
      )!.label_accuracy!;
      const percent = (value: number | null) => ((value ?? NaN) * 100).toFixed(1);
      return {
        name: `${oracle.replace(/:.*/, '')}, ${kept ? 'kept' : 'all'}`,
        holds: lower! <= truth && truth <= upper!,
        text: `${percent(truth)} in ${percent(estimate)} (${percent(lower)}–${percent(upper)})`,
      };
    });
}
