/** Rows that tests start from. */
import { createHash } from 'node:crypto';
import type pg from 'pg';
import { transaction } from '../../db/client.ts';
import { insertCheckpoint, insertRun } from '../../db/queries/runs.ts';
import { insertPhases } from '../../db/queries/units.ts';

export const checkpointIdOf = (name: string) => createHash('sha256').update(name).digest('hex');

export async function addCheckpoint(pool: pg.Pool, name: string): Promise<string> {
  const checkpointId = checkpointIdOf(name);
  await transaction(pool, (client) =>
    insertCheckpoint(client, { checkpointId, bytes: 1, optimizerStep: 0, location: `checkpoints/${name}`, files: [] }),
  );
  return checkpointId;
}

/** A run with a base checkpoint and two iterations planned: two units a phase. */
export async function addRun(pool: pg.Pool, runId: string): Promise<{ baseCheckpointId: string }> {
  const baseCheckpointId = await addCheckpoint(pool, 'base');
  await transaction(pool, async (client) => {
    await insertRun(client, {
      runId,
      seed: 1,
      preset: 'default',
      control: 'none',
      iterations: 2,
      status: 'running',
      config: {},
      baseCheckpointId,
      profile: {},
      profileHash: 'hash',
      codeVersion: '0.0.0',
    });
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
