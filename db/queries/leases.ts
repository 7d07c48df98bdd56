import type pg from 'pg';
import { asDatabaseError } from '../client.ts';

export interface LeaseHolder {
  workflowId: string;
  temporalRunId: string;
}

/**
 * The lease that makes sure that one workflow advances a run: the row is locked until the transaction ends, so of two
 * starters one waits here and then sees the other's name.
 *
 * @param mayReplace asked about the present holder; true when that workflow is known to be over.
 * @returns the holder that stands in the way, or undefined when the lease is now `holder`'s.
 */
export async function takeLease(
  client: pg.PoolClient,
  runId: string,
  holder: LeaseHolder,
  mayReplace: (present: LeaseHolder & { renewedAt: Date }) => Promise<boolean>,
): Promise<LeaseHolder | undefined> {
  await client.query(
    `insert into r_zero.run_leases (run_id, workflow_id, temporal_run_id) values ($1, $2, $3) on conflict do nothing`,
    [runId, holder.workflowId, holder.temporalRunId],
  );
  const found = await client.query<{ workflow_id: string; temporal_run_id: string; renewed_at: Date }>(
    'select workflow_id, temporal_run_id, renewed_at from r_zero.run_leases where run_id = $1 for update',
    [runId],
  );
  const row = found.rows[0];
  if (!row) return undefined;
  const present = { workflowId: row.workflow_id, temporalRunId: row.temporal_run_id, renewedAt: row.renewed_at };
  const same = present.workflowId === holder.workflowId && present.temporalRunId === holder.temporalRunId;
  if (!same && !(await mayReplace(present))) return present;
  await client.query(
    `update r_zero.run_leases set workflow_id = $2, temporal_run_id = $3, renewed_at = now(),
       acquired_at = case when workflow_id = $2 and temporal_run_id = $3 then acquired_at else now() end
     where run_id = $1`,
    [runId, holder.workflowId, holder.temporalRunId],
  );
  return undefined;
}

/** @returns false when the lease belongs to another workflow by now. */
export async function renewLease(pool: pg.Pool, runId: string, workflowId: string): Promise<boolean> {
  try {
    const result = await pool.query(
      'update r_zero.run_leases set renewed_at = now() where run_id = $1 and workflow_id = $2',
      [runId, workflowId],
    );
    return (result.rowCount ?? 0) > 0;
  } catch (error) {
    throw asDatabaseError(error);
  }
}
