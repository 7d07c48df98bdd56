/** The gate and its yield guard on stored rows. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import type pg from 'pg';
import { ActivityRunner, TINY, temporaryFolder } from '../support/activities.ts';
import { run } from '../e2e/support/command.ts';
import { createDatabase } from '../support/postgres.ts';
import { finishUnit } from '../support/rows.ts';
import { insertRows } from '../../db/bulk.ts';
import { questions as questionTable, votes as voteTable } from '../../db/schema.ts';
import type { RunInput } from '../../activities/contract.ts';

interface Labelled {
  question: string;
  /** Of 8. @default 4 */
  votes?: number;
}

/** Stores an iteration's questions and votes as if its first two phases had run, one shard of each. */
async function store(pool: pg.Pool, runId: string, iteration: number, labelled: readonly Labelled[]): Promise<void> {
  const base = await pool.query<{ id: string }>('select base_checkpoint_id as id from r_zero.runs where run_id = $1', [
    runId,
  ]);
  const checkpointId = base.rows[0]!.id;
  const place = { runId, iteration, phase: 'dataset_generation' as const, unit: 0 };
  let ids: number[] = [];
  await finishUnit(pool, place, async (client) => {
    const rows = await insertRows(
      client,
      questionTable,
      labelled.map(({ question }, item) => ({
        ...place,
        item,
        checkpointId,
        seed: `${iteration}/${item}`,
        completion: question,
        tokens: [],
        logprobs: [],
        finishReason: 'stop',
        status: 'valid',
        question,
      })),
      { returning: ['question_id'] },
    );
    ids = rows.map((row) => Number(row['question_id']));
  });
  await finishUnit(pool, { ...place, phase: 'labelling' }, async (client) => {
    await insertRows(
      client,
      voteTable,
      labelled.map(({ votes = 4 }, index) => ({
        questionId: ids[index]!,
        preset: 'default',
        label: '1',
        majority: votes,
        total: 8,
        unparsable: 0,
        tie: false,
        classes: [],
      })),
    );
  });
}

