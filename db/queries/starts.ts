/** Starts of a run: which workflow opened it when, with which budget, and what has been spent since. */
import type pg from 'pg';
import type { Budget } from '../../activities/contract.ts';
import { asDatabaseError } from '../client.ts';
import type { LeaseOwner } from './leases.ts';

export interface NewStart extends LeaseOwner {
  runId: string;
  firstExecutionId: string;
  budget: Budget | undefined;
}

/**
 * Notes a start once; an execution that goes on with it finds it there. Called in the transaction that took the lease, so
 * that nothing of the workflow before is counted here.
 */
export async function insertStart(client: pg.PoolClient, start: NewStart): Promise<void> {
  await client.query(
    `insert into r_zero.run_starts (run_id, namespace, workflow_id, first_execution_id, budget) values ($1, $2, $3, $4, $5)
     on conflict do nothing`,
    [
      start.runId,
      start.namespace,
      start.workflowId,
      start.firstExecutionId,
      start.budget === undefined ? null : JSON.stringify(start.budget),
    ],
  );
}

/** Writes down how the newest start ended. */
export async function endStart(
  client: pg.PoolClient,
  runId: string,
  status: string,
  reason: string | undefined,
): Promise<void> {
  await client.query(
    `update r_zero.run_starts set ended_at = clock_timestamp(), end_status = $2, end_reason = $3
     where start_id = (select max(start_id) from r_zero.run_starts where run_id = $1)`,
    [runId, status, reason ?? null],
  );
}

export interface Spending {
  budget: Budget | null;
  /** Since the start, by the database's clock. */
  seconds: number;
  engineSeconds: number;
  tokens: number;
  questions: number;
}

/** Of the run's newest start. @returns undefined when no start is stored */
export async function readSpending(pool: pg.Pool, runId: string): Promise<Spending | undefined> {
  try {
    const result = await pool.query<{
      budget: Budget | null;
      seconds: number;
      engine_seconds: number;
      tokens: string;
      questions: string;
    }>(
      `select budget, extract(epoch from clock_timestamp() - started_at)::double precision as seconds,
              engine_seconds, tokens, questions
       from r_zero.start_spending
       where start_id = (select max(start_id) from r_zero.run_starts where run_id = $1)`,
      [runId],
    );
    const row = result.rows[0];
    if (!row) return undefined;
    const { engine_seconds: engineSeconds, tokens, questions, ...rest } = row;
    return { ...rest, engineSeconds, tokens: Number(tokens), questions: Number(questions) };
  } catch (error) {
    throw asDatabaseError(error);
  }
}
