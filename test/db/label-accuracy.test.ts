import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type pg from 'pg';
import { createDatabase } from '../support/postgres.ts';
import { estimateFor, stratified, wilson } from '../support/label-accuracy.ts';
import type { Voted } from '../support/label-accuracy.ts';
import { fc } from '../support/properties.ts';
import { addRun } from '../support/rows.ts';

type Verdict = boolean | null | undefined;

interface Labelled extends Voted {
  kept: boolean;
  computed: Verdict;
  judge: Verdict;
}

interface Anchor extends Voted {
  agrees: boolean;
}

const votes = fc
  .integer({ min: 1, max: 16 })
  .chain((total) => fc.record({ total: fc.constant(total), majority: fc.integer({ min: 1, max: total }) }));
const verdict = fc.constantFrom<Verdict>(true, true, true, false, null, undefined);
const labelled = fc
  .tuple(votes, fc.record({ kept: fc.boolean(), computed: verdict, judge: verdict }))
  .map(([vote, rest]): Labelled => ({ ...vote, ...rest }));
const anchor = fc.tuple(votes, fc.boolean()).map(([vote, agrees]): Anchor => ({ ...vote, agrees }));

const near = (actual: number, expected: number, what: string) =>
  assert.ok(Math.abs(actual - expected) < 1e-9, `${what}: ${actual}, should be ${expected}`);