describe('the gate on stored rows', () => {
  let pool: pg.Pool;
  let url: string;
  let runner: ActivityRunner;
  before(async () => {
    ({ pool, url } = await createDatabase());
    runner = new ActivityRunner(pool);
  });

  /** What is left of an iteration, without any rows. */
  async function finishRest(runId: string, iteration: number): Promise<void> {
    const { phases } = await runner.begin(runId, iteration);
    for (const { phase, units, nextUnit } of phases) {
      for (let unit = nextUnit; unit < units; unit++) await finishUnit(pool, { runId, iteration, phase, unit });
    }
  }

  async function gated(runId: string, iterations: readonly (readonly Labelled[])[], input: RunInput = {}) {
    await runner.open({
      ...TINY,
      runId,
      iterations: iterations.length,
      challenger: { steps: 0 },
      labelling: { questions: 8, shardSize: 8 },
      ...input,
    });
    await finishRest(runId, 0);
    const metrics: Record<string, number>[] = [];
    for (const [index, labelled] of iterations.entries()) {
      if (index > 0) await finishRest(runId, index);
      await runner.begin(runId, index + 1);
      await store(pool, runId, index + 1, labelled);
      metrics.push((await runner.unit('gating', runId, index + 1, 0)).metrics);
    }
    return metrics;
  }

  async function reasons(runId: string): Promise<string[][]> {
    const { rows } = await pool.query<{ reasons: string[] }>(
      `select array_agg(d.reason order by q.item) as reasons from r_zero.gate_decisions d
       join r_zero.questions q using (question_id) where d.run_id = $1 group by d.iteration order by d.iteration`,
      [runId],
    );
    return rows.map((row) => row.reasons);
  }

  test('copies of this iteration, of earlier ones and of the held-out set each have their reason', async () => {
    const heldOut = (
      await runner
        .open({ ...TINY, runId: 'held-out' })
        .then(() =>
          pool.query<{ question: string }>(`select items -> 0 ->> 'question' as question from r_zero.evaluation_sets`),
        )
    ).rows[0]!.question;
    const metrics = await gated('copies', [
      [
        { question: '1+2' },
        { question: '1+2' },
        { question: '1 + 2' },
        { question: '8+8', votes: 8 },
        { question: ` ${heldOut}` },
      ],
      [{ question: '1+2' }, { question: '1 +2' }, { question: '8+8' }, { question: '4+5' }],
    ]);
    assert.deepEqual(await reasons('copies'), [
      ['kept', 'duplicate', 'near_duplicate', 'above_band', 'held_out'],
      // 8+8 was not trained on: it is judged again.
      ['duplicate_earlier', 'near_duplicate', 'kept', 'kept'],
    ]);
    assert.deepEqual(metrics, [
      { questions: 5, decided: 5, kept: 1, needed: 8, short: 7, duplicates: 2, heldOut: 1 },
      { questions: 4, decided: 4, kept: 2, needed: 8, short: 6, duplicates: 2, heldOut: 0 },
    ]);
    const first = await pool.query<{ same: boolean }>(
      `select (d.inputs ->> 'earlierDuplicateOf')::bigint = f.question_id as same
       from r_zero.gate_decisions d join r_zero.questions f on f.run_id = d.run_id and f.iteration = 1 and f.item = 0
       where d.run_id = 'copies' and d.reason = 'duplicate_earlier'`,
    );
    assert.deepEqual(first.rows, [{ same: true }]);
  });

  test('so have copies of a question of any evaluation set, near ones and those that share its words', async () => {
    const folder = temporaryFolder();
    const problem = (from: number, count: number): string =>
      Array.from({ length: count }, (_, index) => `word${'abcdefghijklmnopqrstuvwxyz'.charAt(from + index)}`).join(' ');
    const rows = {
      gsm8k: [
        {
          question: 'Ann has 3 red apples and 4 pears in her bag. How many fruits are in the bag of Ann?',
          answer: '#### 7',
        },
        { question: problem(0, 20), answer: '#### 1' },
      ],
      bbeh: [{ question: '6+6', answer: '12' }],
    };
    const sets = Object.entries(rows).map(([set, own]) => {
      const file = join(folder, `${set}.jsonl`);
      writeFileSync(file, own.map((row) => JSON.stringify(row)).join('\n'));
      return { set, file, maxTokens: 8 };
    });
    const near = 'Ann has 3 red apples and 4 pears in her bags. How many fruits are in the bag of Ann?';
    await gated(
      'sets',
      [
        [
          { question: '6+6' },
          { question: near },
          { question: `${problem(3, 14)} 9` },
          { question: `${problem(3, 12)} 9 8 7 6 5 4` },
          { question: '7+8' },
        ],
      ],
      { evaluation: { sets, questions: 4 } },
    );
    assert.deepEqual(await reasons('sets'), [['held_out', 'held_out', 'held_out', 'kept', 'kept']]);
    const { rows: found } = await pool.query(
      `select set_name, item, kind, set_question, kept from r_zero.contaminations where run_id = 'sets' order by question_id`,
    );
    assert.deepEqual(found, [
      { set_name: 'bbeh', item: 0, kind: 'exact', set_question: '6+6', kept: false },
      { set_name: 'gsm8k', item: 0, kind: 'near', set_question: rows.gsm8k[0]!.question, kept: false },
      { set_name: 'gsm8k', item: 1, kind: 'ngram', set_question: rows.gsm8k[1]!.question, kept: false },
    ]);
    const argv = ['audit', 'contamination', '--run', 'sets', '--data-dir', runner.deps.dataDir, '--limit', '2'];
    const said = await run(argv, { DATABASE_URL: url });
    assert.equal(said.code, 0, said.stderr);
    assert.match(
      said.stdout,
      /^3 generated questions repeat .* \(1 exact, 1 near, 1 by shared runs of words\); none was kept\./,
    );
    assert.match(said.stdout, /question \d+ \(held_out\): 6\+6\n {4}exact, bbeh 0: 6\+6\n/);
    assert.match(said.stdout, /… and 1 more: --limit 3\n$/);
    // A run without sets decides as it always did.
    const { rows: old } = await pool.query(
      `select inputs ? 'heldOutSet' as named from r_zero.gate_decisions where run_id = 'copies'`,
    );
    assert.deepEqual(new Set(old.map(({ named }: { named: boolean }) => named)), new Set([false]));
  });

  test('a run may have rules of its own, and the paper has none', async () => {
    const questions = [{ question: '1+2' }, { question: '1+2' }, { question: '1 + 2' }];
    await gated('own', [questions, questions], {
      gate: { duplicates: { withinIteration: 'exact', earlierIterations: 'none' } },
    });
    assert.deepEqual(await reasons('own'), [
      ['kept', 'duplicate', 'kept'],
      ['kept', 'duplicate', 'kept'],
    ]);
    await gated('paper', [questions, questions], { preset: 'paper' });
    assert.deepEqual(new Set((await reasons('paper')).flat()), new Set(['kept']));
  });

  const meagre = [{ question: '1+2' }, { question: '1+2' }, { question: '2+2', votes: 8 }];

  test('with too few questions the run parks, with the counts by reason', async () => {
    await gated('park', [meagre]);
    await assert.rejects(runner.unit('solver_training', 'park', 1, 0), (error: Error & { type?: string }) => {
      assert.equal(error.type, 'TooFewQuestions');
      assert.match(error.message, /kept 1 of 3 questions; .* needs 2\. The gate dropped: 1 above_band, 1 duplicate\. /);
      return true;
    });
  });

  test('or, where that is configured, every step is skipped, says so, and leaves the Solver as it is', async () => {
    await gated('skip', [meagre], { gate: { minimumQuestions: 2, onTooFew: 'skip' } });
    for (const step of [0, 1, 2]) {
      const { metrics } = await runner.unit('solver_training', 'skip', 1, step);
      assert.deepEqual(metrics, { kept: 1, needed: 8, short: 7, skipped: 1 });
    }
    const { rows } = await pool.query(`select from r_zero.policy_updates where run_id = 'skip'`);
    assert.equal(rows.length, 0);
  });

  test('a step that takes more questions than were kept counts those it repeats', async () => {
    await gated('repeat', [[{ question: '1+2' }, { question: '3+2' }, { question: '2+2' }]]);
    const { metrics } = await runner.unit('solver_training', 'repeat', 1, 0);
    assert.deepEqual(
      ['kept', 'needed', 'short', 'repeated', 'rollouts'].map((name) => metrics[name]),
      [3, 8, 5, 5, 32],
    );
    const { rows } = await pool.query<{ questions: number }>(
      `select count(distinct question_id)::int as questions from r_zero.rollouts where run_id = 'repeat'`,
    );
    assert.deepEqual(rows, [{ questions: 3 }]);
  });
});
