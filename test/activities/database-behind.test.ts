/** What activities say when the database knows less than the workflow that asks: nothing that comes of it may look like success. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import type pg from 'pg';
import type { RunInput, StartRef } from '../../activities/contract.ts';
import type { Engine } from '../../activities/engine/types.ts';
import { createActivities } from '../../activities/index.ts';
import { ActivityRunner, TINY, temporaryFolder } from '../support/activities.ts';
import { createEngineDouble } from '../support/engine-double.ts';
import { createDatabase } from '../support/postgres.ts';
import { writeSimulatedModel } from '../support/simulated-model.ts';

const HOLDER = 'r-zero/test';
const BEHIND = { type: 'DatabaseBehind' };

describe('a database that was restored from an older copy', () => {
  let engine: Engine;
  let model: string;
  before(async () => {
    model = join(temporaryFolder(), 'model');
    writeSimulatedModel(model);
    engine = await createEngineDouble({ modelDir: model, questions: 200, answerTokens: 20 });
  });

  async function withRun(options: { others?: 'RUNNING' | 'TERMINATED' } = {}) {
    const { pool } = await createDatabase();
    const runner = new ActivityRunner(pool, { engine, ...options });
    const activities = createActivities(runner.deps);
    const input = { ...TINY, model, runId: 'tiny' };
    const open = (start?: Partial<StartRef>, given: RunInput = input) =>
      runner.call(() => activities.openRun(given, { firstExecutionId: 'first', ...start }), undefined);
    const setStatus = (status: 'completed' | 'paused') =>
      runner.call(activities.setRunStatus, { runId: 'tiny', holder: HOLDER, status });
    const finish = (iteration: number) =>
      runner.call(activities.finishIteration, { runId: 'tiny', iteration, holder: HOLDER });
    return { pool, runner, open, setStatus, finish };
  }

  const statusOf = async (pool: pg.Pool) =>
    (await pool.query<{ status: string }>(`select status from r_zero.runs where run_id = 'tiny'`)).rows[0]?.status;

  test('from before the run: no activity takes it for another workflow’s, or for done', async () => {
    const { runner, setStatus, finish } = await withRun();
    await assert.rejects(runner.begin('tiny', 1), BEHIND);
    await assert.rejects(runner.unit('labelling', 'tiny', 1, 0), BEHIND);
    await assert.rejects(runner.checkAlarms('labelling', 'tiny', 1), BEHIND);
    await assert.rejects(runner.prune('tiny', 1), BEHIND);
    await assert.rejects(finish(1), BEHIND);
    await assert.rejects(setStatus('paused'), BEHIND);
    await assert.rejects(setStatus('completed'), BEHIND);
  });

  test('from before the run: it begins anew, and a notice says so', async () => {
    const { pool, runner, open } = await withRun();
    const plan = await open({ behind: 'The plan is gone.', mayCreate: true });
    assert.match(plan.notice ?? '', /The plan is gone\. The run begins anew/);
    const { rows } = await pool.query<{ kind: string }>(`select kind from r_zero.run_notices where run_id = 'tiny'`);
    assert.deepEqual(
      rows.map(({ kind }) => kind),
      ['database_behind'],
    );
    assert.equal(plan.nextIteration, 0);
    await runner.iterate('tiny', 0);
  });

  test('from before the run: a workflow that only went on with it does not make another of default settings', async () => {
    const { pool, open } = await withRun();
    await assert.rejects(open({ behind: 'It is gone.', mayCreate: false }, { runId: 'tiny' }), {
      type: 'RunNotFound',
      message: /older than the run\. Restore a newer copy/,
    });
    assert.equal(await statusOf(pool), undefined);
  });

  test('to the middle of an iteration: it is not summed up, judged, or called completed', async () => {
    const { pool, runner, open, setStatus, finish } = await withRun();
    await open();
    await runner.iterate('tiny', 0);
    await runner.begin('tiny', 1);
    for (const unit of [0, 1]) await runner.unit('challenger_training', 'tiny', 1, unit);
    await runner.unit('dataset_generation', 'tiny', 1, 0);
    await assert.rejects(runner.checkAlarms('dataset_generation', 'tiny', 1), BEHIND);
    await runner.checkAlarms('challenger_training', 'tiny', 1);
    await assert.rejects(finish(1), BEHIND);
    await assert.rejects(setStatus('completed'), BEHIND);
    assert.equal(await statusOf(pool), 'running');
    await runner.iterate('tiny', 1);
    await finish(1);
    await setStatus('completed');
    assert.equal(await statusOf(pool), 'completed');
  });

  test('to when another workflow had it: taken over while that one is at work, and not once it is over', async () => {
    for (const [others, type] of [
      ['RUNNING', 'RunConflict'],
      ['TERMINATED', 'DatabaseBehind'],
    ] as const) {
      const { pool, runner, open, setStatus } = await withRun({ others });
      await open();
      await pool.query(`update r_zero.run_leases set workflow_id = 'earlier'`);
      await assert.rejects(runner.begin('tiny', 0), { type });
      await assert.rejects(setStatus('paused'), { type });
    }
  });
});
