import type pg from 'pg';
import type { RunStatus } from '../../activities/contract.ts';
import { asDatabaseError } from '../../db/client.ts';

export interface StoredRun {
  runId: string;
  /** As the row has it; the workflow may know better. */
  status: RunStatus;
  statusReason: string | null;
  seed: number;
  preset: string;
  control: string;
  iterations: number;
  /** Iterations from 1 on whose every unit is stored. */
  iterationsDone: number;
  baseGreedy: number | null;
  finalGreedy: number | null;
  createdAt: Date;
  updatedAt: Date;
}

/** All runs of the database, the newest first. */
export async function listStoredRuns(pool: pg.Pool): Promise<StoredRun[]> {
  try {
    const { rows } = await pool.query<StoredRun & { seed: string }>(
      `select r.run_id as "runId", r.status, r.status_reason as "statusReason", r.seed, r.preset, r.control, r.iterations,
              coalesce(d.done, 0)::int as "iterationsDone", b.greedy as "baseGreedy", f.greedy as "finalGreedy",
              r.created_at as "createdAt", r.updated_at as "updatedAt"
       from r_zero.runs r
       left join (
         select run_id, count(*) as done
         from (select run_id, iteration from r_zero.phase_progress where iteration > 0
               group by run_id, iteration having bool_and(units_done >= units)) whole
         group by run_id) d using (run_id)
       left join lateral (
         select correct::double precision / nullif(items * samples_per_item, 0) as greedy from r_zero.evaluations e
         where e.run_id = r.run_id and mode = 'greedy' and set_name = 'held-out' and iteration = 0) b on true
       left join lateral (
         select correct::double precision / nullif(items * samples_per_item, 0) as greedy from r_zero.evaluations e
         where e.run_id = r.run_id and mode = 'greedy' and set_name = 'held-out' and iteration > 0
         order by iteration desc limit 1) f on true
       order by r.created_at desc`,
    );
    return rows.map((row) => ({ ...row, seed: Number(row.seed) }));
  } catch (error) {
    throw asDatabaseError(error);
  }
}
