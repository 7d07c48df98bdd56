/** Rows that tests start from. */
import { createHash } from 'node:crypto';
import type pg from 'pg';
import { transaction } from '../../db/client.ts';
import { insertCheckpoint, insertRun } from '../../db/queries/runs.ts';
import { commitUnit, insertPhases, startAttempt } from '../../db/queries/units.ts';
import type { Place } from '../../db/queries/units.ts';

export const checkpointIdOf = (name: string) => createHash('sha256').update(name).digest('hex');

export async function addCheckpoint(pool: pg.Pool, name: string): Promise<string> {
  const checkpointId = checkpointIdOf(name);
  await transaction(pool, (client) =>
    insertCheckpoint(client, { checkpointId, bytes: 1, optimizerStep: 0, location: `checkpoints/${name}`, files: [] }),
  );
  return checkpointId;
}

/** The workflow that holds the lease of every run made here. */
export const OWNER = { namespace: 'default', workflowId: 'r-zero/test' };

/** Finishes a unit the way an activity does. */
export async function finishUnit(
  pool: pg.Pool,
  place: Place,
  write: (client: pg.PoolClient) => Promise<void> = () => Promise.resolve(),
  options: { metrics?: Record<string, number>; holder?: typeof OWNER } = {},
): Promise<'written' | 'superseded' | 'fenced' | 'reset'> {
  const attemptId = await startAttempt(pool, { ...place, attempt: 1, workflowId: OWNER.workflowId, workerPid: 1 });
  const { metrics = {}, holder = OWNER } = options;
  return commitUnit(
    pool,
    place,
    { attemptId, holder, seconds: 1.5, metrics, engine: null, codeVersion: '0.0.0' },
    write,
  );
}

/**
 * A run with a base checkpoint and two iterations planned: two units a phase.
 *
 * @param options.planned false in a database of an older version. @default true
 * @param options.config settings. @default none
 */
export async function addRun(
  pool: pg.Pool,
  runId: string,
  options: { planned?: boolean; config?: object } = {},
): Promise<{ baseCheckpointId: string }> {
  const baseCheckpointId = await addCheckpoint(pool, 'base');
  await transaction(pool, async (client) => {
    await insertRun(client, {
      runId,
      seed: 1,
      preset: 'default',
      presetVersion: 1,
      control: 'none',
      iterations: 2,
      status: 'running',
      config: options.config ?? {},
      baseCheckpointId,
      profile: {},
      profileHash: 'hash',
      codeVersion: '0.0.0',
    });
    await client.query(
      `insert into r_zero.run_leases (run_id, namespace, workflow_id, temporal_run_id) values ($1, $2, $3, '1')`,
      [runId, OWNER.namespace, OWNER.workflowId],
    );
    if (options.planned === false) return;
    await insertPhases(client, runId, 0, [{ phase: 'evaluation', units: 2 }]);
    for (const iteration of [1, 2]) {
      await insertPhases(
        client,
        runId,
        iteration,
        (['challenger_training', 'dataset_generation', 'labelling', 'solver_training'] as const).map((phase) => ({
          phase,
          units: 2,
        })),
      );
    }
  });
  return { baseCheckpointId };
}
