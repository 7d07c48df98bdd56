/** Diversity in meaning, by an embedding model on a loopback server. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type pg from 'pg';
import { EMBEDDING_KEY_VARIABLE } from '../../activities/diversity/embedding-client.ts';
import { semanticDiversity } from '../../activities/diversity/semantic.ts';
import { resetRun } from '../../activities/reset.ts';
import { resolveRunInput } from '../../activities/run-input.ts';
import { makeReport } from '../../infra/report/report.ts';
import { ActivityRunner } from '../support/activities.ts';
import { embedPairs, startEmbeddingServer } from '../support/chat-server.ts';
import { createDatabase } from '../support/postgres.ts';
import { fc } from '../support/properties.ts';
import { UNTRAINED } from '../support/untrained.ts';

const KEY = 'sk-embedding-secret';

const near = (actual: number, expected: number): void =>
  assert.ok(Math.abs(actual - expected) < 1e-9, `${actual}, should be ${expected}`);

describe('distance in meaning', () => {
  const basis = (n: number): number[][] =>
    Array.from({ length: n }, (_, i) => Array.from({ length: n }, (__, j) => (i === j ? 3 : 0)));

  test('is none between copies, and one between what has nothing in common', async () => {
    const same = await semanticDiversity([
      [1, 2],
      [2, 4],
      [0.5, 1],
    ]);
    near(same.distance, 0);
    near(same.vendi, 1);
    near(same.error, 0);
    const apart = await semanticDiversity(basis(7));
    near(apart.distance, 1);
    near(apart.vendi, 7);
  });

  test('is the mean over pairs, whatever the order, and the effective number is between one and all', async () => {
    const vector = fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 4, maxLength: 4 });
    const vectors = fc.array(
      vector.filter((each) => each.some((value) => value !== 0)),
      { minLength: 2, maxLength: 9 },
    );
    await fc.assert(
      fc.asyncProperty(vectors, async (all) => {
        const { distance, vendi } = await semanticDiversity(all);
        const cosine = (a: number[], b: number[]): number => {
          const dot = (x: number[], y: number[]) => x.reduce((sum, value, index) => sum + value * y[index]!, 0);
          return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
        };
        const pairs = all.flatMap((a, i) => all.flatMap((b, j) => (i < j ? [1 - cosine(a, b)] : [])));
        near(distance, pairs.reduce((sum, value) => sum + value, 0) / pairs.length);
        assert.ok(vendi > 1 - 1e-9 && vendi < all.length + 1e-9, String(vendi));
        near((await semanticDiversity(all.toReversed())).vendi, vendi);
      }),
      { numRuns: 50 },
    );
  });
});

describe('the questions of a run', () => {
  let pool: pg.Pool;
  let runner: ActivityRunner;
  before(async () => {
    ({ pool } = await createDatabase());
    runner = new ActivityRunner(pool);
    process.env[EMBEDDING_KEY_VARIABLE] = KEY;
  });

  const metricsOf = async (runId: string, iteration: number): Promise<Record<string, number>> =>
    (
      await pool.query<{ metrics: Record<string, number> }>(
        `select metrics from r_zero.units where run_id = $1 and iteration = $2 and phase = 'audit' and unit = 2`,
        [runId, iteration],
      )
    ).rows[0]!.metrics;
  const inputOf = (baseUrl: string, change: object = {}) => ({
    ...UNTRAINED,
    iterations: 2,
    diversity: { embedding: { baseUrl, model: 'pairs', questions: 40, batchSize: 16, tries: 2, ...change } },
  });

  test('are embedded batch by batch, and what is measured is that of their vectors, in the report too', async () => {
    const { baseUrl, requests } = await startEmbeddingServer(embedPairs);
    // Letters stay the same where questions do not: the distance falls by a third only.
    const alarms = { semanticDiversity: { floor: 0.8 } };
    await runner.open({ ...inputOf(baseUrl), alarms, runId: 'run' });
    for (const iteration of [0, 1]) await runner.iterate('run', iteration);
    const metrics = await metricsOf('run', 1);
    const texts = requests.flatMap(({ input }) => input);
    assert.deepEqual(
      requests.map(({ input }) => input.length),
      [16, 16, 8],
    );
    assert.ok(requests.every(({ model, headers }) => model === 'pairs' && headers.authorization === `Bearer ${KEY}`));
    const { distance, error, vendi } = await semanticDiversity(texts.map(embedPairs));
    assert.deepEqual(metrics, {
      embedded: 40,
      semanticDistance: distance,
      semanticDistanceError: error,
      semanticVendi: vendi,
      embeddingCalls: 3,
      embeddingTokens: 120,
    });
    const { page } = await makeReport(pool, { runId: 'run' });
    assert.match(
      page,
      new RegExp(
        `id="diversity-meanings"[^]*?<td>40</td><td>${distance.toFixed(4)}</td>[^]*?<td>${vendi.toFixed(2)}</td>`,
      ),
    );
    const { rows } = await pool.query(
      `select from r_zero_all.units u, r_zero.runs r where (u::text || r::text) like $1`,
      [`%${KEY}%`],
    );
    assert.equal(rows.length, 0);
  });

  test('that become copies raise the alarm, and those that do not raise none', async () => {
    assert.deepEqual((await runner.checkAlarms('audit', 'run', 1)).raised, []);
    await runner.begin('run', 2);
    await resetRun(
      runner.deps,
      {
        runId: 'run',
        iteration: 2,
        phase: 'dataset_generation',
        requestedBy: 'test',
        input: { challenger: { temperature: 0.01 } },
      },
      { mayReset: () => Promise.resolve(true), status: 'running' },
    );
    await runner.iterate('run', 2);
    assert.deepEqual((await runner.checkAlarms('audit', 'run', 2)).raised, ['semanticDiversity']);
  });

  test('are asked for again as they were after a measurement that was cut off, and it comes to the same', async () => {
    const { baseUrl, requests } = await startEmbeddingServer(embedPairs, (_, response) => {
      if (requests.length > 2 && requests.length < 5) response.destroy();
      return requests.length > 2 && requests.length < 5;
    });
    await runner.open({ ...inputOf(baseUrl), runId: 'cut' });
    await runner.iterate('cut', 0);
    await assert.rejects(runner.iterate('cut', 1), /gave no answer in 2 tries/);
    await runner.iterate('cut', 1);
    const asked = requests.map(({ input }) => input.join());
    assert.deepEqual(asked.slice(4), asked.slice(0, 3));
    assert.deepEqual(await metricsOf('cut', 1), await metricsOf('run', 1));
  });

  test('stay unmeasured when the budget does not suffice, which is said', async () => {
    const { baseUrl, requests } = await startEmbeddingServer(embedPairs);
    await runner.open({ ...inputOf(baseUrl, { maxCalls: 7 }), runId: 'poor' });
    for (const iteration of [0, 1, 2]) await runner.iterate('poor', iteration);
    assert.equal(requests.length, 3);
    assert.deepEqual(await metricsOf('poor', 2), {
      embedded: 0,
      unembedded: 40,
      embeddingCalls: 0,
      embeddingTokens: 0,
    });
    assert.deepEqual((await runner.checkAlarms('audit', 'poor', 2)).raised, []);
  });

  test('of a server that refuses, answers rubbish or gives no vector name the field and the fix', async () => {
    const rubbish: [string, (text: string) => number[], number | undefined, RegExp][] = [
      ['refuses', embedPairs, 401, /refuses the request with status 401\. Check R_ZERO_EMBEDDING_API_KEY/],
      ['missing', embedPairs, 404, /status 404\. Check the address and whether the server has the model "pairs"/],
      ['zero', () => [0, 0], undefined, /its answer is none to embeddings/],
      ['uneven', (text) => Array.from({ length: text.length }, () => 1), undefined, /its answer is none to embeddings/],
    ];
    for (const [runId, embed, status, expected] of rubbish) {
      const { baseUrl } = await startEmbeddingServer(embed, (_, response) => {
        if (status !== undefined) response.writeHead(status).end(KEY);
        return status !== undefined;
      });
      await runner.open({ ...inputOf(baseUrl, { tries: 1 }), runId });
      await runner.iterate(runId, 0);
      await assert.rejects(
        runner.iterate(runId, 1),
        (error: Error) => expected.test(error.message) && !error.message.includes(KEY),
      );
    }
    assert.throws(
      () => resolveRunInput({ diversity: { embedding: { baseUrl: 'http://me:secret@host/v1', model: 'x' } } }),
      {
        code: 'RunInputInvalid',
        field: 'diversity.embedding.baseUrl',
      },
    );
    assert.throws(() => resolveRunInput({ diversity: { embeddings: {} } }), /Fields here: embedding|there is no field/);
  });
});
