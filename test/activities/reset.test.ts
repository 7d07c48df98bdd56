import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type pg from 'pg';
import type { Phase } from '../../activities/contract.ts';
import { createLocalEngine } from '../../activities/engine/index.ts';
import type { RZeroError } from '../../activities/errors.ts';
import { resetRun } from '../../activities/reset.ts';
import type { ResetRequest } from '../../activities/reset.ts';
import { pruneRun } from '../../activities/retention/prune.ts';
import { PHASE_ORDER } from '../../activities/phases.ts';
import { openPool } from '../../db/client.ts';
import { getRun } from '../../db/queries/runs.ts';
import { readTakes } from '../../db/queries/takes.ts';
import { asRole } from '../../infra/cli/endpoints.ts';
import { ActivityRunner, TINY } from '../support/activities.ts';
import { recomputeRun } from '../../activities/recompute/recompute.ts';
import { verifyRun } from '../../activities/verification/verify-run.ts';
import { fingerprint } from '../support/fingerprint.ts';
import { createDatabase } from '../support/postgres.ts';
import { finishUnit } from '../support/rows.ts';

const OVER = { mayReset: () => Promise.resolve(true), status: 'waiting' as const };
const WHO = { runId: 'tiny', requestedBy: 'alice' };

/** Tables of what a run may do again, with what places their rows. */
const TABLES = [
  'phases',
  'units',
  'questions',
  'answers',
  'votes',
  'gate_decisions',
  'rollouts',
  'rewards',
  'policy_updates',
  'evaluations',
  'evaluation_items',
  'audits',
];

