/** What strikes a run as a whole: no cache of workflows from its first event to its last, and resets once it is finished. */
import { join } from 'node:path';
import { Cluster } from '../../support/cluster.ts';
import { WHOLE_RUN_FAULTS } from '../faults/index.ts';
import type { InputName } from './inputs.ts';
import { faultRandom } from './plan.ts';
import { resetTo, workflowTasksOf } from './resets.ts';
import { compareRows, readRows } from './stored-rows.ts';
import type { StoredRows } from './stored-rows.ts';
import { strikeRun } from './struck-run.ts';
import type { Blow, StruckRun } from './struck-run.ts';

const RUN_ID = 'uncached';

export interface WholeRunOptions {
  input: InputName;
  expected: StoredRows;
  onBlow: (blow: Blow, runId: string) => void;
}

export async function runUncached({ input, expected, onBlow }: WholeRunOptions): Promise<StruckRun> {
  const workerEntry = join(import.meta.dirname, '..', 'uncached-worker.ts');
  const cluster = new Cluster({ workerEntry });
  try {
    await cluster.start();
    const random = faultRandom(0, RUN_ID);
    const run = await strikeRun(cluster, { runId: RUN_ID, input, cells: [], expected, random });
    const blows = [blowOf(WHOLE_RUN_FAULTS.uncached)];
    onBlow(blows[0]!, RUN_ID);
    if (run.finished) {
      blows.push(...(await resetEverywhere(cluster, RUN_ID)));
      onBlow(blows.at(-1)!, RUN_ID);
    }
    return { ...run, ...compareRows(expected, await readRows(cluster.pool, RUN_ID)), blows };
  } finally {
    await cluster.stop();
  }
}

/** Every workflow task of the run and of its iterations. */
export async function resetEverywhere(cluster: Cluster, runId: string): Promise<Blow[]> {
  const blows: Blow[] = [];
  const workflow = `r-zero/${runId}`;
  for (const workflowId of [workflow, `${workflow}/iteration-0`, `${workflow}/iteration-1`]) {
    const { runId: first } = await cluster.client.workflow.getHandle(workflowId).describe();
    for (const eventId of await workflowTasksOf(cluster.client, workflowId)) {
      const blow = blowOf(WHOLE_RUN_FAULTS.reset);
      const before = await attemptsOf(cluster, runId);
      const status = await resetTo(cluster, workflowId, first, eventId);
      blow.repeated = (await attemptsOf(cluster, runId)) - before;
      if (status !== 'COMPLETED') blow.problem = `${workflowId} is ${status} after a reset to event ${eventId}`;
      else if (blow.repeated > 0) blow.problem = `a reset of ${workflowId} to event ${eventId} repeated finished work`;
      blows.push(blow);
    }
  }
  return blows;
}

const blowOf = (fault: string): Blow => ({ fault, phase: 'run', at: new Date(), repeated: 0, parked: [] });

async function attemptsOf(cluster: Cluster, runId: string): Promise<number> {
  const statement = 'select count(*)::int as attempts from r_zero.attempts where run_id = $1';
  const { rows } = await cluster.pool.query<{ attempts: number }>(statement, [runId]);
  return rows[0]!.attempts;
}
