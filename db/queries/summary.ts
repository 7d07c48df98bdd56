import type pg from 'pg';
import { asDatabaseError } from '../client.ts';
import { readLabelAccuracy } from './oracles.ts';

/** One row of the run's table; fractions between 0 and 1, absent where there was nothing to measure. */
export interface IterationRow {
  iteration: number;
  greedy_accuracy: number | null;
  sampled_accuracy: number | null;
  majority_accuracy: number | null;
  worked_share: number | null;
  worked_accuracy: number | null;
  generated: number | null;
  parsed: number | null;
  voted: number | null;
  kept: number | null;
  mean_p_hat: number | null;
  label_accuracy: number | null;
  /** Interval of 95 %. */
  label_accuracy_lower: number | null;
  label_accuracy_upper: number | null;
  /** Kept questions whose label could be compared with a truth. */
  audited: number | null;
  seconds: number;
}

export async function readSummaries(pool: pg.Pool | pg.PoolClient, runId: string): Promise<IterationRow[]> {
  try {
    const result = await pool.query<IterationRow>(
      `select iteration, greedy_accuracy, sampled_accuracy, majority_accuracy, worked_share, worked_accuracy, generated,
              parsed, voted, kept, mean_p_hat, label_accuracy, label_accuracy_lower, label_accuracy_upper, audited, seconds
       from r_zero.iteration_summary where run_id = $1 order by iteration`,
      [runId],
    );
    return result.rows;
  } catch (error) {
    throw asDatabaseError(error);
  }
}

/**
 * The numbers of one iteration, for the workflow: no text, no nulls. What further oracles say of the kept labels is
 * `label_accuracy judge:<model>` and the like, its interval the same with `_lower` and `_upper` behind it.
 */
export async function readSummary(pool: pg.Pool, runId: string, iteration: number): Promise<Record<string, number>> {
  const row = (await readSummaries(pool, runId)).find((summary) => summary.iteration === iteration);
  const further = (await readLabelAccuracy(pool, runId)).filter(
    (estimate) => estimate.iteration === iteration && estimate.kept === true && estimate.oracle !== 'computed',
  );
  const estimates = further.flatMap(({ oracle, label_accuracy, lower, upper }) => [
    [`label_accuracy ${oracle}`, label_accuracy],
    [`label_accuracy ${oracle}_lower`, lower],
    [`label_accuracy ${oracle}_upper`, upper],
  ]);
  return Object.fromEntries(
    [...Object.entries(row ?? {}), ...estimates].filter(
      (entry): entry is [string, number] => typeof entry[1] === 'number',
    ),
  );
}
