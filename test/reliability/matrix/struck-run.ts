/** One run, struck by a fault in each of its phases, and what has become of it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Phase } from '../../../activities/contract.ts';
import type { SeededRandom } from '../../../activities/method/seeds.ts';
import { verifyCheckpoints } from '../../../activities/retention/verify.ts';
import { findBroken } from '../../e2e/support/integrity.ts';
import type { Cluster } from '../../support/cluster.ts';
import type { Fault } from '../faults/fault.ts';
import { UnitGates } from '../faults/unit-gates.ts';
import { INPUTS } from './inputs.ts';
import type { InputName } from './inputs.ts';
import { compareRows, readRows } from './stored-rows.ts';
import type { Difference, StoredRows } from './stored-rows.ts';
import { WatchedRun } from './watched-run.ts';

/** A cell of the matrix. */
export interface Cell {
  fault: Fault;
  phase: Phase;
}

type Target = Cell & { unit: number };

export interface Blow {
  fault: string;
  phase: Phase | 'run';
  at: Date;
  /** Units that were worked on again because of it. */
  repeated: number;
  /** Why the run waited for a person after it. */
  parked: string[];
  /** What went wrong while it struck or was put right. */
  problem?: string;
}

export interface StruckRun extends Difference {
  runId: string;
  blows: Blow[];
  finished: boolean;
  /** Rules that the stored rows break, checkpoints that are not what they were, or why the run did not end. */
  problems: string[];
  seconds: number;
}

const UNITS: Readonly<Record<Phase, number>> = {
  challenger_training: INPUTS.weights.challenger.steps,
  dataset_generation: 3,
  labelling: 3,
  gating: 1,
  solver_training: INPUTS.weights.solver.steps,
  evaluation: 2,
  audit: 1,
};
/** About what a unit takes. */
const MOST_DELAY_MS = 400;
const SHORT_PHASES: readonly Phase[] = ['gating', 'audit'];

export interface StruckRunOptions {
  runId: string;
  input: InputName;
  /** In the order of the phases. */
  cells: readonly Cell[];
  /** Rows of the same run, undisturbed. */
  expected: StoredRows;
  random: SeededRandom;
  /** On `performance`'s clock; nothing strikes later. @default never */
  deadline?: number;
  onBlow?: (blow: Blow) => void;
}

export async function strikeRun(cluster: Cluster, options: StruckRunOptions): Promise<StruckRun> {
  const { runId, input, cells, expected, random } = options;
  const started = performance.now();
  const run = new WatchedRun(cluster, runId);
  const gates = new UnitGates(cluster.pool);
  const blows: Blow[] = [];
  const problems: string[] = [];
  let difference: Difference = { lost: 0, duplicated: 0, unequal: [] };
  let finished = false;
  try {
    const targets = cells.map((cell) => ({ ...cell, unit: random.below(UNITS[cell.phase]) }));
    await gates.close(targets);
    await cluster.startRun({ ...INPUTS[input], runId });
    for (const target of targets) {
      if (performance.now() > (options.deadline ?? Infinity)) break;
      const blow = await strike(cluster, run, target, gates, random);
      if (blow === undefined) continue;
      blows.push(blow);
      options.onBlow?.(blow);
      // What comes after would be put down to the wrong fault.
      if (blow.problem !== undefined) break;
    }
    gates.openAll();
    await run.untilCompleted();
    finished = true;
    for (const [index, blow] of blows.entries()) {
      const next = blows[index + 1]?.at;
      blow.repeated = await repeatedBetween(cluster, runId, blow.at, next);
      const after = run.parked.filter(({ at }) => at >= blow.at && (next === undefined || at < next));
      blow.parked = after.map(({ reason }) => reason);
    }
    difference = compareRows(expected, await readRows(cluster.pool, runId));
    problems.push(...(await findBroken(cluster.pool)));
    const { ok } = await verifyCheckpoints(cluster.pool, { dataDir: cluster.dataDir, runId, ids: [] });
    if (!ok) problems.push('a checkpoint on disk is not what was written');
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error));
  } finally {
    gates.openAll();
  }
  return { runId, blows, finished, ...difference, problems, seconds: (performance.now() - started) / 1000 };
}

/** @returns undefined when the phase was over before the fault came */
async function strike(
  cluster: Cluster,
  run: WatchedRun,
  { fault, phase, unit }: Target,
  gates: UnitGates,
  random: SeededRandom,
): Promise<Blow | undefined> {
  const scene = { cluster, runId: run.runId, phase, random };
  const inWrite = fault.duringWrite || SHORT_PHASES.includes(phase);
  const blow: Blow = { fault: fault.name, phase, at: new Date(), repeated: 0, parked: [] };
  try {
    await gates.keepClosed();
    await fault.prepare?.(scene);
    if (!(await run.untilAtWork(phase, unit))) return undefined;
    await sleep(random.below(MOST_DELAY_MS));
    if (!inWrite) await gates.open({ phase, unit });
    blow.at = new Date();
    await run.handsOff(async () => {
      const aftermath = await fault.strike(scene);
      await gates.open({ phase, unit });
      await aftermath?.();
    });
  } catch (error) {
    blow.problem = error instanceof Error ? error.message : String(error);
  } finally {
    await gates.open({ phase, unit });
  }
  return blow;
}

/** Units on which work began a second time in their take, or a further one, in this span. */
async function repeatedBetween(cluster: Cluster, runId: string, from: Date, to: Date | undefined): Promise<number> {
  const { rows } = await cluster.pool.query<{ units: number }>(
    `select count(distinct (iteration, phase, unit))::int as units
     from (select *, row_number() over (partition by iteration, phase, unit, take order by attempt_id) as nth
           from r_zero.attempts where run_id = $1) a
     where nth > 1 and started_at >= $2 and ($3::timestamptz is null or started_at < $3)`,
    [runId, from, to ?? null],
  );
  return rows[0]!.units;
}