describe('label accuracy', () => {
  let pool: pg.Pool;
  let base: string;
  let runs = 0;
  before(async () => {
    ({ pool } = await createDatabase());
    ({ baseCheckpointId: base } = await addRun(pool, 'first'));
  });

  /** A labelled iteration, with verdicts. */
  async function store(questions: readonly Labelled[], anchors: readonly Anchor[]): Promise<string> {
    const runId = `run-${runs++}`;
    await addRun(pool, runId);
    const run = (statement: string, values: unknown[] = []) => pool.query(statement, [runId, ...values]);
    await run(
      `insert into r_zero.phases (run_id, iteration, phase, units) values ($1, 1, 'gating', 1), ($1, 1, 'audit', 1)`,
    );
    await run(
      `insert into r_zero.units (run_id, iteration, phase, unit, seconds, metrics)
       select $1, 1, phase, 0, 1, '{}' from unnest(array['dataset_generation', 'labelling', 'gating', 'audit']) phase`,
    );
    const judge = await run(
      `insert into r_zero.oracles (run_id, kind, oracle, version, definition, definition_hash, code_version)
       values ($1, 'judge', 'judge:test', 1, '{}', '', 'x') returning oracle_id`,
    );
    for (const [item, { majority, total, kept, computed, judge: judged }] of questions.entries()) {
      const { rows } = await run(
        `insert into r_zero.questions (run_id, iteration, phase, unit, item, checkpoint_id, seed, completion, tokens, logprobs,
           finish_reason, status, question)
         values ($1, 1, 'dataset_generation', 0, $2, $3, '', '', '{}', '{}', 'stop', 'valid', 'q') returning question_id`,
        [item, base],
      );
      const id = (rows[0] as { question_id: string }).question_id;
      await pool.query(
        `insert into r_zero.votes (question_id, preset, label, majority, total, unparsable, tie, classes)
         values ($1, 'default', '1', $2, $3, 0, false, '[]')`,
        [id, majority, total],
      );
      await run(
        `insert into r_zero.gate_decisions (run_id, iteration, phase, unit, question_id, kept, reason, policy, policy_version, inputs,
           dataset_index) values ($1, 1, 'gating', 0, $2, $3, $4, 'default', 1, '{}', $5)`,
        [id, kept, kept ? 'kept' : 'above_band', kept ? item : null],
      );
      const audit = (unit: number | null, oracle: string, oracleId: unknown, agrees: boolean | null) =>
        run(
          `insert into r_zero.audits (run_id, iteration, phase, unit, question_id, oracle, oracle_version, oracle_id, label, agrees)
           values ($1, 1, 'audit', $2, $3, $4, 1, $5, '1', $6)`,
          [unit, id, oracle, oracleId, agrees],
        );
      if (computed !== undefined) await audit(0, 'computed', null, computed);
      if (judged !== undefined)
        await audit(null, 'judge:test', (judge.rows[0] as { oracle_id: string }).oracle_id, judged);
    }
    if (anchors.length === 0) return runId;
    await pool.query(
      `insert into r_zero.evaluation_sets (set_hash, items) values ('set', '[]') on conflict do nothing`,
    );
    for (const [item, { majority, total, agrees }] of anchors.entries()) {
      await run(
        `with added as (
           insert into r_zero.anchors (run_id, iteration, phase, unit, item, set_hash, checkpoint_id, question, answer, preset, label,
             majority, total, unparsable, tie, classes)
           values ($1, 1, 'labelling', 0, $2, 'set', $3, 'q', '1', 'default', '1', $4, $5, 0, false, '[]') returning anchor_id)
         insert into r_zero.audits (run_id, iteration, phase, unit, anchor_id, oracle, oracle_version, label, truth, agrees)
         select $1, 1, 'audit', 0, anchor_id, 'anchors', 1, '1', '1', $6 from added`,
        [item, base, majority, total, agrees],
      );
    }
    return runId;
  }

  interface Estimate {
    oracle: string;
    kept: boolean | null;
    labelled: number;
    audited: number;
    undecided: number;
    agreeing: number;
    label_accuracy: number | null;
    lower: number | null;
    upper: number | null;
  }

  const estimates = async (runId: string): Promise<Estimate[]> =>
    (await pool.query<Estimate>('select * from r_zero.label_accuracy where run_id = $1', [runId])).rows;

  test('has Wilson’s intervals of Newcombe’s table, and those of a difference by his method 10', () => {
    for (const [successes, n, lower, upper] of [
      [81, 263, 0.2553, 0.3662],
      [15, 148, 0.0624, 0.1605],
      [0, 20, 0, 0.1611],
      [1, 29, 0.0061, 0.1718],
    ] as const) {
      const interval = wilson(successes, n);
      assert.equal(interval.lower.toFixed(4), lower.toFixed(4));
      assert.equal(interval.upper.toFixed(4), upper.toFixed(4));
    }
    // 56/70 - 48/80, as a sum: p - q = p + (1 - q) - 1.
    const { lower, upper } = stratified([
      { weight: 0.5, agreeing: 56, audited: 70 },
      { weight: 0.5, agreeing: 32, audited: 80 },
    ]);
    assert.equal((2 * lower - 1).toFixed(4), '0.0524');
    assert.equal((2 * upper - 1).toFixed(4), '0.3339');
  });

  test('is the same in SQL as in TypeScript, for any votes, decisions and verdicts', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(labelled, { maxLength: 24 }),
        fc.array(anchor, { maxLength: 8 }),
        async (questions, anchors) => {
          const rows = await estimates(await store(questions, anchors));
          for (const row of rows) {
            const own = questions.filter(({ kept }) => row.kept === null || kept === row.kept);
            const decided = own.flatMap((question) => {
              const { majority, total } = question;
              const agrees = row.oracle === 'computed' ? question.computed : question.judge;
              return typeof agrees === 'boolean' ? [{ majority, total, agrees }] : [];
            });
            const verdicts = row.oracle === 'anchors' ? anchors : decided;
            assert.equal(row.labelled, own.length);
            assert.equal(row.audited, verdicts.length);
            assert.equal(row.agreeing, verdicts.filter(({ agrees }) => agrees).length);
            // What code can compute stands for itself, not for the others.
            const expected = estimateFor(
              row.oracle === 'computed' ? verdicts : own,
              verdicts,
              row.oracle === 'anchors' ? 'others' : 'sample',
            );
            assert.equal(row.label_accuracy === null, expected === undefined, JSON.stringify(row));
            if (!expected) continue;
            near(row.label_accuracy ?? NaN, expected.estimate, 'estimate');
            near(row.lower ?? NaN, expected.lower, 'lower');
            near(row.upper ?? NaN, expected.upper, 'upper');
          }
          const asked = new Set(
            questions.flatMap(({ computed, judge }) => [
              ...(computed === undefined ? [] : ['computed']),
              ...(judge === undefined ? [] : ['judge:test']),
            ]),
          );
          if (anchors.length > 0) asked.add('anchors');
          assert.deepEqual(new Set(rows.map(({ oracle }) => oracle)), asked);
        },
      ),
      { numRuns: 25 },
    );
  });

  test('is shown by parts of p-hat, with the weight of each and the interval of its own verdicts', async () => {
    const question = (majority: number, judge: Verdict): Labelled => ({
      majority,
      total: 8,
      kept: majority < 7,
      computed: undefined,
      judge,
    });
    const runId = await store(
      [
        question(8, true),
        question(8, true),
        question(8, false),
        question(4, null),
        question(4, undefined),
        question(1, true),
      ],
      [],
    );
    const { rows } = await pool.query(
      `select part, p_hat_from, p_hat_to, labelled, audited, undecided, agreeing, round(weight::numeric, 4)::float8 as weight,
              label_accuracy, round(lower::numeric, 4)::float8 as lower, round(upper::numeric, 4)::float8 as upper
       from r_zero.label_accuracy_by_p_hat where run_id = $1 and kept is null order by part`,
      [runId],
    );
    const third = wilson(2, 3);
    const all = wilson(1, 1);
    const round = (value: number) => Math.round(value * 10_000) / 10_000;
    assert.deepEqual(rows, [
      {
        part: 1,
        p_hat_from: 0.1,
        p_hat_to: 0.2,
        labelled: 1,
        audited: 1,
        undecided: 0,
        agreeing: 1,
        weight: 0.1667,
        label_accuracy: 1,
        lower: round(all.lower),
        upper: 1,
      },
      {
        part: 5,
        p_hat_from: 0.5,
        p_hat_to: 0.6,
        labelled: 2,
        audited: 0,
        undecided: 1,
        agreeing: 0,
        weight: 0.3333,
        label_accuracy: null,
        lower: 0,
        upper: 1,
      },
      {
        part: 9,
        p_hat_from: 0.9,
        p_hat_to: 1,
        labelled: 3,
        audited: 3,
        undecided: 0,
        agreeing: 2,
        weight: 0.5,
        label_accuracy: 2 / 3,
        lower: round(third.lower),
        upper: round(third.upper),
      },
    ]);
  });
});
