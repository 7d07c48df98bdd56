import type pg from 'pg';
import type { Phase } from '../../activities/contract.ts';
import { insertRows } from '../bulk.ts';
import { asDatabaseError, transaction } from '../client.ts';
import { phases, units } from '../schema.ts';

/** Where a row belongs. */
export interface Place {
  runId: string;
  iteration: number;
  phase: Phase;
  unit: number;
}

const key = (place: Place) => [place.runId, place.iteration, place.phase, place.unit];

export async function insertPhases(
  client: pg.PoolClient,
  runId: string,
  iteration: number,
  plan: readonly { phase: Phase; units: number }[],
): Promise<void> {
  await insertRows(
    client,
    phases,
    plan.map(({ phase, units: count }) => ({ runId, iteration, phase, units: count })),
  );
}

/** First unit without a stored result, by phase, as planned when the iteration began. */
export async function readPhases(
  connection: pg.Pool | pg.PoolClient,
  runId: string,
  iteration: number,
): Promise<{ phase: Phase; units: number; nextUnit: number }[]> {
  const result = await connection.query<{ phase: Phase; units: number; next_unit: number }>(
    `select p.phase, p.units,
            coalesce((select min(n) from generate_series(0, p.units - 1) n
                      where not exists (select from r_zero.units u where u.run_id = p.run_id and u.iteration = p.iteration
                                        and u.phase = p.phase and u.unit = n)), p.units) as next_unit
     from r_zero.phases p where p.run_id = $1 and p.iteration = $2`,
    [runId, iteration],
  );
  return result.rows.map((row) => ({ phase: row.phase, units: row.units, nextUnit: row.next_unit }));
}

/** The stored metrics of a finished unit. */
export async function findUnit(pool: pg.Pool, place: Place): Promise<Record<string, number> | undefined> {
  try {
    const result = await pool.query<{ metrics: Record<string, number> }>(
      'select metrics from r_zero.units where run_id = $1 and iteration = $2 and phase = $3 and unit = $4',
      key(place),
    );
    return result.rows[0]?.metrics;
  } catch (error) {
    throw asDatabaseError(error);
  }
}

/**
 * Writes everything a unit produced in one transaction, its own row first. Of two workers that finished the same unit,
 * the second waits for the first's commit, finds the row there, and writes nothing.
 *
 * @returns false when the unit had been finished by someone else.
 */
export async function commitUnit(
  pool: pg.Pool,
  place: Place,
  result: { seconds: number; metrics: Record<string, number>; backend: string | null },
  write: (client: pg.PoolClient) => Promise<void>,
): Promise<boolean> {
  return transaction(pool, async (client) => {
    const inserted = await insertRows(client, units, [{ ...place, ...result }], ['unit']);
    if (inserted.length === 0) return false;
    await write(client);
    return true;
  });
}

export interface AttemptStart extends Place {
  attempt: number;
  workflowId: string;
  workerPid: number;
}

export async function startAttempt(pool: pg.Pool, start: AttemptStart): Promise<number> {
  try {
    const result = await pool.query<{ attempt_id: string }>(
      `insert into r_zero.attempts (run_id, iteration, phase, unit, attempt, workflow_id, worker_pid)
       values ($1, $2, $3, $4, $5, $6, $7) returning attempt_id`,
      [...key(start), start.attempt, start.workflowId, start.workerPid],
    );
    return Number(result.rows[0]?.attempt_id);
  } catch (error) {
    throw asDatabaseError(error);
  }
}

export async function endAttempt(
  pool: pg.Pool,
  attemptId: number,
  outcome: 'finished' | 'failed' | 'cancelled',
  error?: { code: string; message: string },
): Promise<void> {
  try {
    await pool.query(
      `update r_zero.attempts set finished_at = now(), outcome = $2, error_code = $3, error_message = $4 where attempt_id = $1`,
      [attemptId, outcome, error?.code ?? null, error?.message ?? null],
    );
  } catch (cause) {
    throw asDatabaseError(cause);
  }
}
