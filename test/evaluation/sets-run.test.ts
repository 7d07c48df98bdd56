/** A run on the built-in model that is evaluated on named sets: every row of it, after a failure too, and what is made of the rows. */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { parseHTML } from 'linkedom';
import type pg from 'pg';
import type { RunInput } from '../../activities/contract.ts';
import type { Engine } from '../../activities/engine/types.ts';
import { createLocalEngine } from '../../activities/engine/index.ts';
import { RZeroError } from '../../activities/errors.ts';
import { percentileInterval, resampledMean } from '../../activities/method/paired-bootstrap.ts';
import { gainText } from '../../infra/report/estimate.ts';
import { makeReport } from '../../infra/report/report.ts';
import { intervalOf } from '../../infra/cli/evaluation-text.ts';
import { percent } from '../../infra/cli/numbers.ts';
import { readSnapshot } from '../../infra/cli/run-snapshot.ts';
import { renderSummary } from '../../infra/cli/summary.ts';
import { verifyRun } from '../../activities/verification/verify-run.ts';
import { readAverages, readComparisons, readScores } from '../../db/queries/evaluation-scores.ts';
import { ActivityRunner, TINY, temporaryFolder } from '../support/activities.ts';
import { createDatabase } from '../support/postgres.ts';
import { asLines, asParquet, publishedRows } from '../support/set-files.ts';
import { tampered } from '../support/tampering.ts';

const folder = temporaryFolder();
const GSM8K = join(folder, 'test-00000-of-00001.parquet');
const CHOICES = join(folder, 'supergpqa.jsonl');
writeFileSync(GSM8K, asParquet(publishedRows('gsm8k', 20)));
writeFileSync(CHOICES, asLines(publishedRows('supergpqa', 9)));

const INPUT: RunInput = {
  ...TINY,
  runId: 'sets',
  challenger: { ...(TINY['challenger'] as object), steps: 1 },
  solver: { ...(TINY['solver'] as object), steps: 2, learningRate: 3e-4 },
  evaluation: {
    questions: 8,
    samples: 2,
    shardSize: 24,
    sets: [
      { set: 'gsm8k', file: GSM8K, samples: 4 },
      { set: 'supergpqa', file: CHOICES, questions: 8, prompts: 'solver', maxTokens: 20 },
    ],
  },
};

async function rowsOf(pool: pg.Pool): Promise<Record<string, unknown>[]> {
  const { rows } = await pool.query<Record<string, unknown>>(
    `select e.iteration, e.unit, e.set_name, e.set_hash, e.mode, e.items, e.samples_per_item, e.correct, e.majority_correct, e.worked,
            i.item, i.sample, i.seed, i.question, i.expected, i.completion, i.extracted, i.correct as right
     from r_zero.evaluations e join r_zero.evaluation_items i using (evaluation_id)
     order by e.iteration, e.unit, i.item, i.sample`,
  );
  return rows;
}

