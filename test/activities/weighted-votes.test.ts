import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type pg from 'pg';
import type { RunInput } from '../../activities/contract.ts';
import { recomputeRun } from '../../activities/recompute/recompute.ts';
import { verifyRun } from '../../activities/verification/verify-run.ts';
import { ActivityRunner, TINY } from '../support/activities.ts';
import { fingerprint } from '../support/fingerprint.ts';
import { createDatabase } from '../support/postgres.ts';
import { tampered, withoutChecks } from '../support/tampering.ts';

const RUN: RunInput = {
  ...TINY,
  runId: 'weighed',
  labelling: { ...(TINY['labelling'] as object), weighting: 'confidence' },
  oracles: { anchors: { questions: 12 } },
};

interface StoredVote {
  label: string;
  majority: number;
  classes: { representative: string; count: number; members: number[]; weight?: number }[];
  means: number[];
}

describe('a run whose labels are weighed by confidence', () => {
  let pool: pg.Pool;
  let runner: ActivityRunner;
  const audit = (replay = 0) =>
    verifyRun(pool, {
      runId: 'weighed',
      dataDir: runner.deps.dataDir,
      codeVersion: '0.0.0-test',
      ...(replay > 0 ? { replay: { deps: runner.deps, samples: replay, seed: 1 } } : {}),
    });
  const labels = async (table: string, answers: string, id: string): Promise<StoredVote[]> =>
    (
      await pool.query<StoredVote>(
        `select v.label, v.majority, v.classes, array_agg(a.mean_logprob order by a.sample) as means
         from r_zero.${table} v join r_zero.${answers} a using (${id})
         where v.label is not null ${table === 'votes' ? `and a.phase = 'labelling' and a.run_id = 'weighed'` : ''} group by 1, 2, 3`,
      )
    ).rows;

  before(async () => {
    ({ pool } = await createDatabase());
    runner = new ActivityRunner(pool);
    await runner.open(RUN);
    for (const iteration of [0, 1]) await runner.iterate('weighed', iteration);
  });

  test('has each label that its stored answers and their weights make, of questions and of anchors', async () => {
    const questions = await labels('votes', 'answers', 'question_id');
    const anchors = await labels('anchors', 'anchor_answers', 'anchor_id');
    assert.ok(questions.length > 20 && anchors.length > 6, `${questions.length}, ${anchors.length}`);
    for (const { label, majority, classes, means } of [...questions, ...anchors]) {
      const highest = classes.reduce((a, b) => (b.weight! > a.weight! ? b : a));
      assert.deepEqual([label, majority], [highest.representative, highest.count]);
      const heavy = (members: readonly number[]) => members.reduce((sum, i) => sum + Math.exp(means[i]! / 0.1), 0);
      const all = classes.reduce((sum, { members }) => sum + heavy(members), 0);
      for (const { weight, members } of classes) assert.ok(Math.abs(weight! - heavy(members) / all) < 1e-9);
    }
    const outvoted = questions.filter(({ classes }) => classes.some(({ count }) => count > classes[0]!.count));
    assert.ok(outvoted.length > 0, 'weights never mattered');
  });

  test('rewards the Challenger for uncertainty as it is counted', async () => {
    const { rows } = await pool.query<{ classes: { weight?: number; count: number }[]; majority: number }>(
      `select v.classes, v.majority from r_zero.votes v join r_zero.questions q using (question_id)
       where q.run_id = 'weighed' and q.phase = 'challenger_training' and v.label is not null`,
    );
    assert.ok(rows.length > 10);
    for (const { classes, majority } of rows) {
      assert.ok(classes.every(({ weight }) => weight === undefined));
      assert.equal(majority, Math.max(...classes.map(({ count }) => count)));
    }
  });

  test('is reproducible from its rows, and an audit finds nothing', async () => {
    const { summary } = await recomputeRun(pool, { runId: 'weighed', dryRun: true, codeVersion: 'test' });
    for (const row of summary) assert.equal(row.same, row.rows, JSON.stringify(row));
    const report = await audit(40);
    assert.deepEqual(report.mismatches, []);
    assert.ok(report.replay!.rows > 0);
  });

  test('so is one whose labels are weighed by length, and its answers are those of the other', async () => {
    await runner.open({ ...RUN, runId: 'long', labelling: { ...(RUN['labelling'] as object), weighting: 'length' } });
    for (const iteration of [0, 1]) await runner.iterate('long', iteration);
    const report = await verifyRun(pool, { runId: 'long', dataDir: runner.deps.dataDir, codeVersion: '0.0.0-test' });
    assert.deepEqual(report.mismatches, []);
    const { rows } = await pool.query<{ label: string; classes: StoredVote['classes']; lengths: number[] }>(
      `select v.label, v.classes, array_agg(cardinality(a.tokens) order by a.sample) as lengths
       from r_zero.votes v join r_zero.answers a using (question_id)
       where a.run_id = 'long' and a.phase = 'labelling' and v.label is not null group by 1, 2`,
    );
    assert.ok(rows.length > 20);
    for (const { label, classes, lengths } of rows) {
      const tokens = classes.map(({ members }) => members.reduce((sum, i) => sum + lengths[i]!, 0));
      assert.equal(tokens[0], Math.max(...tokens));
      assert.equal(label, classes[0]!.representative);
    }
  });

  test('an altered confidence shows: in the vote that it was weighed in, and to the engine', async () => {
    const answer = { table: 'answers', key: ['answer_id'] };
    const own = `run_id = 'weighed'`;
    const [labelled, training] = [
      `${own} and phase = 'labelling' and extracted is not null`,
      `${own} and phase = 'challenger_training'`,
    ];
    await tampered(pool, { ...answer, where: labelled, change: 'mean_logprob = mean_logprob - 0.5' }, async () => {
      const { mismatches } = await audit();
      assert.ok(mismatches.length > 0);
      assert.ok(mismatches.every(({ table }) => table === 'votes' || table === 'gate_decisions'));
    });
    await tampered(pool, { ...answer, where: training, change: 'mean_logprob = mean_logprob - 0.5' }, async (row) => {
      assert.deepEqual((await audit()).mismatches, []);
      const { mismatches } = await audit(3000);
      assert.deepEqual(
        mismatches.map(({ check, table, row: found, column }) => [check, table, found, column]),
        [['replay', 'answers', row, 'mean_logprob']],
      );
    });
  });

  test('ends with the same rows and checkpoints when another engine does it, and does nothing twice', async () => {
    const other = await createDatabase();
    const second = new ActivityRunner(other.pool);
    await second.open(RUN);
    await second.iterate('weighed', 0);
    const { phases } = await second.begin('weighed', 1);
    for (const { phase, units } of phases) {
      for (let unit = 0; unit < units; unit++) {
        await second.unit(phase, 'weighed', 1, unit);
        assert.equal((await second.unit(phase, 'weighed', 1, unit)).reused, true);
      }
    }
    assert.deepEqual(await fingerprint(other.pool, 'weighed'), await fingerprint(pool, 'weighed'));
  });

  test('answers from before confidence was stored are counted', async () => {
    await withoutChecks(pool, (client) => client.query('update r_zero_all.answers set mean_logprob = null'));
    const { summary } = await recomputeRun(pool, { runId: 'weighed', dryRun: false, codeVersion: 'test' });
    assert.ok(summary.some(({ subject, changed }) => subject === 'labels' && changed > 0));
    const { rows } = await pool.query<StoredVote>(
      `select label, majority, classes from r_zero.votes where recomputation_id is not null and label is not null`,
    );
    for (const { majority, classes } of rows) assert.equal(majority, Math.max(...classes.map(({ count }) => count)));
  });
});
