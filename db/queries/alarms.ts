/** Alarms: what was judged at the end of a phase, and what was done about it. */
import type pg from 'pg';
import type { Phase } from '../../activities/contract.ts';
import { insertRows } from '../bulk.ts';
import { asDatabaseError, transaction } from '../client.ts';
import { alarms } from '../schema.ts';
import { ownsLease } from './leases.ts';
import type { LeaseOwner } from './leases.ts';

export interface AlarmPlace {
  runId: string;
  iteration: number;
  phase: Phase;
}

export type AlarmRow = Pick<
  typeof alarms.$inferInsert,
  'alarm' | 'raised' | 'action' | 'value' | 'threshold' | 'message'
>;

export interface StoredAlarm extends AlarmRow {
  /** True for one that was judged under an earlier start: who started the run again has seen it. */
  old: boolean;
}

const NEWEST_START = '(select max(start_id) from r_zero.run_starts where run_id = $1)';

/** The current alarms of a phase; none when it was not judged yet. */
export async function readAlarms(pool: pg.Pool, { runId, iteration, phase }: AlarmPlace): Promise<StoredAlarm[]> {
  try {
    const { rows } = await pool.query<StoredAlarm>(
      `select alarm, raised, action, value, threshold, message, start_id is distinct from ${NEWEST_START} as old
       from r_zero.alarms where run_id = $1 and iteration = $2 and phase = $3 order by alarm`,
      [runId, iteration, phase],
    );
    return rows;
  } catch (error) {
    throw asDatabaseError(error);
  }
}

/** @returns false when the run is another workflow's by now, and nothing was written */
export async function insertAlarms(
  pool: pg.Pool,
  place: AlarmPlace,
  holder: LeaseOwner,
  rows: readonly AlarmRow[],
): Promise<boolean> {
  return await transaction(pool, async (client) => {
    if (!(await ownsLease(client, place.runId, holder))) return false;
    const { rows: found } = await client.query<{ take: number; start: string | null }>(
      `select p.take, ${NEWEST_START} as start from r_zero.phases p
       where p.run_id = $1 and p.iteration = $2 and p.phase = $3`,
      [place.runId, place.iteration, place.phase],
    );
    const [current] = found;
    if (!current) return true;
    const startId = current.start === null ? null : Number(current.start);
    await insertRows(
      client,
      alarms,
      rows.map((row) => ({ ...place, take: current.take, startId, ...row })),
      { onConflict: 'ignore' },
    );
    return true;
  });
}

/** How often alarms have rolled the run back. */
export async function countRollbacks(pool: pg.Pool, runId: string, requestedBy: string): Promise<number> {
  const { rows } = await pool.query<{ n: number }>(
    'select count(*)::int as n from r_zero.takes where run_id = $1 and requested_by = $2',
    [runId, requestedBy],
  );
  return rows[0]!.n;
}

/** The evaluated iteration before this one with the best greedy accuracy, the earliest of several; 0 is the base model. */
export async function bestIteration(pool: pg.Pool, runId: string, before: number): Promise<number | undefined> {
  const { rows } = await pool.query<{ iteration: number }>(
    `select iteration from r_zero.iteration_summary
     where run_id = $1 and iteration < $2 and greedy_accuracy is not null
     order by greedy_accuracy desc, iteration limit 1`,
    [runId, before],
  );
  return rows[0]?.iteration;
}
