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

/** A row of each table that a finished run may have none of: what people, resets, retention and recomputation add. */
export async function addSideRows(pool: pg.Pool, runId: string): Promise<void> {
  for (const statement of [
    `insert into r_zero.recomputations (run_id, version, preset, preset_version, gate, code_version)
     values ($1, 2, 'paper', 1, '{}', 'x')`,
    `insert into r_zero.takes (run_id, take, iteration, phase, requested_by, input_version, superseded, code_version)
     values ($1, 2, 1, 'audit', 'x', 1, '{}', 'x')`,
    `insert into r_zero.run_inputs (run_id, version, config, changes, requested_by, code_version)
     select run_id, 2, config, '{}', 'x', 'x' from r_zero.runs where run_id = $1`,
    `insert into r_zero.run_notices (run_id, kind, message, details, code_version)
     values ($1, 'database_behind', 'x', '{}', 'x')`,
    `insert into r_zero.checkpoint_prunings (checkpoint_id, what, run_id, policy, bytes, code_version)
     select base_checkpoint_id, 'optimizer', run_id, 'test', 1, 'x' from r_zero.runs where run_id = $1`,
    `insert into r_zero.experiment_runs (experiment_id, position, setting, seed, iterations, run_id, input)
     values ('x', 0, 'x', 1, 1, $1, '{}')`,
    `with asked as (
       insert into r_zero.oracles (run_id, kind, oracle, version, definition, definition_hash, code_version)
       values ($1, 'human', 'human:x', 1, '{}', 'x', 'x') returning oracle_id)
     insert into r_zero.audits (run_id, iteration, phase, question_id, oracle, oracle_version, oracle_id, label)
     select $1, 1, 'audit', question_id, 'human:x', 1, oracle_id, label
     from asked, r_zero.dataset where run_id = $1 and iteration = 1 and dataset_index = 0`,
  ])
    await pool.query(statement, [runId]);
}
