import type pg from 'pg';
import type { Phase } from '../../activities/contract.ts';
import { insertRows } from '../bulk.ts';
import { asDatabaseError, transaction } from '../client.ts';
import { phases, units } from '../schema.ts';
import { ownsLease } from './leases.ts';
import type { LeaseOwner } from './leases.ts';
import { newestTake } from './takes.ts';

/** Where a row belongs. */
export interface Place {
  runId: string;
  iteration: number;
  phase: Phase;
  unit: number;
  /** Which doing of the phase: a reset of the run begins the next. @default 1 */
  take?: number;
}

const key = (place: Place) => [place.runId, place.iteration, place.phase, place.unit];

/** Plans those phases that have no current plan, as part of the run's newest take. */
export async function insertPhases(
  client: pg.PoolClient,
  runId: string,
  iteration: number,
  plan: readonly { phase: Phase; units: number }[],
): Promise<void> {
  const take = await newestTake(client, runId);
  await insertRows(
    client,
    phases,
    plan.map(({ phase, units: count }) => ({ runId, iteration, phase, take, units: count })),
    { onConflict: 'ignore' },
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

/** Every current phase of a run: how many units it has, and how many of them are done. */
export async function readProgress(
  pool: pg.Pool,
  runId: string,
): Promise<{ iteration: number; phase: Phase; units: number; done: number }[]> {
  try {
    const result = await pool.query<{ iteration: number; phase: Phase; units: number; done: number }>(
      'select iteration, phase, units, units_done as done from r_zero.phase_progress where run_id = $1',
      [runId],
    );
    return result.rows;
  } catch (error) {
    throw asDatabaseError(error);
  }
}

/** What stands before a unit. */
export interface Standing {
  /** Take of its phase; undefined when the phase is not planned. */
  take: number | undefined;
  /** Units that must be finished before it and are not. */
  missing: number;
}

/** @param before the phases of an iteration that come before the unit's own */
export async function readStanding(pool: pg.Pool, place: Place, before: readonly Phase[]): Promise<Standing> {
  try {
    const result = await pool.query<{ take: number | null; missing: number }>(
      `select (select take from r_zero.phases where run_id = $1 and iteration = $2 and phase = $3) as take,
              ($4::int - (select count(*) from r_zero.units where run_id = $1 and iteration = $2 and phase = $3 and unit < $4)
               + (select coalesce(sum(units - units_done), 0) from r_zero.phase_progress
                  where run_id = $1 and iteration = $2 and phase = any($5)))::int as missing`,
      [...key(place), before],
    );
    const { take, missing } = result.rows[0]!;
    return { take: take ?? undefined, missing };
  } catch (error) {
    throw asDatabaseError(error);
  }
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
 * How often batches have been halved for lack of memory by what a run has finished, and how often a unit has failed for it
 * without anything to blame it on.
 */
export async function readMemoryFailures(pool: pg.Pool, place: Place): Promise<{ halvings: number; failures: number }> {
  try {
    const result = await pool.query<{ halvings: number; failures: number }>(
      `select coalesce((select max((metrics->>'memoryHalvings')::int) from r_zero.units where run_id = $1), 0) as halvings,
              (select count(*)::int from r_zero.attempts where run_id = $1 and iteration = $2 and phase = $3 and unit = $4
               and take = $5 and error_code = 'EngineOutOfMemory') as failures`,
      [...key(place), place.take ?? 1],
    );
    return result.rows[0] as { halvings: number; failures: number };
  } catch (error) {
    throw asDatabaseError(error);
  }
}

export interface UnitCommit {
  attemptId: number;
  /** Who must hold the run's lease at this moment. */
  holder: LeaseOwner;
  seconds: number;
  metrics: Record<string, number>;
  engine: object | null;
  /** Sampled by models for it. */
  tokens?: number;
  codeVersion: string;
  /** Of the run's input that it worked with. @default 1 */
  inputVersion?: number;
}

/**
 * Writes everything a unit produced in one transaction: its own row first, then its rows, then the end of the attempt.
 * Of two workers that finished the same unit, the second waits for the first's commit, finds the row there, and writes
 * nothing. A worker whose run has been taken over, or reset, writes nothing either.
 *
 * @returns `superseded` when the unit had been finished by someone else, `fenced` when the lease is another's, `reset` when its take is over.
 */
export async function commitUnit(
  pool: pg.Pool,
  place: Place,
  { attemptId, holder, ...result }: UnitCommit,
  write: (client: pg.PoolClient) => Promise<void>,
): Promise<'written' | 'superseded' | 'fenced' | 'reset'> {
  return transaction(pool, async (client) => {
    // Held until the commit, so that nobody takes the run over in between.
    if (!(await ownsLease(client, place.runId, holder))) return 'fenced';
    const { rowCount } = await client.query(
      'select from r_zero.phases where run_id = $1 and iteration = $2 and phase = $3 and take = $4',
      [place.runId, place.iteration, place.phase, place.take ?? 1],
    );
    if (!rowCount) return 'reset';
    const inserted = await insertRows(client, units, [{ ...place, ...result }], {
      returning: ['unit'],
      onConflict: 'ignore',
    });
    const outcome = inserted.length === 0 ? 'superseded' : 'written';
    if (outcome === 'written') await write(client);
    await client.query('update r_zero.attempts set finished_at = now(), outcome = $2 where attempt_id = $1', [
      attemptId,
      outcome === 'written' ? 'finished' : 'superseded',
    ]);
    return outcome;
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
      `insert into r_zero.attempts (run_id, iteration, phase, unit, take, attempt, workflow_id, worker_pid)
       values ($1, $2, $3, $4, $5, $6, $7, $8) returning attempt_id`,
      [...key(start), start.take ?? 1, start.attempt, start.workflowId, start.workerPid],
    );
    return Number(result.rows[0]?.attempt_id);
  } catch (error) {
    throw asDatabaseError(error);
  }
}

/** Notes a sign of life of an attempt at work. */
export async function touchAttempt(pool: pg.Pool, attemptId: number): Promise<void> {
  await pool.query('update r_zero.attempts set seen_at = now() where attempt_id = $1 and finished_at is null', [
    attemptId,
  ]);
}

/** Notes an attempt that came to nothing; a finished one is noted by `commitUnit`. */
export async function endAttempt(
  pool: pg.Pool,
  attemptId: number,
  outcome: 'failed' | 'cancelled',
  error: { code: string; message: string },
): Promise<void> {
  try {
    await pool.query(
      `update r_zero.attempts set finished_at = now(), outcome = $2, error_code = $3, error_message = $4 where attempt_id = $1`,
      [attemptId, outcome, error.code, error.message],
    );
  } catch (cause) {
    throw asDatabaseError(cause);
  }
}
