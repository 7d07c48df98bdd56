import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type pg from 'pg';
import { recomputeRun } from '../../activities/recompute/recompute.ts';
import type { RecomputeReport, RecomputeRequest } from '../../activities/recompute/recompute.ts';
import { renderReport } from '../../infra/cli/recompute.ts';
import { ActivityRunner, TINY } from '../support/activities.ts';
import { createDatabase } from '../support/postgres.ts';
import { withoutChecks } from '../support/tampering.ts';

const TABLES = ['votes', 'rewards', 'gate_decisions', 'recomputations'] as const;

describe('recomputing a stored run', () => {
  let pool: pg.Pool;
  const recompute = (request: Partial<RecomputeRequest> = {}): Promise<RecomputeReport> =>
    recomputeRun(pool, { runId: 'tiny', dryRun: false, codeVersion: '0.0.0-test', ...request });

  async function rowCounts(): Promise<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const table of TABLES) {
      const { rows } = await pool.query<{ n: string }>(`select count(*) as n from r_zero.${table}`);
      counts[table] = Number(rows[0]?.n);
    }
    return counts;
  }

  /** Everything that the run computed itself, and the views that people and later iterations read. */
  async function ownRows(): Promise<unknown[]> {
    const statements = [
      ...['votes', 'rewards', 'gate_decisions'].map(
        (table) => `select * from r_zero.${table} where recomputation_id is null order by 1, 2, 3, 4, 5, 6, 7`,
      ),
      `select * from r_zero.dataset order by question_id`,
      `select * from r_zero.funnel`,
      `select * from r_zero.training_steps order by iteration, phase, step`,
      `select * from r_zero.iteration_summary order by iteration`,
      `select * from r_zero.lineage order by question_id, step`,
    ];
    return Promise.all(statements.map(async (statement) => (await pool.query(statement)).rows));
  }

  before(async () => {
    ({ pool } = await createDatabase());
    const runner = new ActivityRunner(pool);
    await runner.open({ ...TINY, runId: 'tiny', iterations: 2 });
    for (const iteration of [0, 1, 2]) await runner.iterate('tiny', iteration);
  });

  test('under the run’s own preset everything comes out the same: a run is reproducible from its rows', async () => {
    const { summary, moves, version } = await recompute({ dryRun: true });
    assert.equal(version, null);
    assert.deepEqual(
      summary.map(({ iteration, subject }) => `${iteration} ${subject}`),
      [1, 2].flatMap((iteration) =>
        ['Challenger votes', 'Challenger rewards', 'labels', 'decisions', 'Solver rewards'].map(
          (subject) => `${iteration} ${subject}`,
        ),
      ),
    );
    for (const row of summary) {
      assert.ok(row.rows > 0, row.subject);
      assert.equal(row.same, row.rows, `${row.subject}: ${JSON.stringify(row)}`);
    }
    assert.deepEqual(moves, []);
  });

  test('a dry run stores nothing', async () => {
    const before = await rowCounts();
    await recompute({ dryRun: true, preset: 'paper' });
    assert.deepEqual(await rowCounts(), before);
  });

  test('another preset gives rows of a new version, and the run’s own rows and views stay as they were', async () => {
    const before = await ownRows();
    const first = await recompute({ preset: 'paper' });
    const second = await recompute({ preset: 'official-code' });
    assert.equal(first.version, 2);
    assert.equal(second.version, 3);
    assert.deepEqual(await ownRows(), before);
    const paper = first.summary.filter(({ subject }) => subject === 'Challenger rewards');
    assert.ok(
      paper.some(({ changed }) => changed > 0),
      'a cluster of one costs 1 / B in the paper and nothing in the default preset',
    );
    const stored = await pool.query<{ preset: string; n: number }>(
      `select r.preset, count(*)::int as n from r_zero.votes v join r_zero.recomputations r using (recomputation_id, version)
       group by 1 order by 1`,
    );
    assert.deepEqual(
      stored.rows.map(({ preset }) => preset),
      ['official-code', 'paper'],
    );
  });

  test('the report is what the views say, and each row of it can be looked into', async () => {
    const report = await recompute({ preset: 'paper' });
    const { rows } = await pool.query<{ subject: string; changed: number }>(
      `select subject, sum(changed)::int as changed from r_zero.recomputation_summary where recomputation_id = $1
       group by 1 order by 1`,
      [report.recomputationId],
    );
    for (const { subject, changed } of rows) {
      const told = report.summary.filter((row) => row.subject === subject).reduce((sum, row) => sum + row.changed, 0);
      assert.equal(changed, told, subject);
    }
    const rewards = await pool.query<{ computed_before: number; computed_after: number }>(
      `select computed_before, computed_after from r_zero.recomputed_rewards
       where recomputation_id = $1 and role = 'challenger' and change = 'changed'`,
      [report.recomputationId],
    );
    assert.ok(rewards.rows.length > 0);
    for (const row of rewards.rows) assert.notEqual(row.computed_before, row.computed_after);
    const text = renderReport(report);
    assert.match(text, /computed under default \(version \d+\), recomputed under paper \(version \d+\)/);
    assert.match(text, /Stored as version 4/);
  });

  test('an altered answer shows as a changed vote and a changed decision, and nothing else does', async () => {
    const { rows } = await pool.query<{ question_id: string }>(
      `select question_id from r_zero.dataset where majority = total - 1 or majority = total - 2 order by 1 limit 1`,
    );
    const questionId = rows[0]?.question_id;
    await withoutChecks(pool, (client) =>
      client.query(`update r_zero.answers set completion = '\\boxed{12345}' where question_id = $1`, [questionId]),
    );
    const { summary, moves } = await recompute({ dryRun: true });
    const labels = summary.filter(({ subject }) => subject === 'labels');
    assert.equal(
      labels.reduce((sum, { changed }) => sum + changed, 0),
      1,
    );
    assert.deepEqual(
      moves.map(({ before, after, questions }) => [before, after, questions]),
      [['kept', 'above_band', 1]],
    );
  });

  test('two recomputations at once get versions of their own', async () => {
    const reports = await Promise.all([recompute(), recompute({ preset: 'paper' })]);
    assert.equal(new Set(reports.map(({ version }) => version)).size, 2);
  });

  test('an aborted recomputation leaves nothing behind', async () => {
    const before = await rowCounts();
    const controller = new AbortController();
    const onProgress = (): void => controller.abort(new Error('stopped'));
    await assert.rejects(recompute({ onProgress, signal: controller.signal }), /stopped/);
    assert.deepEqual(await rowCounts(), before);
  });

  test('an unknown run and a run without work are refused by name', async () => {
    await assert.rejects(recompute({ runId: 'nobody' }), { code: 'RunNotFound' });
    const runner = new ActivityRunner(pool);
    await runner.open({ ...TINY, runId: 'fresh' });
    await assert.rejects(recompute({ runId: 'fresh' }), { code: 'RunInputInvalid', field: 'runId' });
  });
});
