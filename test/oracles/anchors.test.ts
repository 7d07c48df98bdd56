import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import type pg from 'pg';
import { exportRun } from '../../activities/export/export-run.ts';
import { verifyRun } from '../../activities/verification/verify-run.ts';
import { readQuestionSet } from '../../db/queries/evaluation-sets.ts';
import { ActivityRunner, TINY, temporaryFolder } from '../support/activities.ts';
import { fingerprint } from '../support/fingerprint.ts';
import { createDatabase } from '../support/postgres.ts';
import { tampered } from '../support/tampering.ts';
import type { Tampering } from '../support/tampering.ts';

const ANCHORS = 10;
/** One step of each training: its rows are compared, too. */
const SMALL = {
  ...TINY,
  challenger: { ...(TINY['challenger'] as object), steps: 1 },
  solver: { ...(TINY['solver'] as object), steps: 1 },
};

describe('anchors', () => {
  let pool: pg.Pool;
  let runner: ActivityRunner;
  before(async () => {
    ({ pool } = await createDatabase());
    runner = new ActivityRunner(pool);
    for (const [runId, oracles] of [
      ['without', {}],
      ['with', { oracles: { anchors: { questions: ANCHORS } } }],
    ] as const) {
      await runner.open({ ...SMALL, runId, ...oracles });
      for (const iteration of [0, 1]) await runner.iterate(runId, iteration);
    }
  });

  const rows = async <T extends object>(statement: string, values: unknown[] = ['with']): Promise<T[]> =>
    (await pool.query<T>(statement, values)).rows;

  const verify = async (replay = false) => {
    const { dataDir, codeVersion } = runner.deps;
    const request = { runId: 'with', dataDir, codeVersion };
    return verifyRun(pool, replay ? { ...request, replay: { deps: runner.deps, samples: 400, seed: 1 } } : request);
  };

  test('are each voted on once an iteration, in all shards, and audited against their answers', async () => {
    const voted = await rows(
      `select iteration, count(*)::int as anchors, count(distinct item)::int as items, count(distinct unit)::int as shards,
              sum((select count(*) from r_zero.anchor_answers n where n.anchor_id = a.anchor_id))::int as answers,
              sum((select count(*) from r_zero.audits n where n.anchor_id = a.anchor_id and n.oracle = 'anchors'))::int as audits,
              count(label)::int as labels
       from r_zero.anchors a where run_id = $1 group by 1 order by 1`,
    );
    assert.equal(voted.length, 1);
    for (const row of voted as { labels: number }[]) {
      const { labels } = row;
      assert.ok(labels > 0);
      const expected = {
        iteration: 1,
        anchors: ANCHORS,
        items: ANCHORS,
        shards: 2,
        answers: ANCHORS * 4,
        labels,
      };
      assert.deepEqual(row, { ...expected, audits: labels });
    }
    const wrong = await rows(
      `select a.label, a.truth from r_zero.audits a join r_zero.anchors n using (anchor_id)
       where a.run_id = $1 and (a.truth <> n.answer or a.agrees <> (n.label = n.answer) or a.completion_tokens <= 0)`,
    );
    assert.deepEqual(wrong, []);
  });

  test('leave every other row, seed and checkpoint as they are without', async () => {
    const [without, withAnchors] = await Promise.all([fingerprint(pool, 'without'), fingerprint(pool, 'with')]);
    for (const [name, expected] of Object.entries(without)) {
      assert.ok(expected.length > 0, name);
      assert.deepEqual(withAnchors[name], expected, name);
    }
  });

  test('are in no data set, funnel, lineage, budget or export of one', async () => {
    for (const view of ['dataset', 'funnel', 'funnel_reasons', 'lineage', 'training_steps', 'start_spending']) {
      const counts = await rows<{ run_id: string; rows: number }>(
        `select run_id, count(*)::int as rows from r_zero.${view} group by 1`,
        [],
      );
      assert.equal(counts.length, 2, view);
      assert.equal(counts[0]?.rows, counts[1]?.rows, view);
    }
    const spent = await rows(`select distinct units, tokens, questions from r_zero.start_spending`, []);
    assert.equal(spent.length, 1);
    const [tokens] = await rows<{ tokens: number }>(
      `select sum((metrics ->> 'anchorTokens')::int)::int as tokens from r_zero.units where run_id = $1`,
    );
    assert.ok(tokens!.tokens > 0, 'what they cost is told of apart');
    const out = temporaryFolder();
    const texts = await Promise.all(
      ['without', 'with'].map(async (runId) => {
        const output = join(out, runId);
        const request = { runId, output, what: 'dataset' as const, format: 'jsonl' as const, codeVersion: 'x' };
        const report = await exportRun(pool, request);
        return report.relations.map(({ name, rows: count }) => ({ name, count }));
      }),
    );
    assert.deepEqual(texts[0], texts[1]);
  });

  test('estimate the label accuracy of the generated questions, by their own distribution of p-hat', async () => {
    const estimates = await rows<{
      oracle: string;
      labelled: number;
      label_accuracy: number;
      lower: number;
      upper: number;
    }>(
      `select oracle, labelled, label_accuracy, lower, upper from r_zero.label_accuracy
       where run_id = $1 and kept is null and iteration = 1 order by oracle`,
    );
    assert.deepEqual(
      estimates.map(({ oracle }) => oracle),
      ['anchors', 'computed'],
    );
    const [anchors, computed] = estimates;
    assert.equal(anchors!.labelled, computed!.labelled);
    assert.ok(anchors!.lower < anchors!.label_accuracy && anchors!.label_accuracy < anchors!.upper);
    assert.ok(anchors!.upper - anchors!.lower > computed!.upper - computed!.lower, 'fewer, so less is known');
  });

  test('are verified with everything else, and generated again', async () => {
    const report = await verify(true);
    assert.deepEqual(report.mismatches, []);
    assert.ok(report.checks.some(({ check, examined }) => check === 'anchors' && examined >= ANCHORS));
  });

  const anchor = { table: 'anchors', key: ['anchor_id'] };
  const sample = { table: 'anchor_answers', key: ['anchor_id', 'sample'] };
  const audit = { table: 'audits', key: ['anchor_id', 'oracle', 'oracle_version'], where: 'anchor_id is not null' };
  const alterations: (Tampering & { column: string })[] = [
    { ...anchor, column: 'question', change: `question = '1+1'` },
    { ...anchor, column: 'answer', change: `answer = answer || '0'` },
    { ...anchor, column: 'label', where: 'label is not null', change: `label = label || '0'` },
    { ...anchor, column: 'majority', where: 'majority > 1', change: `majority = majority - 1` },
    {
      ...anchor,
      column: 'checkpoint_id',
      change: `checkpoint_id = (select max(checkpoint_id) from r_zero.checkpoints)`,
    },
    { ...sample, column: 'completion', change: `completion = 'x' || completion` },
    { ...sample, column: 'seed', change: `seed = reverse(seed)` },
    { ...sample, column: 'extracted', change: `extracted = '4711'` },
    { ...audit, column: 'truth', change: `truth = truth || '0'` },
    { ...audit, column: 'agrees', change: `agrees = not agrees` },
    { ...audit, column: 'completion_tokens', change: `completion_tokens = 1` },
  ];

  test('that were altered are told of, and nothing else', async () => {
    for (const alteration of alterations) {
      await tampered(pool, alteration, async (row) => {
        const { mismatches } = await verify();
        const found = mismatches.map(({ table, row: at, column }) => ({ table, row: at, column }));
        assert.deepEqual(found, [{ table: alteration.table, row, column: alteration.column }], alteration.change);
      });
    }
    assert.equal((await verify()).ok, true, 'everything was put back');
  });

  test('are kept with the run as they were: the file may change', async () => {
    const file = join(temporaryFolder(), 'own.jsonl');
    await writeFile(
      file,
      '{"question": "1+1+1", "answer": "3", "source": "mine"}\n\n{"question": "2+2+2", "answer": "6"}\n',
    );
    await runner.open({ ...TINY, runId: 'own', oracles: { anchors: { file, questions: 2 } } });
    await writeFile(file, 'gone');
    const [run] = await rows<{ anchor_hash: string }>('select anchor_hash from r_zero.runs where run_id = $1', ['own']);
    assert.deepEqual((await readQuestionSet(pool, run!.anchor_hash))?.items, [
      { question: '1+1+1', answer: '3' },
      { question: '2+2+2', answer: '6' },
    ]);
  });

  test('that cannot be used are refused before the run begins, with file, line and reason', async () => {
    const folder = temporaryFolder();
    const refused = async (
      text: string | undefined,
      questions: number,
      message: RegExp,
      field = 'oracles.anchors.file',
    ) => {
      const file = join(folder, 'set.jsonl');
      if (text !== undefined) await writeFile(file, text);
      const anchors = { file: text === undefined ? join(folder, 'none.jsonl') : file, questions };
      await assert.rejects(runner.open({ ...TINY, runId: 'refused', oracles: { anchors } }), (error: Error) => {
        assert.match(error.message, message);
        const { type, details } = error as unknown as { type: string; details: [{ field: string }] };
        assert.deepEqual([type, details[0].field], ['RunInputInvalid', field]);
        return true;
      });
    };
    await refused(undefined, 1, /none\.jsonl is not there/);
    await refused('\n{"question": "1+1"}', 1, /set\.jsonl:2 cannot be read: answer: /);
    await refused('{"question": "1+1", "answer": "2"}\nno json', 1, /set\.jsonl:2 cannot be read: no JSON/);
    await refused('{"question": "1+1", "answer": 2}', 1, /answer: .*string/);
    await refused('{"question": "1+1", "answer": "2"}\n{"question": "1+1", "answer": "2"}', 1, /"1\+1" twice/);
    await refused('{"question": "1+1", "answer": "2"}', 2, /is 2, but .*set\.jsonl has 1/, 'oracles.anchors.questions');
    await refused(
      `{"question": "${'1+'.repeat(40)}1", "answer": "41"}`,
      1,
      /Anchor 1 leaves the Solver no room/,
      'oracles.anchors',
    );
    assert.deepEqual(await rows('select run_id from r_zero.runs where run_id = $1', ['refused']), []);
  });
});
