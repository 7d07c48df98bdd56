import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { MockActivityEnvironment } from '@temporalio/testing';
import type pg from 'pg';
import { createLocalEngine, createTfjsEngine } from '../../activities/engine/index.ts';
import type { Engine, ModelLease } from '../../activities/engine/types.ts';
import { RZeroError } from '../../activities/errors.ts';
import { resolveRunInput } from '../../activities/run-input.ts';
import { halvedBatches, withSmallerBatches } from '../../activities/smaller-batches.ts';
import { ActivityRunner, TINY } from '../support/activities.ts';
import { createDatabase } from '../support/postgres.ts';

const { config } = resolveRunInput({ batchSize: 5, microBatch: 2 });
const refused = new RZeroError('EngineOutOfMemory', 'Too large.', { field: 'batchSize' });
const killed = new RZeroError('EngineOutOfMemory', 'Ended by SIGKILL.');

async function tried(failure: Error, from: { halvings: number; failures: number }, fits: (size: number) => boolean) {
  const sizes: number[][] = [];
  const told: Error[] = [];
  const run = () =>
    withSmallerBatches(
      config,
      from,
      (error) => Promise.resolve(void told.push(error)),
      ({ batchSize, microBatch }) => {
        sizes.push([batchSize, microBatch]);
        return fits(batchSize) ? Promise.resolve('done') : Promise.reject(failure);
      },
    );
  const result = await new MockActivityEnvironment().run(() => run().catch((error: unknown) => error));
  return { result, sizes, told: told.length };
}

test('batches are halved down to one sequence, and then the failure stands', async () => {
  const none = await tried(refused, { halvings: 0, failures: 0 }, () => false);
  assert.deepEqual(none.sizes, [[5, 2], [3, 1], [2, 1], [1, 1]]); // prettier-ignore
  assert.equal(none.result, refused);
  assert.equal(none.told, 3);
  const some = await tried(refused, { halvings: 0, failures: 0 }, (size) => size <= 3);
  assert.deepEqual(some.result, { result: 'done', halvings: 1 });
});

test('what the run has found out before is where it begins', async () => {
  const { sizes, result } = await tried(refused, { halvings: 2, failures: 0 }, () => true);
  assert.deepEqual([sizes, result], [[[2, 1]], { result: 'done', halvings: 2 }]);
  assert.deepEqual(halvedBatches({ batchSize: 256, microBatch: 128 }, 3), { batchSize: 32, microBatch: 16 });
});

test('a process that was killed changes no batch until it has happened three times in the same unit', async () => {
  for (const failures of [0, 1]) {
    const { sizes, result } = await tried(killed, { halvings: 0, failures }, () => false);
    assert.deepEqual([sizes.length, result], [1, killed]);
  }
  const third = await tried(killed, { halvings: 0, failures: 2 }, (size) => size <= 3);
  assert.deepEqual(third.result, { result: 'done', halvings: 1 });
  const other = new RZeroError('EngineCrashed', 'Something else.');
  assert.equal((await tried(other, { halvings: 0, failures: 5 }, () => false)).sizes.length, 1);
});

/** Refuses more than 16 sequences at once, as an engine without memory for more would. */
function cramped(): Engine {
  const engine = createLocalEngine({ threads: 2 });
  return {
    ...engine,
    open: async (source, call) => {
      const lease = await engine.open(source, call);
      const sample: ModelLease['sample'] = (request, options) =>
        (request.batchSize ?? 256) > 16 ? Promise.reject(refused) : lease.sample(request, options);
      return new Proxy(lease, {
        get: (target, name) => (name === 'sample' ? sample : (Reflect.get(target, name) as unknown)),
      });
    },
  };
}

describe('a run in too little memory', () => {
  let pool: pg.Pool;
  before(async () => {
    ({ pool } = await createDatabase());
  });

  const completions = async (runId: string) =>
    (
      await pool.query('select unit, item, tokens, logprobs from r_zero.questions where run_id = $1 order by 1, 2', [
        runId,
      ])
    ).rows;
  const metrics = async (runId: string) =>
    (
      await pool.query<{ metrics: Record<string, number> }>(
        `select metrics from r_zero.units where run_id = $1 and phase = 'dataset_generation' order by unit`,
        [runId],
      )
    ).rows.map((row) => row.metrics['memoryHalvings']);
  const generate = async (runner: ActivityRunner, runId: string, input: object, units: number) => {
    await runner.open({ ...TINY, ...input, runId });
    // The base model is evaluated first, where memory is plenty.
    await new ActivityRunner(pool, { dataDir: runner.deps.dataDir }).iterate(runId, 0);
    await runner.begin(runId, 1);
    for (let unit = 0; unit < units; unit++) await runner.unit('dataset_generation', runId, 1, unit);
  };

  test('finds the batch that fits, notes it, keeps it, and is then the run that asked for it', async () => {
    const small = { challenger: { steps: 0 } };
    await generate(new ActivityRunner(pool, { engine: cramped() }), 'cramped', { ...small, batchSize: 64 }, 2);
    assert.deepEqual(await metrics('cramped'), [2, 2]);
    const attempts = await pool.query<{ unit: number; outcome: string; error_code: string | null }>(
      `select unit, outcome, error_code from r_zero.attempts where run_id = 'cramped' and iteration = 1 order by attempt_id`,
    );
    const failed = { unit: 0, outcome: 'failed', error_code: 'EngineOutOfMemory' };
    const finished = { outcome: 'finished', error_code: null };
    assert.deepEqual(attempts.rows, [failed, failed, { unit: 0, ...finished }, { unit: 1, ...finished }]);
    const asked = { ...small, batchSize: 16 };
    await generate(new ActivityRunner(pool), 'asked', { ...asked, seed: 1 }, 2);
    assert.deepEqual(await completions('cramped'), await completions('asked'));
    assert.deepEqual(await metrics('asked'), [undefined, undefined]);
    // 24 questions a shard after the same prompt, which is run once.
    const [shard] = (
      await pool.query<{ metrics: Record<string, number> }>(
        `select metrics from r_zero.units where run_id = 'asked' and phase = 'dataset_generation' order by unit`,
      )
    ).rows;
    const { decodedRows = 0, idleRows = 0, promptTokens = 0, sharedPromptTokens = 0, ...rest } = shard?.metrics ?? {};
    assert.equal(rest['promptPaddingTokens'], 0);
    assert.ok(promptTokens > 0 && sharedPromptTokens >= 15 * promptTokens, `${sharedPromptTokens} of ${promptTokens}`);
    const tokens = (await completions('asked')).slice(0, 24).reduce((sum, row) => sum + row.tokens.length, 0);
    assert.ok(decodedRows - idleRows <= tokens && idleRows < decodedRows / 2, JSON.stringify(shard?.metrics));
  });

  test('does so with a process whose memory is really limited', async (t) => {
    const engine = createTfjsEngine({ threads: 2, memoryLimitBytes: 700 * 2 ** 20 });
    t.after(() => engine.close());
    const labelling = { questions: 4000, shardSize: 4000 };
    const input = { challenger: { steps: 0 }, labelling, batchSize: 4000 };
    await generate(new ActivityRunner(pool, { engine }), 'limited', input, 1);
    const [halvings] = await metrics('limited');
    assert.ok(halvings === 1 || halvings === 2, `${halvings} halvings`);
    assert.equal((await completions('limited')).length, 4000);
  });
});
