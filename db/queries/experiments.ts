/** Experiments: which runs belong together. */
import type pg from 'pg';
import { asDatabaseError } from '../client.ts';

export interface ExperimentRunRow {
  position: number;
  setting: string;
  seed: number;
  iterations: number;
  runId: string;
  input: Record<string, unknown>;
}

type Cell = Pick<ExperimentRunRow, 'setting' | 'seed' | 'runId' | 'input'>;

/** Held to the end of the transaction: two starts of one experiment take turns. */
export async function lockExperiment(client: pg.PoolClient, experimentId: string): Promise<void> {
  await client.query(`select pg_advisory_xact_lock(hashtextextended('r-zero experiment ' || $1, 0))`, [experimentId]);
}

export async function countExperimentRuns(client: pg.PoolClient, experimentId: string): Promise<number> {
  const { rows } = await client.query<{ n: number }>(
    'select count(*)::int as n from r_zero.experiment_runs where experiment_id = $1',
    [experimentId],
  );
  return rows[0]!.n;
}

export interface CellConflict {
  setting: string;
  /** `input`: the cell is there with another one. `run-id`: another experiment has a run of that name. */
  about: 'input' | 'run-id';
}

/** Adds the cells that are new, after those that are there; adds nothing, and says why, when one of them cannot be. */
export async function addExperimentRuns(
  client: pg.PoolClient,
  { experimentId, iterations, cells }: { experimentId: string; iterations: number; cells: readonly Cell[] },
): Promise<CellConflict | undefined> {
  const asked = JSON.stringify(cells.map((cell, order) => ({ ...cell, order })));
  const { rows } = await client.query<CellConflict>(
    `select c.setting, case when r.experiment_id = $1 then 'input' else 'run-id' end as about
     from jsonb_to_recordset($2::jsonb) as c (setting text, seed bigint, "runId" text, input jsonb)
     join r_zero.experiment_runs r on r.run_id = c."runId"
     where r.experiment_id <> $1 or r.setting <> c.setting or r.seed <> c.seed or r.input <> c.input
     limit 1`,
    [experimentId, asked],
  );
  if (rows[0]) return rows[0];
  await client.query(
    `insert into r_zero.experiment_runs (experiment_id, position, setting, seed, iterations, run_id, input)
     select $1, (select count(*) from r_zero.experiment_runs where experiment_id = $1) + row_number() over (order by c."order") - 1,
            c.setting, c.seed, $3, c."runId", c.input
     from jsonb_to_recordset($2::jsonb) as c (setting text, seed bigint, "runId" text, input jsonb, "order" int)
     where not exists (select from r_zero.experiment_runs r
                       where r.experiment_id = $1 and r.setting = c.setting and r.seed = c.seed)`,
    [experimentId, asked, iterations],
  );
  return undefined;
}

export async function findExperimentRun(
  pool: pg.Pool,
  experimentId: string,
  position: number,
): Promise<ExperimentRunRow | undefined> {
  try {
    const { rows } = await pool.query<Omit<ExperimentRunRow, 'seed'> & { seed: string }>(
      `select position, setting, seed, iterations, run_id as "runId", input
       from r_zero.experiment_runs where experiment_id = $1 and position = $2`,
      [experimentId, position],
    );
    const [row] = rows;
    return row && { ...row, seed: Number(row.seed) };
  } catch (error) {
    throw asDatabaseError(error);
  }
}

export interface ExperimentResultRow {
  position: number;
  setting: string;
  seed: number;
  runId: string;
  /** Null for a run that has not begun. */
  status: string | null;
  statusReason: string | null;
  iteration: number | null;
  greedyAccuracy: number | null;
  sampledAccuracy: number | null;
  workedShare: number | null;
  workedAccuracy: number | null;
  labelAccuracy: number | null;
  /** Sampled in the iteration, and seconds of work in it. */
  tokens: number | null;
  seconds: number | null;
}

/** One row for each run and iteration, in the order of the runs; one without an iteration for a run that has none yet. */
export async function readExperimentResults(pool: pg.Pool, experimentId: string): Promise<ExperimentResultRow[]> {
  try {
    const { rows } = await pool.query<Omit<ExperimentResultRow, 'seed'> & { seed: string }>(
      `select position, setting, seed, run_id as "runId", status, status_reason as "statusReason", iteration,
              greedy_accuracy as "greedyAccuracy", sampled_accuracy as "sampledAccuracy", worked_share as "workedShare",
              worked_accuracy as "workedAccuracy", label_accuracy as "labelAccuracy",
              tokens::double precision as tokens, seconds
       from r_zero.experiment_results where experiment_id = $1 order by position, iteration`,
      [experimentId],
    );
    return rows.map((row) => ({ ...row, seed: Number(row.seed) }));
  } catch (error) {
    throw asDatabaseError(error);
  }
}

export interface ExperimentListRow {
  experimentId: string;
  settings: number;
  runs: number;
  finished: number;
  createdAt: Date;
}

export async function listExperiments(pool: pg.Pool): Promise<ExperimentListRow[]> {
  try {
    const { rows } = await pool.query<ExperimentListRow>(
      `select e.experiment_id as "experimentId", count(distinct e.setting)::int as settings, count(*)::int as runs,
              count(*) filter (where r.status = 'completed')::int as finished, min(e.created_at) as "createdAt"
       from r_zero.experiment_runs e left join r_zero.runs r using (run_id)
       group by e.experiment_id order by min(e.created_at), e.experiment_id`,
    );
    return rows;
  } catch (error) {
    throw asDatabaseError(error);
  }
}
