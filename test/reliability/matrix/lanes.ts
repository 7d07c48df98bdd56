/** Several clusters side by side, since most faults are spent waiting: for a heartbeat that does not come, a server, a retry. */
import { Cluster, stopAllClusters } from '../../support/cluster.ts';
import type { ClusterOptions } from '../../support/cluster.ts';
import { installGates } from '../faults/unit-gates.ts';
import type { InputName } from './inputs.ts';
import { faultRandom } from './plan.ts';
import type { Plan, PlannedRun } from './plan.ts';
import { readRows } from './stored-rows.ts';
import type { StoredRows } from './stored-rows.ts';
import { strikeRun } from './struck-run.ts';
import type { Blow, StruckRun } from './struck-run.ts';
import { runUncached } from './whole-run.ts';

export interface LanesOptions {
  lanes: number;
  cluster: ClusterOptions;
  /** On `performance`'s clock; no run begins later, and nothing strikes. */
  deadline: number;
  onBlow: (blow: Blow, runId: string) => void;
}

/** Runs the plan to its end, or as far as the time goes. */
export async function runPlan(plan: Plan, options: LanesOptions): Promise<StruckRun[]> {
  const baselines = new Baselines();
  const runs: StruckRun[] = [];
  const lane = async (isFirst: boolean): Promise<void> => {
    let cluster: Cluster | undefined;
    try {
      if (isFirst) {
        cluster = await startCluster(options.cluster);
        const expected = await baselines.of(cluster, 'weights');
        runs.push(await runUncached({ input: 'weights', expected, onBlow: options.onBlow }));
      }
      while (performance.now() < options.deadline) {
        const planned = plan.next();
        if (planned === undefined) return;
        cluster ??= await startCluster(options.cluster);
        const run = await strikePlanned(cluster, plan, planned, baselines, options);
        runs.push(run);
        plan.giveBack(planned.cells.filter(({ phase }) => !run.blows.some((blow) => blow.phase === phase)));
        if (run.finished && run.problems.length === 0) {
          cluster.forgetCheckpoints();
          continue;
        }
        // What a run has left behind in a bad state must not be the next one's.
        await cluster.stop();
        cluster = undefined;
      }
    } finally {
      await cluster?.stop();
    }
  };
  try {
    await Promise.all(Array.from({ length: options.lanes }, (_, index) => lane(index === 0)));
  } finally {
    // One lane that cannot go on ends them all.
    await stopAllClusters();
  }
  return runs;
}

export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const cluster = new Cluster(options);
  await cluster.start();
  await installGates(cluster.pool);
  return cluster;
}

async function strikePlanned(
  cluster: Cluster,
  plan: Plan,
  { input, cells, name }: PlannedRun,
  baselines: Baselines,
  { onBlow, deadline }: LanesOptions,
): Promise<StruckRun> {
  return await strikeRun(cluster, {
    runId: name,
    input,
    cells,
    expected: await baselines.of(cluster, input),
    random: faultRandom(plan.seed, name),
    deadline,
    onBlow: (blow) => onBlow(blow, name),
  });
}

/** Rows of runs that nobody disturbs, made once each by whoever asks first. */
export class Baselines {
  readonly #known = new Map<InputName, Promise<StoredRows>>();

  of(cluster: Cluster, input: InputName): Promise<StoredRows> {
    const known = this.#known.get(input) ?? this.#make(cluster, input);
    this.#known.set(input, known);
    return known;
  }

  /** @throws when even such a run does not end as it should */
  async #make(cluster: Cluster, input: InputName): Promise<StoredRows> {
    const runId = `undisturbed-${input}`;
    const run = await strikeRun(cluster, { runId, input, cells: [], expected: {}, random: faultRandom(0, runId) });
    if (!run.finished || run.problems.length > 0) throw new Error(`${runId}: ${run.problems.join('; ')}`);
    return await readRows(cluster.pool, runId);
  }
}
