/** What a judge or a person says of a label, stored as it comes. */
import type pg from 'pg';
import { behind } from '../behind.ts';
import { addVerdict } from '../../db/queries/oracles.ts';
import type { OracleRow } from '../../db/queries/oracles.ts';
import type { RunRow } from '../../db/queries/runs.ts';
import type { Cost, Verdict } from './oracle.ts';

export interface Judged {
  run: RunRow;
  iteration: number;
  oracle: OracleRow;
  questionId: number;
  label: string;
}

/**
 * Of no unit: it has been paid for, or somebody took the time, whatever becomes of the attempt that asked.
 *
 * @throws RZeroError `DatabaseBehind` when the run was reset meanwhile, and the label is no longer the question's
 */
export async function storeVerdict(
  pool: pg.Pool,
  { run, iteration, oracle: { oracle, oracleId, version }, questionId, label }: Judged,
  said: Omit<Verdict, 'version' | 'cost'> & Partial<Cost>,
): Promise<void> {
  const isStored = await addVerdict(pool, {
    runId: run.runId,
    iteration,
    phase: 'audit',
    unit: null,
    questionId,
    oracle,
    oracleVersion: version,
    oracleId,
    label,
    ...said,
  });
  if (!isStored) throw behind('The label that was judged');
}
