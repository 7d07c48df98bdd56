import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type pg from 'pg';
import type { RunInput } from '../../activities/contract.ts';
import { learningRateAt } from '../../activities/method/learning-rate.ts';
import { resolveRunInput } from '../../activities/run-input.ts';
import { ActivityRunner, TINY } from '../support/activities.ts';
import { fingerprint } from '../support/fingerprint.ts';
import { createDatabase } from '../support/postgres.ts';

/** With a schedule that changes the rate in every step of the Solver. */
const INPUT: RunInput = {
  ...TINY,
  solver: {
    ...(TINY['solver'] as object),
    warmupSteps: 1,
    learningRateSchedule: 'cosine',
    minimumLearningRateRatio: 0.1,
  },
};

async function count(pool: pg.Pool, statement: string): Promise<number> {
  return Number((await pool.query<{ n: string }>(`select count(*) as n from (${statement}) t`)).rows[0]?.n);
}

describe('one iteration, as data', () => {
  let pool: pg.Pool;
  let runner: ActivityRunner;
  before(async () => {
    ({ pool } = await createDatabase());
    runner = new ActivityRunner(pool);
    const plan = await runner.open({ ...INPUT, runId: 'tiny' });
    assert.deepEqual(plan, { runId: 'tiny', iterations: 1, nextIteration: 0, resumed: false });
    await runner.iterate('tiny', 0);
    await runner.iterate('tiny', 1);
  });

  test('every parsed question of a shard has exactly m answers and one vote over all of them', async () => {
    assert.ok((await count(pool, `select from r_zero.questions where status = 'valid'`)) > 0);
    assert.equal(
      await count(
        pool,
        `select q.question_id from r_zero.questions q left join r_zero.answers a using (question_id)
         where q.status = 'valid' group by q.question_id having count(a.answer_id) <> 4`,
      ),
      0,
    );
    assert.equal(
      await count(
        pool,
        `select from r_zero.questions q left join r_zero.votes v using (question_id)
         where (q.status = 'valid') <> (v.question_id is not null) or v.total <> 4`,
      ),
      0,
    );
  });

  test('every kept question joins to its votes, answers, decision and the checkpoint trained on it', async () => {
    const kept = await count(pool, `select from r_zero.dataset`);
    assert.ok(kept >= 2, `${kept} kept`);
    assert.equal(
      await count(
        pool,
        `select distinct question_id from r_zero.lineage
         where kept and answers = 4 and label is not null and gate_reason = 'kept' and checkpoint_after is not null`,
      ),
      kept,
    );
  });

  test('every generated question is kept, dropped with a reason, or invalid with a reason', async () => {
    const funnel = (await pool.query('select generated, kept from r_zero.funnel')).rows[0] as {
      generated: number;
      kept: number;
    };
    const reasons = await pool.query<{ n: number }>('select sum(questions)::int as n from r_zero.funnel_reasons');
    assert.equal(funnel.generated, 48);
    assert.equal(funnel.kept + Number(reasons.rows[0]?.n), 48);
    assert.equal(await count(pool, `select from r_zero.funnel_reasons where reason = 'not decided yet'`), 0);
  });

  test('both policies have moved, step by step, from the base model', async () => {
    const updates = await pool.query<{
      role: string;
      unit: number;
      checkpoint_before: string;
      checkpoint_after: string;
    }>('select role, unit, checkpoint_before, checkpoint_after from r_zero.policy_updates order by role, unit');
    for (const role of ['challenger', 'solver']) {
      const own = updates.rows.filter((row) => row.role === role);
      assert.equal(own.length, role === 'challenger' ? 2 : 3);
      own.forEach((row, index) => {
        assert.notEqual(row.checkpoint_before, row.checkpoint_after);
        if (index > 0) assert.equal(row.checkpoint_before, own[index - 1]?.checkpoint_after);
      });
    }
  });

  test('every update says all that was measured, the scheduled learning rate and the peak of memory with it', async () => {
    const { rows } = await pool.query<Record<string, number> & { role: 'challenger' | 'solver' }>(
      'select * from r_zero.training_steps order by role, step',
    );
    assert.equal(rows.length, 5);
    const { config } = resolveRunInput(INPUT);
    for (const row of rows) {
      const settings = config[row.role];
      assert.equal(row['learning_rate'], learningRateAt(settings, row['step']!, settings.steps));
      for (const name of ['mean_reward', 'stddev_reward', 'entropy', 'gradient_norm', 'loss', 'policy_loss', 'kl']) {
        assert.ok(Number.isFinite(row[name]), `${row.role} ${row['step']}: ${name}`);
      }
      assert.ok(row['entropy']! > 0 && row['tokens']! > 0 && row['padding_tokens']! >= 0);
      assert.ok(
        Number(row['peak_memory_bytes']) >= 0.9 * Number(row['memory_bytes']) && Number(row['memory_bytes']) > 1e6,
      );
    }
    const { rows: shown } = await pool.query<{ metrics: Record<string, number> }>(
      `select metrics from r_zero.units where phase in ('challenger_training', 'solver_training') order by phase, unit`,
    );
    shown.forEach(({ metrics }, index) => {
      const row = rows[index]!;
      for (const [name, column] of [
        ['entropy', 'entropy'],
        ['meanReward', 'mean_reward'],
        ['stdReward', 'stddev_reward'],
        ['learningRate', 'learning_rate'],
        ['gradientNorm', 'gradient_norm'],
      ] as const) {
        assert.ok(Math.abs(metrics[name]! - row[column]!) < 1e-9, `${name}: ${metrics[name]}, not ${row[column]}`);
      }
    });
  });

  test('advantages of a group sum to nothing', async () => {
    const off = await pool.query(
      `select o.unit, o.item from r_zero.rewards r join r_zero.rollouts o using (rollout_id)
       group by o.unit, o.item having abs(sum(r.advantage)) > 1e-9`,
    );
    assert.equal(off.rowCount, 0);
  });

  test('no two samples share a random stream', async () => {
    const total = await count(
      pool,
      `select seed from r_zero.answers union all select seed from r_zero.questions union all select seed from r_zero.rollouts`,
    );
    const distinct = await count(
      pool,
      `select seed from r_zero.answers union select seed from r_zero.questions union select seed from r_zero.rollouts`,
    );
    assert.equal(distinct, total);
  });

  test('doing everything again writes nothing and repeats no work', async () => {
    const before = await fingerprint(pool, 'tiny');
    const attempts = await count(pool, 'select from r_zero.attempts');
    const plan = await runner.begin('tiny', 1);
    for (const { phase, units, nextUnit } of plan.phases) {
      assert.equal(nextUnit, units, `${phase} is finished`);
      for (let unit = 0; unit < units; unit++) {
        assert.equal((await runner.unit(phase, 'tiny', 1, unit)).reused, true);
      }
    }
    assert.deepEqual(await fingerprint(pool, 'tiny'), before);
    assert.equal(await count(pool, 'select from r_zero.attempts'), attempts);
  });

  test('a second database and a second engine end with the same rows and the same checkpoints', async () => {
    const other = await createDatabase();
    const again = new ActivityRunner(other.pool);
    await again.open({ ...INPUT, runId: 'tiny' });
    await again.iterate('tiny', 0);
    await again.iterate('tiny', 1);
    assert.deepEqual(await fingerprint(other.pool, 'tiny'), await fingerprint(pool, 'tiny'));
  });

  test('another seed gives other questions', async () => {
    await runner.open({ ...INPUT, runId: 'other-seed', seed: 2 });
    await runner.iterate('other-seed', 0);
    await runner.begin('other-seed', 1);
    await runner.unit('challenger_training', 'other-seed', 1, 0);
    const mine = (await fingerprint(pool, 'other-seed')).questions as { completion: string }[];
    const theirs = (await fingerprint(pool, 'tiny')).questions as { completion: string }[];
    assert.notDeepEqual(
      mine.map(({ completion }) => completion),
      theirs.slice(0, mine.length).map(({ completion }) => completion),
    );
  });

  test('in the random-reward control every reward is a coin flip and the computed one is kept beside it', async () => {
    await runner.open({ ...INPUT, runId: 'control', control: 'random-reward' });
    await runner.iterate('control', 0);
    await runner.begin('control', 1);
    await runner.unit('challenger_training', 'control', 1, 0);
    const rewards = await pool.query<{ total: number; computed: number }>(
      `select total, computed from r_zero.rewards where run_id = 'control'`,
    );
    assert.ok(rewards.rows.every(({ total }) => total === 0 || total === 1));
    assert.ok(rewards.rows.some(({ total, computed }) => total !== computed));
  });
});
