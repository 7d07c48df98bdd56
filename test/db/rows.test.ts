import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type pg from 'pg';
import { insertRows } from '../../db/bulk.ts';
import { transaction } from '../../db/client.ts';
import { takeLease, renewLease } from '../../db/queries/leases.ts';
import { checkpointBefore } from '../../db/queries/lineage.ts';
import { nextIteration, setRunStatus } from '../../db/queries/runs.ts';
import { readPhases } from '../../db/queries/units.ts';
import type { Place } from '../../db/queries/units.ts';
import { policyUpdates, questions } from '../../db/schema.ts';
import { createDatabase } from '../support/postgres.ts';
import { OWNER, addCheckpoint, addRun, finishUnit } from '../support/rows.ts';

describe('rows', () => {
  let pool: pg.Pool;
  before(async () => {
    ({ pool } = await createDatabase());
  });

  const question = (place: Place, item: number, checkpointId: string, completion = 'text') => ({
    ...place,
    item,
    groupIndex: null,
    checkpointId,
    seed: '0'.repeat(16),
    completion,
    tokens: [1, 2, 3],
    logprobs: [-0.5, Math.fround(-1e-7), -3],
    finishReason: 'stop',
    status: 'valid',
    reason: null,
    question: completion,
    challengerAnswer: null,
  });

  test('any text a model can produce is stored and read back, arrays and floats exactly', async () => {
    const { baseCheckpointId } = await addRun(pool, 'texts');
    const place: Place = { runId: 'texts', iteration: 1, phase: 'dataset_generation', unit: 0 };
    const texts = [
      "'; drop table r_zero.runs; --",
      '\u0000nul',
      '\ud800 alone',
      '"quotes" \\ and \n lines',
      '𝔸 😀',
      '',
    ];
    await finishUnit(pool, place, async (client) => {
      await insertRows(
        client,
        questions,
        texts.map((text, item) => question(place, item, baseCheckpointId, text)),
      );
    });
    const stored = await pool.query<{ completion: string; tokens: number[]; logprobs: number[] }>(
      `select completion, tokens, logprobs from r_zero.questions where run_id = 'texts' order by item`,
    );
    assert.deepEqual(
      stored.rows.map(({ completion }) => completion),
      texts.map((text) => text.toWellFormed().replaceAll('\u0000', '\uFFFD')),
    );
    assert.deepEqual(stored.rows[0]?.tokens, [1, 2, 3]);
    assert.deepEqual(stored.rows[0]?.logprobs.map(Math.fround), [-0.5, Math.fround(-1e-7), -3]);
  });

  test('more rows than one statement carries go in whole', async () => {
    const { baseCheckpointId } = await addRun(pool, 'many');
    const place: Place = { runId: 'many', iteration: 1, phase: 'dataset_generation', unit: 0 };
    await finishUnit(pool, place, async (client) => {
      const rows = Array.from({ length: 4500 }, (_, item) => question(place, item, baseCheckpointId));
      const ids = await insertRows(client, questions, rows, { returning: ['question_id', 'item'] });
      assert.equal(new Set(ids.map(({ item }) => item)).size, 4500);
    });
  });

  test('of two workers that finish the same unit, one writes and the other writes nothing', async () => {
    const { baseCheckpointId } = await addRun(pool, 'twice');
    const place: Place = { runId: 'twice', iteration: 1, phase: 'dataset_generation', unit: 0 };
    const finish = () =>
      finishUnit(pool, place, async (client) => {
        await client.query('select pg_sleep(0.2)');
        await insertRows(client, questions, [
          question(place, 0, baseCheckpointId),
          question(place, 1, baseCheckpointId),
        ]);
      });
    const outcomes = await Promise.all([finish(), finish(), finish()]);
    assert.deepEqual(outcomes.toSorted(), ['superseded', 'superseded', 'written']);
    const count = await pool.query(`select count(*)::int as n from r_zero.questions where run_id = 'twice'`);
    assert.equal(count.rows[0].n, 2);
  });

  test('a unit whose rows cannot be written is not there either', async () => {
    await addRun(pool, 'atomic');
    const place: Place = { runId: 'atomic', iteration: 1, phase: 'dataset_generation', unit: 0 };
    const broken = finishUnit(pool, place, async (client) => {
      await insertRows(client, questions, [question(place, 0, 'no such checkpoint')]);
    });
    await assert.rejects(broken);
    const phases = await readPhases(pool, 'atomic', 1);
    assert.equal(phases.find(({ phase }) => phase === 'dataset_generation')?.nextUnit, 0);
  });

  test('a row cannot be written outside of a finished unit', async () => {
    const { baseCheckpointId } = await addRun(pool, 'orphan');
    const place: Place = { runId: 'orphan', iteration: 1, phase: 'dataset_generation', unit: 0 };
    await assert.rejects(
      transaction(pool, (client) => insertRows(client, questions, [question(place, 0, baseCheckpointId)])),
      /questions_unit_fk/,
    );
  });

  test('the policy before a step is the newest update before it, or the base model', async () => {
    const { baseCheckpointId } = await addRun(pool, 'policies');
    const update = async (iteration: number, unit: number, after: string) => {
      const place: Place = { runId: 'policies', iteration, phase: 'solver_training', unit };
      await finishUnit(pool, place, async (client) => {
        await insertRows(client, policyUpdates, [
          {
            ...place,
            role: 'solver',
            checkpointBefore: baseCheckpointId,
            checkpointAfter: after,
            referenceCheckpoint: baseCheckpointId,
            learningRate: 1,
            updates: 1,
            loss: 0,
            policyLoss: 0,
            kl: 0,
            entropy: 0,
            clipFraction: 0,
            gradientNorm: null,
            tokens: 1,
            paddingTokens: 0,
            skipped: 0,
            seconds: 0,
            memoryBytes: 1,
          },
        ]);
      });
    };
    const first = await addCheckpoint(pool, 'first');
    const second = await addCheckpoint(pool, 'second');
    await update(1, 0, first);
    await update(1, 1, second);
    const at = (iteration: number, step: number) => checkpointBefore(pool, 'policies', 'solver', iteration, step);
    assert.equal(await at(1, 0), baseCheckpointId);
    assert.equal(await at(1, 1), first);
    assert.equal(await at(2, 0), second);
    assert.equal(await checkpointBefore(pool, 'policies', 'challenger', 2, 0), baseCheckpointId);
  });

  test('the next iteration is the first whose plan is missing or unfinished', async () => {
    await addRun(pool, 'next');
    assert.equal(await nextIteration(pool, 'next', 2), 0);
    for (const unit of [0, 1]) {
      await finishUnit(pool, { runId: 'next', iteration: 0, phase: 'evaluation', unit });
    }
    assert.equal(await nextIteration(pool, 'next', 2), 1);
    assert.equal(await nextIteration(pool, 'next', 0), 1);
  });

  test('two rows with the same number in one unit are refused, not dropped', async () => {
    const { baseCheckpointId } = await addRun(pool, 'numbered-twice');
    const place: Place = { runId: 'numbered-twice', iteration: 1, phase: 'dataset_generation', unit: 0 };
    const twice = [question(place, 0, baseCheckpointId), question(place, 0, baseCheckpointId)];
    await assert.rejects(
      finishUnit(pool, place, async (client) => {
        await insertRows(client, questions, twice);
      }),
      /questions_natural_key/,
    );
  });

  test('a worker whose run was taken over writes nothing', async () => {
    const { baseCheckpointId } = await addRun(pool, 'fenced');
    const place: Place = { runId: 'fenced', iteration: 1, phase: 'dataset_generation', unit: 0 };
    const outcome = await finishUnit(
      pool,
      place,
      async (client) => {
        await insertRows(client, questions, [question(place, 0, baseCheckpointId)]);
      },
      { holder: { namespace: 'default', workflowId: 'somebody-else' } },
    );
    assert.equal(outcome, 'fenced');
    const count = await pool.query(`select count(*)::int as n from r_zero.units where run_id = 'fenced'`);
    assert.equal(count.rows[0].n, 0);
  });

  test('a lease passes on only when its holder is over, and the second starter learns the name of the first', async () => {
    await addRun(pool, 'lease');
    const take = (workflowId: string, over: boolean, namespace = 'default') =>
      transaction(pool, (client) =>
        takeLease(client, 'lease', { namespace, workflowId, temporalRunId: '1' }, () => Promise.resolve(over)),
      );
    const first = OWNER.workflowId;
    assert.equal(await take(first, false), undefined);
    assert.equal((await take('second', false))?.workflowId, first);
    assert.equal((await take(first, false, 'elsewhere'))?.namespace, 'default');
    assert.equal(await renewLease(pool, 'lease', OWNER), true);
    assert.equal(await setRunStatus(pool, 'lease', OWNER, 'paused', 'lunch'), true);
    assert.equal(await take('second', true), undefined);
    assert.equal(await renewLease(pool, 'lease', OWNER), false);
    assert.equal(await setRunStatus(pool, 'lease', OWNER, 'running', undefined), false);
  });
});
