import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type pg from 'pg';
import type { Phase } from '../../activities/contract.ts';
import { listStoredRuns, renderRunList } from '../../infra/cli/run-list.ts';
import { RunReader } from '../../infra/cli/run-reader.ts';
import { currentPhase, isComplete, readPhaseMetrics, readSnapshot } from '../../infra/cli/run-snapshot.ts';
import { createDatabase } from '../support/postgres.ts';
import { addRun, finishUnit } from '../support/rows.ts';

async function finish(pool: pg.Pool, iteration: number, phase: Phase, unit: number, metrics: object): Promise<void> {
  const place = { runId: 'demo', iteration, phase, unit };
  await finishUnit(pool, place, undefined, { metrics: metrics as Record<string, number> });
}

const PHASES = ['challenger_training', 'dataset_generation', 'labelling', 'solver_training'] as const;

describe('a stored run', () => {
  test('is read with its phases in order, the one at work, and its numbers', async () => {
    const { pool } = await createDatabase();
    assert.equal(await readSnapshot(pool, 'demo'), undefined);
    await addRun(pool, 'demo');
    for (const unit of [0, 1]) await finish(pool, 0, 'evaluation', unit, { greedyAccuracy: 0.25 });
    // Out of order on purpose: first and last go by unit, not by time.
    await finish(pool, 1, 'challenger_training', 1, { meanReward: 0.3, note: 'text', kl: null });
    await finish(pool, 1, 'challenger_training', 0, { meanReward: 0.1 });
    await finish(pool, 1, 'dataset_generation', 0, { generated: 96 });

    const snapshot = await readSnapshot(pool, 'demo');
    assert.ok(snapshot);
    assert.deepEqual(
      snapshot.phases.map(({ iteration, phase }) => `${iteration} ${phase}`),
      ['0 evaluation', ...[1, 2].flatMap((iteration) => PHASES.map((phase) => `${iteration} ${phase}`))],
    );
    const active = currentPhase(snapshot);
    assert.equal(active?.phase, 'dataset_generation');
    assert.equal(active.unitsDone, 1);
    assert.equal(active.seconds, 1.5);
    assert.ok(active.startedAt instanceof Date);
    assert.equal(isComplete(snapshot), false);
    assert.deepEqual(await readPhaseMetrics(pool, 'demo', { iteration: 1, phase: 'challenger_training' }), {
      meanReward: { first: 0.1, last: 0.3, sum: 0.4 },
    });
  });

  test('is complete when every unit of every planned iteration is there', async () => {
    const { pool } = await createDatabase();
    await addRun(pool, 'demo');
    const all = [[0, 'evaluation'] as const, ...[1, 2].flatMap((i) => PHASES.map((phase) => [i, phase] as const))];
    const places = all.flatMap(([iteration, phase]) => [0, 1].map((unit) => ({ iteration, phase, unit })));
    const last = places.pop();
    for (const { iteration, phase, unit } of places) await finish(pool, iteration, phase, unit, {});
    const reader = new RunReader('demo');
    const before = await reader.read(pool);
    assert.equal(before && isComplete(before.snapshot), false);
    assert.ok(last);
    await finish(pool, last.iteration, last.phase, last.unit, { meanReward: 0.5 });
    const after = await reader.read(pool);
    assert.ok(after && isComplete(after.snapshot));
    assert.deepEqual(after.metrics.get('2/solver_training'), { meanReward: { first: 0.5, last: 0.5, sum: 0.5 } });

    await pool.query('update r_zero.runs set iterations = 3');
    const extended = await reader.read(pool);
    assert.equal(extended && isComplete(extended.snapshot), false);
  });

  test('is listed with what is done of it', async () => {
    const { pool } = await createDatabase();
    assert.deepEqual(await listStoredRuns(pool), []);
    await addRun(pool, 'demo');
    for (const phase of PHASES) for (const unit of [0, 1]) await finish(pool, 1, phase, unit, {});
    const [run] = await listStoredRuns(pool);
    assert.ok(run);
    assert.equal(run.iterationsDone, 1);
    assert.equal(run.seed, 1);
    assert.equal(run.baseGreedy, null);
    const line = renderRunList([{ ...run, status: 'stopped' }]).split('\n')[1] ?? '';
    assert.match(line, /demo +stopped +1\/2 +1 +default +none +– +–/);
  });
});