describe('a run that is reset', () => {
  let pool: pg.Pool;
  let runner: ActivityRunner;
  let undisturbed: Record<string, unknown[]>;
  const reset = (place: { iteration: number; phase: Phase } & Partial<ResetRequest>) =>
    resetRun(runner.deps, { ...WHO, ...place }, OVER);
  const countRows = async (schema: string) => {
    const counts: Record<string, number> = {};
    for (const table of TABLES) {
      const { rows } = await pool.query<{ rows: number }>(`select count(*)::int as rows from ${schema}.${table}`);
      counts[table] = rows[0]!.rows;
    }
    return counts;
  };

  before(async () => {
    const { pool: owner, url } = await createDatabase();
    pool = owner;
    // As the role of workers: marking rows is all that it may do to them.
    runner = new ActivityRunner(openPool(asRole(url, 'r_zero_app')), { engine: createLocalEngine({ cacheBytes: 0 }) });
    await runner.open({ ...TINY, runId: 'tiny', iterations: 2 });
    for (const iteration of [0, 1, 2]) await runner.iterate('tiny', iteration);
    undisturbed = await fingerprint(pool, 'tiny');
  });

  test('shows only what is current, keeps the rest, and ends with the same rows and checkpoints', async () => {
    const before = await countRows('r_zero');
    const { take, superseded } = await reset({ iteration: 1, phase: 'labelling', reason: 'another look' });
    assert.equal(take, 2);
    const left = await fingerprint(pool, 'tiny');
    assert.ok(left['questions']!.length > 0);
    assert.deepEqual(
      left['questions'],
      undisturbed['questions']!.filter((row) => (row as { iteration: number }).iteration === 1),
      'questions come before labelling',
    );
    assert.deepEqual(left['decisions'], []);
    assert.deepEqual(left['rollouts'], []);
    const marked = await countRows('r_zero_all');
    for (const table of TABLES.filter((name) => name !== 'phases')) assert.equal(marked[table], before[table], table);
    assert.equal(superseded['questions'], undisturbed['questions']!.length - left['questions'].length);
    assert.equal((await getRun(pool, 'tiny')).status, 'waiting');

    const plan = await runner.open({ runId: 'tiny' });
    assert.equal(plan.nextIteration, 1);
    for (const iteration of [1, 2]) await runner.iterate('tiny', iteration);
    assert.deepEqual(await fingerprint(pool, 'tiny'), undisturbed);
    const all = await countRows('r_zero_all');
    for (const table of TABLES) assert.equal(all[table], before[table]! + (superseded[table] ?? 0), table);
    const [row, ...others] = await readTakes(pool, 'tiny');
    assert.deepEqual(others, []);
    assert.deepEqual(
      { ...row, createdAt: undefined },
      {
        runId: 'tiny',
        take: 2,
        iteration: 1,
        phase: 'labelling',
        reason: 'another look',
        requestedBy: 'alice',
        inputVersion: 1,
        superseded,
        codeVersion: runner.deps.codeVersion,
        createdAt: undefined,
      },
    );
  });

  test('never mixes takes: what a current row refers to is current, and so is its unit', async () => {
    for (const table of TABLES.filter((name) => !['phases', 'units', 'votes', 'evaluation_items'].includes(name))) {
      const { rows } = await pool.query(
        `select t.* from r_zero.${table} t left join r_zero.units u using (run_id, iteration, phase, unit, take) where u.run_id is null`,
      );
      assert.deepEqual(rows, [], table);
    }
    const { rows } = await pool.query(
      `select 'answers' from r_zero.answers a left join r_zero.questions q using (question_id) where q.question_id is null
       union all select 'votes' from r_zero.votes v where not exists (
         select from r_zero.answers a where a.question_id = v.question_id and a.take = v.take)
       union all select 'rollouts' from r_zero.rollouts r left join r_zero.votes v using (question_id) where v.question_id is null
       union all select 'rewards' from r_zero.rewards w left join r_zero.rollouts r using (rollout_id)
         where w.role = 'solver' and r.rollout_id is null
       union all select 'items' from r_zero.evaluation_items i left join r_zero.evaluations e using (evaluation_id)
         where e.evaluation_id is null
       union all select 'units' from r_zero.units u left join r_zero.phases p using (run_id, iteration, phase, take)
         where p.run_id is null`,
    );
    assert.deepEqual(rows, []);
  });

  test('counts all it has spent, and tells which takes there were', async () => {
    const { rows: spent } = await pool.query<{ units: number }>(
      `select sum(units)::int as units from r_zero.start_spending where run_id = 'tiny'`,
    );
    assert.equal(spent[0]!.units, (await countRows('r_zero_all'))['units']);
    const { rows } = await pool.query<{
      phase: string;
      take: number;
      is_current: boolean;
      superseded_for: string | null;
    }>(
      `select phase, take, is_current, superseded_for from r_zero.phase_takes where run_id = 'tiny' and iteration = 1 order by phase, take`,
    );
    for (const phase of PHASE_ORDER) {
      const again = PHASE_ORDER.indexOf(phase) >= PHASE_ORDER.indexOf('labelling');
      const first = { phase, take: 1, is_current: !again, superseded_for: again ? 'another look' : null };
      const second = { phase, take: 2, is_current: true, superseded_for: null };
      assert.deepEqual(
        rows.filter((row) => row.phase === phase),
        again ? [first, second] : [first],
      );
    }
  });

  test('refuses a place that it has not come to, and a workflow that is at work', async () => {
    await assert.rejects(reset({ iteration: 3, phase: 'labelling' }), {
      code: 'RunInputInvalid',
      field: 'iteration',
      message: /Choose one from 0 to 2/,
    });
    await assert.rejects(reset({ iteration: 0, phase: 'labelling' }), {
      code: 'RunInputInvalid',
      field: 'phase',
      message: /Choose one of evaluation/,
    });
    await assert.rejects(resetRun(runner.deps, { ...WHO, runId: 'none', iteration: 1, phase: 'gating' }, OVER), {
      code: 'RunNotFound',
    });
    const standing = { ...OVER, mayReset: () => Promise.resolve(false) };
    await assert.rejects(resetRun(runner.deps, { ...WHO, iteration: 1, phase: 'gating' }, standing), {
      code: 'RunConflict',
      message: /r-zero\/test.*--stop/,
    });
    assert.equal((await readTakes(pool, 'tiny')).length, 1);
    assert.deepEqual(await fingerprint(pool, 'tiny'), undisturbed);
  });

  test('lets nobody write who began in the take before, or beyond what is there now', async () => {
    const place = { runId: 'tiny', iteration: 2, phase: 'gating' as const, unit: 0, take: 2 };
    await reset({ iteration: 2, phase: 'gating' });
    await runner.open({ runId: 'tiny' });
    assert.equal(await finishUnit(pool, place), 'reset');
    await assert.rejects(runner.unit('solver_training', 'tiny', 2, 1), { type: 'DatabaseBehind' });
    await runner.iterate('tiny', 2);
    assert.deepEqual(await fingerprint(pool, 'tiny'), undisturbed);
  });

  test('goes on with changed settings, which are recorded, and with which every unit is judged', async () => {
    const input = { gate: { upper: 0.6 }, solver: { learningRate: 1e-5 } };
    await assert.rejects(reset({ iteration: 2, phase: 'gating', input: { seed: 5 } }), {
      code: 'RunInputInvalid',
      field: 'seed',
    });
    const { changes } = await reset({ iteration: 2, phase: 'gating', input, reason: 'tighter' });
    assert.deepEqual(changes, {
      'gate.upper': { from: null, to: 0.6 },
      'solver.learningRate': { from: 3e-5, to: 1e-5 },
    });
    // What it was started with may be said again.
    await runner.open({ ...TINY, runId: 'tiny', iterations: 2 });
    await runner.iterate('tiny', 2);
    const { rows } = await pool.query(
      `select distinct p.iteration, p.phase = any($1) as again, p.input_version, p.input -> 'gate' -> 'upper' as upper
       from r_zero.provenance p where run_id = 'tiny' and iteration > 0 order by 1, 2`,
      [PHASE_ORDER.slice(PHASE_ORDER.indexOf('gating'))],
    );
    assert.deepEqual(rows, [
      { iteration: 1, again: false, input_version: 1, upper: null },
      { iteration: 1, again: true, input_version: 1, upper: null },
      { iteration: 2, again: false, input_version: 1, upper: null },
      { iteration: 2, again: true, input_version: 2, upper: 0.6 },
    ]);
    const recorded = await pool.query<object>(
      `select version, changes, reason, requested_by from r_zero.run_inputs where run_id = 'tiny'`,
    );
    assert.deepEqual(recorded.rows, [{ version: 2, changes, reason: 'tighter', requested_by: 'alice' }]);
    const { rows: bounds } = await pool.query<{ iteration: number; highest: number }>(
      `select iteration, max(p_hat) as highest from r_zero.dataset where run_id = 'tiny' group by 1 order by 1`,
    );
    assert.ok(bounds[0]!.highest > 0.6 && bounds[1]!.highest <= 0.6, JSON.stringify(bounds));
    const report = await verifyRun(pool, { runId: 'tiny', dataDir: runner.deps.dataDir, codeVersion: '0.0.0-test' });
    assert.deepEqual(report.mismatches, []);
    assert.equal(report.ok, true);
    const again = await recomputeRun(pool, { runId: 'tiny', dryRun: true, codeVersion: '0.0.0-test' });
    for (const row of again.summary) assert.equal(row.same, row.rows, `${row.subject} of iteration ${row.iteration}`);
  });

  test('is not reset to settings that do not fit its model', async () => {
    for (const role of ['challenger', 'solver'])
      await assert.rejects(
        reset({ iteration: 2, phase: 'challenger_training', input: { [role]: { maxTokens: 4000 } } }),
        {
          code: 'RunInputInvalid',
          field: `${role}.maxTokens`,
          message: /the model reads \d+ tokens.*Choose less than/,
        },
      );
  });

  test('asked twice, as an activity whose answer was lost, a reset begins one take', async () => {
    const before = await readTakes(pool, 'tiny');
    const first = await reset({ iteration: 2, phase: 'audit' });
    assert.deepEqual(await reset({ iteration: 2, phase: 'audit' }), first);
    assert.equal((await readTakes(pool, 'tiny')).length, before.length + 1);
    await runner.open({ runId: 'tiny' });
    await runner.iterate('tiny', 2);
  });

  test('says which checkpoints are gone, and from where it can go on; moments are not missed', async () => {
    const { dataDir, codeVersion } = runner.deps;
    const keep = { kind: 'last' as const };
    const { pruned } = await pruneRun(pool, {
      dataDir,
      runId: 'tiny',
      keep,
      optimizerOnly: false,
      dryRun: false,
      codeVersion,
    });
    assert.ok(pruned.length > 0);
    const before = await fingerprint(pool, 'tiny');
    const { rows } = await pool.query<{ id: string }>(
      `select checkpoint_after as id from r_zero.policy_updates where iteration = 1 and role = 'solver' order by unit desc limit 1`,
    );
    await assert.rejects(reset({ iteration: 2, phase: 'labelling' }), (error: RZeroError) => {
      assert.equal(error.code, 'CheckpointPruned');
      assert.match(error.message, new RegExp(`the solver's ${rows[0]!.id.slice(0, 12)} \\(pruned\\)`));
      assert.match(error.message, /--iteration 1 --phase challenger_training; --iteration 2 --phase evaluation/);
      return true;
    });
    await reset({ iteration: 2, phase: 'evaluation' });
    await runner.open({ runId: 'tiny' });
    await runner.iterate('tiny', 2);
    assert.deepEqual(await fingerprint(pool, 'tiny'), before);
  });
});
