/** What Postgres knows about a run at one moment: all that progress and summaries are made from. */
import type pg from 'pg';
import type { Phase } from '../../activities/contract.ts';
import { byPhase } from '../../activities/phases.ts';
import { select } from '../../db/client.ts';
import { readLabelAccuracy } from '../../db/queries/oracles.ts';
import type { LabelAccuracy } from '../../db/queries/oracles.ts';
import { readRunEvaluation } from '../../db/queries/run-evaluation.ts';
import type { RunEvaluation } from '../../db/queries/run-evaluation.ts';
import { findRun } from '../../db/queries/runs.ts';
import type { RunRow } from '../../db/queries/runs.ts';
import { readSummaries } from '../../db/queries/summary.ts';
import type { IterationRow } from '../../db/queries/summary.ts';

export interface PhaseState {
  iteration: number;
  phase: Phase;
  units: number;
  unitsDone: number;
  /** Working time of the finished units, in seconds. */
  seconds: number;
  /** Start of the first attempt at the first unit; null before. */
  startedAt: Date | null;
  /** End of the last finished unit; null before the first. */
  lastFinishedAt: Date | null;
}

export type RunFacts = Pick<
  RunRow,
  | 'runId'
  | 'seed'
  | 'preset'
  | 'control'
  | 'iterations'
  | 'status'
  | 'statusReason'
  | 'config'
  | 'engine'
  | 'createdAt'
  | 'updatedAt'
>;

export interface RunSnapshot {
  run: RunFacts;
  /** In order of iteration and phase; phases without units are left out. */
  phases: PhaseState[];
  /** One row per iteration that has begun; iteration 0 is the base model. */
  summaries: IterationRow[];
  /** What each oracle says of the labels, by iteration; absent where only progress is watched. */
  labels?: LabelAccuracy[];
  /** Likewise. */
  evaluation?: RunEvaluation;
}

/** A number of a phase over its units, in unit order. */
export interface MetricRange {
  first: number;
  last: number;
  sum: number;
}

export type PhaseMetrics = Readonly<Record<string, MetricRange>>;

/** Everything about a run at once. @returns undefined when the database has no such run (yet). */
export async function readSnapshot(pool: pg.Pool, runId: string): Promise<RunSnapshot | undefined> {
  const run = await readRunFacts(pool, runId);
  if (!run) return undefined;
  const [phases, summaries, labels, evaluation] = await Promise.all([
    readPhaseStates(pool, runId),
    readSummaries(pool, runId),
    readLabelAccuracy(pool, runId),
    readRunEvaluation(pool, runId),
  ]);
  return { run, phases, summaries, labels, evaluation };
}

export async function readRunFacts(pool: pg.Pool, runId: string): Promise<RunFacts | undefined> {
  return await findRun(pool, runId);
}

/** The phases of every iteration that has begun, in order. */
export async function readPhaseStates(pool: pg.Pool, runId: string): Promise<PhaseState[]> {
  const rows = await select<{
    iteration: number;
    phase: Phase;
    units: number;
    units_done: number;
    seconds: number;
    started_at: Date | null;
    last_finished_at: Date | null;
  }>(
    pool,
    `select p.iteration, p.phase, p.units, p.units_done, p.seconds, a.started_at, p.last_finished_at
     from r_zero.phase_progress p
     left join (select iteration, phase, min(started_at) as started_at from r_zero.attempts where run_id = $1
                group by iteration, phase) a using (iteration, phase)
     where p.run_id = $1 and p.units > 0`,
    [runId],
  );
  return rows
    .map((row) => ({
      iteration: row.iteration,
      phase: row.phase,
      units: row.units,
      unitsDone: row.units_done,
      seconds: row.seconds,
      startedAt: row.started_at,
      lastFinishedAt: row.last_finished_at,
    }))
    .sort((a, b) => a.iteration - b.iteration || byPhase(a, b));
}

/** The numbers that a phase's units reported, first and last by unit. Empty when the phase reported none. */
export async function readPhaseMetrics(
  pool: pg.Pool,
  runId: string,
  { iteration, phase }: Pick<PhaseState, 'iteration' | 'phase'>,
): Promise<PhaseMetrics> {
  const rows = await select<{ name: string; first: number; last: number; sum: number }>(
    pool,
    `select m.key as name,
            (array_agg(m.value::text::double precision order by u.unit))[1] as first,
            (array_agg(m.value::text::double precision order by u.unit desc))[1] as last,
            sum(m.value::text::double precision) as sum
     from r_zero.units u cross join lateral jsonb_each(u.metrics) m
     where u.run_id = $1 and u.iteration = $2 and u.phase = $3 and jsonb_typeof(m.value) = 'number'
     group by m.key`,
    [runId, iteration, phase],
  );
  return Object.fromEntries(rows.map(({ name, first, last, sum }) => [name, { first, last, sum }]));
}

/** Whether any shard or step of the run was begun since then, by the database's clock. */
export async function wasWorkedOnSince(pool: pg.Pool, runId: string, since: Date): Promise<boolean> {
  const statement = `select from r_zero.attempts where run_id = $1 and started_at >= $2 limit 1`;
  return (await select(pool, statement, [runId, since])).length > 0;
}

export async function readDatabaseClock(pool: pg.Pool): Promise<Date> {
  const [row] = await select<{ now: Date }>(pool, 'select now() as now', []);
  return row?.now ?? new Date();
}

/** The phase at work: the first with units left. Undefined between iterations and when all planned work is done. */
export function currentPhase(snapshot: RunSnapshot): PhaseState | undefined {
  return snapshot.phases.find(({ units, unitsDone }) => unitsDone < units);
}

export function isPhaseDone({ units, unitsDone }: PhaseState): boolean {
  return unitsDone >= units;
}

/** True when every planned iteration, the base model's evaluation included, is stored in full. */
export function isComplete({ run, phases }: RunSnapshot): boolean {
  const begun = new Set(phases.map(({ iteration }) => iteration));
  for (let iteration = 1; iteration <= run.iterations; iteration += 1) if (!begun.has(iteration)) return false;
  return phases.every(isPhaseDone);
}
