import type pg from 'pg';
import { asDatabaseError } from '../client.ts';

/** A workflow, as far as the lease is concerned: an id is unique in its namespace. */
export interface LeaseOwner {
  namespace: string;
  workflowId: string;
}

export interface LeaseHolder extends LeaseOwner {
  temporalRunId: string;
}

export interface Lease extends LeaseHolder {
  renewedAt: Date;
}

interface LeaseRow {
  namespace: string;
  workflow_id: string;
  temporal_run_id: string;
  renewed_at: Date;
}

function leaseOf(row: LeaseRow): Lease {
  return {
    namespace: row.namespace,
    workflowId: row.workflow_id,
    temporalRunId: row.temporal_run_id,
    renewedAt: row.renewed_at,
  };
}

/** Who took a run last. @returns undefined when nobody has */
export async function findLease(pool: pg.Pool, runId: string): Promise<Lease | undefined> {
  try {
    const found = await pool.query<LeaseRow>(
      'select namespace, workflow_id, temporal_run_id, renewed_at from r_zero.run_leases where run_id = $1',
      [runId],
    );
    return found.rows[0] && leaseOf(found.rows[0]);
  } catch (error) {
    throw asDatabaseError(error);
  }
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
  mayReplace: (present: Lease) => Promise<boolean>,
): Promise<LeaseHolder | undefined> {
  const values = [runId, holder.namespace, holder.workflowId, holder.temporalRunId];
  await client.query(
    `insert into r_zero.run_leases (run_id, namespace, workflow_id, temporal_run_id) values ($1, $2, $3, $4)
     on conflict do nothing`,
    values,
  );
  const present = await lockLease(client, runId);
  if (!present) return undefined;
  const same =
    present.namespace === holder.namespace &&
    present.workflowId === holder.workflowId &&
    present.temporalRunId === holder.temporalRunId;
  if (!same && !(await mayReplace(present))) return present;
  await client.query(
    `update r_zero.run_leases set namespace = $2, workflow_id = $3, temporal_run_id = $4, renewed_at = now(),
       acquired_at = case when (namespace, workflow_id, temporal_run_id) = ($2, $3, $4) then acquired_at else now() end
     where run_id = $1`,
    values,
  );
  return undefined;
}

/** Locks a run's lease until the transaction ends. @returns who has it; undefined when nobody ever had */
export async function lockLease(client: pg.PoolClient, runId: string): Promise<Lease | undefined> {
  const found = await client.query<LeaseRow>(
    'select namespace, workflow_id, temporal_run_id, renewed_at from r_zero.run_leases where run_id = $1 for update',
    [runId],
  );
  return found.rows[0] && leaseOf(found.rows[0]);
}

/** @returns false when the lease belongs to another workflow by now. */
export async function renewLease(pool: pg.Pool, runId: string, owner: LeaseOwner): Promise<boolean> {
  try {
    const result = await pool.query(
      'update r_zero.run_leases set renewed_at = now() where run_id = $1 and namespace = $2 and workflow_id = $3',
      [runId, owner.namespace, owner.workflowId],
    );
    return (result.rowCount ?? 0) > 0;
  } catch (error) {
    throw asDatabaseError(error);
  }
}

/** Asks inside a transaction, and keeps the answer true until it ends. */
export async function ownsLease(client: pg.PoolClient, runId: string, owner: LeaseOwner): Promise<boolean> {
  const result = await client.query(
    'select from r_zero.run_leases where run_id = $1 and namespace = $2 and workflow_id = $3 for share',
    [runId, owner.namespace, owner.workflowId],
  );
  return (result.rowCount ?? 0) > 0;
}
