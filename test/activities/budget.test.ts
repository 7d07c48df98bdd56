import assert from 'node:assert/strict';
import { before, beforeEach, describe, test } from 'node:test';
import { join } from 'node:path';
import type pg from 'pg';
import type { RunInput } from '../../activities/contract.ts';
import type { Engine } from '../../activities/engine/types.ts';
import { resolveRunInput } from '../../activities/run-input.ts';
import { ActivityRunner, temporaryFolder } from '../support/activities.ts';
import { createEngineDouble } from '../support/engine-double.ts';
import { createDatabase } from '../support/postgres.ts';
import { writeSimulatedModel } from '../support/simulated-model.ts';
import { withoutChecks } from '../support/tampering.ts';

/** Two steps of 16 questions with 4 answers each, one shard of 16, one step of 32 rollouts. */
const INPUT: RunInput = {
  iterations: 1,
  challenger: { steps: 2, rollouts: 16, groupSize: 8, votes: 4, maxTokens: 500 },
  labelling: { questions: 16, shardSize: 16, votes: 4 },
  gate: { minimumQuestions: 1 },
  solver: { steps: 1, questions: 8, groupSize: 4, maxTokens: 500 },
  evaluation: { questions: 8, samples: 2 },
};

describe('the budget of a start', () => {
  const dataDir = temporaryFolder();
  const modelDir = join(dataDir, 'model');
  let engine: Engine;
  let pool: pg.Pool;
  before(async () => {
    writeSimulatedModel(modelDir);
    engine = await createEngineDouble({ modelDir, questions: 200, answerTokens: 40 });
  });
  beforeEach(async () => {
    ({ pool } = await createDatabase());
  });

  const start = (execution = 'first'): ActivityRunner => new ActivityRunner(pool, { engine, execution, dataDir });

  async function opened(budget: object | undefined, execution?: string): Promise<ActivityRunner> {
    const runner = start(execution);
    await runner.open({ ...INPUT, model: modelDir, runId: 'run', ...(budget === undefined ? {} : { budget }) });
    await runner.begin('run', 0);
    // The base model's evaluation, done long before and by nobody, so that it counts nowhere.
    await pool.query(
      `insert into r_zero.units (run_id, iteration, phase, unit, seconds, metrics, finished_at)
       select run_id, iteration, phase, n, 0, '{}', '2000-01-01' from r_zero.phases, generate_series(0, units - 1) n
       where run_id = 'run' and iteration = 0 on conflict do nothing`,
    );
    await runner.begin('run', 1);
    return runner;
  }

  /** What the rows of a unit say was sampled and asked. */
  async function counted(): Promise<{ tokens: number; questions: number }> {
    const { rows } = await pool.query<{ tokens: string; questions: string }>(
      `select (select coalesce(sum(cardinality(tokens)), 0) from r_zero.questions)
            + (select coalesce(sum(cardinality(tokens)), 0) from r_zero.answers)
            + (select coalesce(sum(cardinality(tokens)), 0) from r_zero.rollouts) as tokens,
              (select count(*) from r_zero.questions) as questions`,
    );
    return { tokens: Number(rows[0]?.tokens), questions: Number(rows[0]?.questions) };
  }

  test('counts tokens and questions as the rows hold them, and says after which unit it is spent', async () => {
    const runner = await opened({ questions: 40, tokens: 10_000_000 });
    const first = await runner.unit('challenger_training', 'run', 1, 0);
    assert.deepEqual(first.budget?.limits, { questions: 40, tokens: 10_000_000 });
    assert.equal(first.budget?.exhausted, undefined);
    await runner.unit('challenger_training', 'run', 1, 1);
    const third = await runner.unit('dataset_generation', 'run', 1, 0);
    const rows = await counted();
    assert.equal(rows.questions, 48);
    assert.equal(third.budget?.spent.questions, rows.questions);
    assert.equal(third.budget?.spent.tokens, rows.tokens);
    assert.equal(third.budget?.exhausted, 'The budget is spent: 48 of 40 questions.');
  });

  test('with it spent nothing is begun, and nothing is written', async () => {
    const runner = await opened({ tokens: 1 });
    await runner.unit('challenger_training', 'run', 1, 0);
    const refused = await runner.unit('challenger_training', 'run', 1, 1);
    assert.equal(refused.untouched, true);
    assert.match(refused.budget?.exhausted ?? '', /of 1 tokens/);
    const attempts = await pool.query('select from r_zero.attempts');
    assert.equal(attempts.rowCount, 1);
    // What was finished is there all the same, and is said to be.
    assert.equal((await runner.unit('challenger_training', 'run', 1, 0)).reused, true);
  });

  test('the next start has its own, if it is of the same workflow id', async () => {
    const first = await opened({ tokens: 1 });
    await first.unit('challenger_training', 'run', 1, 0);
    await withoutChecks(pool, (client) => client.query(`delete from r_zero.run_leases`));
    const second = await opened({ tokens: 10_000_000 }, 'second');
    const result = await second.unit('challenger_training', 'run', 1, 1);
    assert.equal(result.untouched, undefined);
    assert.ok((result.budget?.spent.tokens ?? 0) > 0);
    const { rows } = await pool.query<{ units: number; tokens: string }>(
      'select units, tokens from r_zero.start_spending order by start_id',
    );
    assert.deepEqual(
      rows.map(({ units }) => units),
      [1, 1],
    );
    assert.equal(
      rows.reduce((sum, { tokens }) => sum + Number(tokens), 0),
      (await counted()).tokens,
    );
  });

  test('opening the run again with the same execution goes on with what is spent', async () => {
    const runner = await opened({ tokens: 1 });
    await runner.unit('challenger_training', 'run', 1, 0);
    const plan = await start().open({ runId: 'run', budget: { tokens: 99 } });
    assert.deepEqual(plan.budget?.limits, { tokens: 1 });
    assert.match(plan.budget?.exhausted ?? '', /of 1 tokens/);
  });

  test('without one nothing is said of it', async () => {
    const runner = await opened(undefined);
    assert.equal((await runner.unit('challenger_training', 'run', 1, 0)).budget, undefined);
    assert.deepEqual((await pool.query('select budget from r_zero.run_starts')).rows, [{ budget: null }]);
  });

  test('engine time is that of every attempt, failed ones and killed ones too, and not of the gate', async () => {
    await opened({ engineMinutes: 10 });
    const attempt = (phase: string, seconds: number, end: string): Promise<unknown> =>
      pool.query(
        `insert into r_zero.attempts (run_id, iteration, phase, unit, attempt, workflow_id, worker_pid, started_at, ${end})
         select 'run', 1, $1, 0, 1, 'w', 1, s.started_at, s.started_at + $2 * interval '1 second' from r_zero.run_starts s`,
        [phase, seconds],
      );
    await attempt('challenger_training', 60, 'finished_at');
    // Killed: nobody wrote its end.
    await attempt('dataset_generation', 120, 'seen_at');
    await attempt('gating', 600, 'finished_at');
    await pool.query(
      `insert into r_zero.attempts (run_id, iteration, phase, unit, attempt, workflow_id, worker_pid, started_at, finished_at)
       values ('run', 1, 'labelling', 0, 1, 'w', 1, now() - interval '2 days', now() - interval '1 day')`,
    );
    const { rows } = await pool.query('select engine_seconds from r_zero.start_spending');
    assert.deepEqual(rows, [{ engine_seconds: 180 }]);
  });

  test('the clock counts from the start', async () => {
    const runner = await opened({ minutes: 30 });
    await withoutChecks(pool, (client) =>
      client.query(`update r_zero.run_starts set started_at = started_at - interval '30 minutes'`),
    );
    const refused = await runner.unit('challenger_training', 'run', 1, 0);
    assert.equal(refused.untouched, true);
    assert.match(refused.budget?.exhausted ?? '', /^The budget is spent: 30(\.\d+)? of 30 minutes\.$/);
  });

  test('is no setting of the run: each start may have another, and the stored settings stay', async () => {
    await opened({ tokens: 5 });
    const config = await pool.query<{ config: object }>('select config from r_zero.runs');
    assert.ok(!('budget' in config.rows[0]!.config));
    const plan = await start().open({ ...INPUT, model: modelDir, runId: 'run', budget: { minutes: 7 } });
    assert.equal(plan.resumed, true);
  });

  for (const [budget, message] of [
    [{ minutes: 0 }, /"budget\.minutes"/],
    [{ tokens: 1.5 }, /"budget\.tokens"/],
    [{ gpuMinutes: 5 }, /no field "budget\.gpuMinutes".*Fields here: iterations, engineMinutes, minutes, tokens, q/],
    ['all', /"budget"/],
  ] as const) {
    test(`refuses ${JSON.stringify(budget)} and names the field`, () => {
      assert.throws(() => resolveRunInput({ budget } as RunInput), { code: 'RunInputInvalid', message });
    });
  }
});
