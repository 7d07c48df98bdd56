import { desc, eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import type pg from 'pg';
import { RZeroError } from '../../activities/errors.ts';
import { insertRows } from '../bulk.ts';
import { asDatabaseError, transaction } from '../client.ts';
import { checkpoints, runInputs, runs } from '../schema.ts';
import type { LeaseOwner } from './leases.ts';
import { endStart } from './starts.ts';

/** A run as it is now: `config` is the newest version of its input, which may differ from what its row says it was started with. */
export type RunRow = typeof runs.$inferSelect & {
  /** 1 for what it was started with. */
  inputVersion: number;
  /** What it was started with. */
  startConfig: unknown;
};
export type NewRun = typeof runs.$inferInsert;
export type NewCheckpoint = typeof checkpoints.$inferInsert;

export async function findRun(connection: pg.Pool | pg.PoolClient, runId: string): Promise<RunRow | undefined> {
  try {
    const rows = await drizzle(connection)
      .select()
      .from(runs)
      .leftJoin(runInputs, eq(runInputs.runId, runs.runId))
      .where(eq(runs.runId, runId))
      .orderBy(desc(runInputs.version))
      .limit(1);
    if (!rows[0]) return undefined;
    const { runs: run, run_inputs: input } = rows[0];
    return { ...run, config: input?.config ?? run.config, inputVersion: input?.version ?? 1, startConfig: run.config };
  } catch (error) {
    throw asDatabaseError(error);
  }
}

/** @throws RZeroError `RunNotFound` */
export async function getRun(connection: pg.Pool | pg.PoolClient, runId: string): Promise<RunRow> {
  const run = await findRun(connection, runId);
  if (!run) {
    throw new RZeroError('RunNotFound', `There is no run "${runId}" in this database.`, {
      field: 'runId',
      fix: 'List the runs with `npx r-zero run list`.',
    });
  }
  return run;
}

export async function insertRun(client: pg.PoolClient, run: NewRun): Promise<void> {
  await insertRows(client, runs, [run], { onConflict: 'ignore' });
}

export async function insertCheckpoint(client: pg.PoolClient, checkpoint: NewCheckpoint): Promise<void> {
  await insertRows(client, checkpoints, [checkpoint], { onConflict: 'ignore' });
}

/** Statuses with which a workflow leaves a run: its start is over then. */
const ENDS: ReadonlySet<RunRow['status']> = new Set(['completed', 'failed', 'cancelled', 'waiting']);

/** @returns false when the lease is another workflow's: then the row is not this one's to change. */
export async function setRunStatus(
  pool: pg.Pool,
  runId: string,
  holder: LeaseOwner,
  status: RunRow['status'],
  reason: string | undefined,
): Promise<boolean> {
  return await transaction(pool, async (client) => {
    const result = await client.query(
      `update r_zero.runs r set status = $4, status_reason = $5, updated_at = now() from r_zero.run_leases l
       where r.run_id = $1 and l.run_id = $1 and l.namespace = $2 and l.workflow_id = $3`,
      [runId, holder.namespace, holder.workflowId, status, reason ?? null],
    );
    const isWritten = (result.rowCount ?? 0) > 0;
    if (isWritten && ENDS.has(status)) await endStart(client, runId, status, reason);
    return isWritten;
  });
}

/** In the transaction of a reset; it owns the lease's lock. */
export async function noteReset(
  client: pg.PoolClient,
  runId: string,
  status: 'running' | 'waiting',
  reason: string,
): Promise<void> {
  await client.query('update r_zero.runs set status = $2, status_reason = $3, updated_at = now() where run_id = $1', [
    runId,
    status,
    status === 'running' ? null : reason,
  ]);
}

export async function setRunIterations(pool: pg.Pool, runId: string, iterations: number): Promise<void> {
  await write(
    pool,
    'update r_zero.runs set iterations = greatest(iterations, $2), updated_at = now() where run_id = $1',
    [runId, iterations],
  );
}

/** Notes once what runs a run's arithmetic; later reports are kept by unit. */
export async function noteEngine(client: pg.PoolClient, runId: string, engine: object): Promise<void> {
  await client.query('update r_zero.runs set engine = $2, updated_at = now() where run_id = $1 and engine is null', [
    runId,
    JSON.stringify(engine),
  ]);
}

/** The first iteration up to `last` that is not finished; `last + 1` when all are. */
export async function nextIteration(connection: pg.Pool | pg.PoolClient, runId: string, last: number): Promise<number> {
  const result = await connection.query<{ next: number | null }>(
    `select min(n) as next from generate_series(0, $2::int) n
     where not exists (select from r_zero.phases p where p.run_id = $1 and p.iteration = n)
        or exists (select from r_zero.phase_progress p where p.run_id = $1 and p.iteration = n and p.units_done < p.units)`,
    [runId, last],
  );
  return result.rows[0]?.next ?? last + 1;
}

async function write(pool: pg.Pool, statement: string, values: unknown[]): Promise<pg.QueryResult> {
  try {
    return await pool.query(statement, values);
  } catch (error) {
    throw asDatabaseError(error);
  }
}