describe('a run with named evaluation sets', () => {
  let pool: pg.Pool;
  let runner: ActivityRunner;
  before(async () => {
    ({ pool } = await createDatabase());
    runner = new ActivityRunner(pool);
    await runner.open(INPUT);
    await runner.iterate('sets', 0);
    await runner.iterate('sets', 1);
  });

  test('asks every question of every set in shards, the base model first', async () => {
    const { rows } = await pool.query(
      `select iteration, unit, set_name, mode, items, samples_per_item as k from r_zero.evaluations order by iteration, unit`,
    );
    const units = [
      ['held-out', 'greedy', 8, 1],
      ['held-out', 'sampled', 8, 2],
      ['gsm8k', 'greedy', 20, 1],
      ...[6, 6, 6, 2].map((items) => ['gsm8k', 'sampled', items, 4]),
      ['supergpqa', 'greedy', 8, 1],
    ];
    const expected = [0, 1].flatMap((iteration) =>
      units.map(([set_name, mode, items, k], unit) => ({ iteration, unit, set_name, mode, items, k })),
    );
    assert.deepEqual(rows, expected);
    const items = await rowsOf(pool);
    const gsm8k = items.filter(
      (row) => row['set_name'] === 'gsm8k' && row['mode'] === 'sampled' && row['iteration'] === 0,
    );
    assert.equal(gsm8k.length, 80);
    assert.equal(new Set(gsm8k.map((row) => row['seed'])).size, 80);
    assert.equal(gsm8k.filter((row) => row['item'] === 19).length, 4);
    // Iterations share their streams.
    const seeds = (iteration: number) =>
      items.filter((row) => row['iteration'] === iteration).map((row) => row['seed']);
    assert.deepEqual(seeds(1), seeds(0));
    // Sums are what the model knows; of letters it has not heard.
    assert.ok(gsm8k.some((row) => row['right'] === true));
    const choice = items.find((row) => row['set_name'] === 'supergpqa')!;
    assert.match(choice['question'] as string, /\nOptions are:\n\(A\): \d+\n\(B\): /);
    assert.match(choice['expected'] as string, /^[A-D]$/);
  });

  test('never needs the files again, and ends with the same rows where it was killed in the middle of an evaluation', async () => {
    const again = await createDatabase();
    const dataDir = temporaryFolder();
    let broken = false;
    const real = createLocalEngine();
    const failing: Engine = {
      ...real,
      describe: (options) => real.describe(options),
      close: () => real.close(),
      open: (...request) => {
        if (broken) return Promise.reject(new RZeroError('EngineCrashed', 'Killed.'));
        return real.open(...request);
      },
    };
    const first = new ActivityRunner(again.pool, { dataDir, engine: failing });
    await first.open(INPUT);
    for (const unit of [0, 1, 2, 3]) await first.unit('evaluation', 'sets', 0, await begun(first, unit));
    broken = true;
    await assert.rejects(first.unit('evaluation', 'sets', 0, 4), /Killed/);
    for (const file of [GSM8K, CHOICES]) rmSync(file);
    const second = new ActivityRunner(again.pool, { dataDir });
    await second.open(INPUT);
    await second.iterate('sets', 0);
    await second.iterate('sets', 1);
    assert.deepEqual(await rowsOf(again.pool), await rowsOf(pool));
    assert.deepEqual(await readComparisons(again.pool, 'sets'), await readComparisons(pool, 'sets'));
    const { rows } = await again.pool.query<{ n: number }>(
      `select count(*)::int as n from r_zero.units where phase = 'evaluation'`,
    );
    assert.equal(rows[0]?.n, 16);
  });

  test('compares each set with the base model and the iteration before, in intervals that its rows give again', async () => {
    const comparisons = await readComparisons(pool, 'sets');
    assert.deepEqual(
      comparisons.map(({ set_name, measure, against, items }) => `${set_name} ${measure} ${against} ${items}`),
      ['gsm8k', 'held-out']
        .flatMap((set) =>
          ['greedy', 'majority', 'mean'].flatMap((measure) =>
            ['base', 'previous'].map((against) => `${set} ${measure} ${against} ${set === 'gsm8k' ? 20 : 8}`),
          ),
        )
        .concat(['supergpqa greedy base 8', 'supergpqa greedy previous 8']),
    );
    const items = (await rowsOf(pool)).filter((row) => row['set_name'] === 'gsm8k' && row['mode'] === 'sampled');
    const share = (iteration: number, item: number): number => {
      const own = items.filter((row) => row['iteration'] === iteration && row['item'] === item);
      return own.filter((row) => row['right']).length / own.length;
    };
    const differences = Float64Array.from({ length: 20 }, (_, item) => share(1, item) - share(0, item));
    const found = comparisons.find(
      ({ set_name, measure, against }) => `${set_name} ${measure} ${against}` === 'gsm8k mean base',
    )!;
    const means = Array.from({ length: found.resamples }, (_, index) => resampledMean(differences, found.seed, index));
    const { difference, lower, upper } = percentileInterval(differences, means);
    assert.deepEqual([found.difference, found.lower, found.upper], [difference, lower, upper]);
    assert.ok(Math.abs(found.value - found.reference - found.difference) < 1e-12);
    assert.ok(lower <= difference && difference <= upper);
  });

  test('has scores by set, and averages as in the tables of the paper', async () => {
    const scores = await readScores(pool, 'sets');
    assert.deepEqual(
      scores.map(({ iteration, set_name, k, is_whole }) => [iteration, set_name, k, is_whole]),
      [0, 1].flatMap((iteration) => [
        [iteration, 'held-out', 2, true],
        [iteration, 'gsm8k', 4, true],
        [iteration, 'supergpqa', null, true],
      ]),
    );
    const [, gsm8k, choices] = scores;
    const [average] = await readAverages(pool, 'sets');
    assert.equal(gsm8k!.score, gsm8k!.greedy_accuracy);
    assert.equal(average!.math, gsm8k!.score);
    assert.equal(average!.general, choices!.score);
    assert.ok(Math.abs(average!.overall! - (gsm8k!.score! + choices!.score!) / 2) < 1e-12);
    assert.ok(Math.abs(average!.micro! - (gsm8k!.score! * 20 + choices!.score! * 8) / 28) < 1e-12);
    assert.equal(average!.questions, 28);
  });

  test('is shown by the summary and the report, in the numbers of the views', async () => {
    const snapshot = (await readSnapshot(pool, 'sets'))!;
    const summary = renderSummary(snapshot, (_, text) => text);
    const [, gsm8k] = (await readScores(pool, 'sets')).filter(({ iteration }) => iteration === 1);
    const found = (await readComparisons(pool, 'sets')).find(
      (row) => `${row.set_name} ${row.measure} ${row.against}` === 'gsm8k mean base',
    )!;
    assert.match(summary, /Solver of iteration 1 on evaluation sets/);
    const line = summary.split('\n').find((text) => text.includes('mean@4'))!;
    assert.ok(line.includes(percent(gsm8k!.mean_at_k)), line);
    assert.ok(line.includes(intervalOf(found)), line);
    assert.match(summary, /Averages of the base model: math .* general .* overall/);
    const { page } = await makeReport(pool, { runId: 'sets' });
    const { document } = parseHTML(page);
    const cells = [...document.querySelectorAll('#set-scores tbody tr')].map((row) =>
      [...row.children].map(({ textContent }) => textContent),
    );
    const own = cells.find(([set, iteration, , measure]) => `${set} ${iteration} ${measure}` === 'gsm8k 1 mean@4')!;
    assert.equal(own[4], percent(gsm8k!.mean_at_k));
    const { difference, lower, upper } = found;
    assert.equal(own[5], gainText({ value: difference, low: lower, high: upper }));
    assert.equal(document.querySelectorAll('#set-averages tbody tr').length, 2);
    // The figures above are of the model's own questions.
    assert.doesNotMatch(document.querySelector('#accuracy')!.textContent ?? '', /gsm8k/);
    // Nothing of it where a run names no sets.
    const evaluation = {
      ...snapshot.evaluation!,
      scores: snapshot.evaluation!.scores.filter(({ loader }) => loader === null),
    };
    assert.doesNotMatch(
      renderSummary({ ...snapshot, evaluation }, (_, text) => text),
      /evaluation set/,
    );
  });

  test('is found as it was written by an audit, and not when a row of a set or a comparison is altered', async () => {
    const audit = (samples?: number) =>
      verifyRun(pool, {
        runId: 'sets',
        dataDir: runner.deps.dataDir,
        codeVersion: '0.0.0-test',
        ...(samples === undefined ? {} : { replay: { deps: runner.deps, samples, seed: 1 } }),
      });
    const report = await audit(60);
    assert.deepEqual(report.mismatches, []);
    assert.equal(report.unverifiable, 0);
    const finds = (table: string, column: string, change: string, where = 'true') =>
      tampered(
        pool,
        {
          table,
          key: column === 'lower' ? ['run_id', 'set_name', 'measure', 'against'] : ['evaluation_id', 'item', 'sample'],
          where,
          change,
        },
        async () => {
          const { mismatches } = await audit();
          assert.deepEqual(
            mismatches.map((found) => `${found.table} ${found.column}`),
            [`${table} ${column}`],
          );
        },
      );
    await finds('evaluation_comparisons', 'lower', 'lower = lower - 0.01', `set_name = 'gsm8k'`);
    await finds(
      'evaluation_items',
      'question',
      `question = question || ' '`,
      `evaluation_id = (select max(evaluation_id) from r_zero.evaluations where set_name = 'supergpqa')`,
    );
  });
});

/** The unit, once the iteration is planned. */
async function begun(runner: ActivityRunner, unit: number): Promise<number> {
  if (unit === 0) await runner.begin('sets', 0);
  return unit;
}
