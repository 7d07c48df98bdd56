/** `r-zero run list`: every run of the database with its status and result. */
import type pg from 'pg';
import type { RunStatus } from '../../activities/contract.ts';
import { asDatabaseError } from '../../db/client.ts';
import { percent, points } from './numbers.ts';
import { withRunningStack } from './run-client.ts';
import type { RunCommandOptions } from './run-client.ts';
import { effectiveStatus, isOver, openWorkflows } from './run-workflow.ts';
import type { ShownStatus } from './run-workflow.ts';
import { plainTable } from './tables.ts';
import { printable } from './terminal.ts';
import type { Terminal } from './terminal.ts';

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

export type ShownRun = Omit<StoredRun, 'status'> & { status: ShownStatus };

export async function listRunsCommand(options: RunCommandOptions, terminal: Terminal): Promise<void> {
  await withRunningStack(options.dataDir, async ({ client, pool }) => {
    const stored = await listStoredRuns(pool);
    const workflowOf = await openWorkflows(client);
    const runs = await Promise.all(
      stored.map(async (run) => ({
        ...run,
        status: isOver(run.status) ? run.status : effectiveStatus(run.status, await workflowOf(run.runId)),
      })),
    );
    if (options.json) {
      terminal.out(JSON.stringify(runs));
    } else if (runs.length === 0) {
      terminal.out('There are no runs yet. Start one with: npx r-zero run start');
    } else {
      terminal.out(renderRunList(runs));
    }
  });
}

export function renderRunList(runs: readonly ShownRun[]): string {
  return plainTable(
    ['run', 'status', 'iterations', 'seed', 'preset', 'control', 'greedy', 'gain', 'updated'],
    runs.map((run) => [
      printable(run.runId),
      run.status,
      `${run.iterationsDone}/${run.iterations}`,
      String(run.seed),
      run.preset,
      run.control,
      percent(run.finalGreedy),
      points(run.finalGreedy, run.baseGreedy),
      run.updatedAt.toISOString().slice(0, 16).replace('T', ' '),
    ]),
    2,
  );
}
