/** Alarms on stored runs of the real engine: a healthy one raises none, and each way of breaking one raises its own. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type pg from 'pg';
import type { AlarmVerdict, Phase, RunInput } from '../../activities/contract.ts';
import { createLocalEngine } from '../../activities/engine/index.ts';
import type { Completion, Engine, ModelLease, SampleRequest } from '../../activities/engine/types.ts';
import { resetRun } from '../../activities/reset.ts';
import { PHASE_ORDER } from '../../activities/phases.ts';
import { ActivityRunner, TINY } from '../support/activities.ts';
import { createDatabase } from '../support/postgres.ts';

/** No more than the phase that is looked at. */
const FAST: RunInput = {
  challenger: { steps: 0 },
  gate: { lower: 0, upper: 1, minimumQuestions: 1, onTooFew: 'skip', duplicates: { withinIteration: 'none' } },
  evaluation: { questions: 1, samples: 1 },
};

/** An engine whose sampling is broken in one way. */
function broken(spoil: (request: SampleRequest, sampled: Completion[]) => Completion[]): Engine {
  const engine = createLocalEngine();
  return {
    ...engine,
    async open(source, call) {
      const lease = await engine.open(source, call);
      const sample: ModelLease['sample'] = async (request, options) =>
        spoil(request, await lease.sample(request, options));
      return new Proxy(lease, {
        get: (target, name) => {
          const value: unknown = name === 'sample' ? sample : Reflect.get(target, name);
          return typeof value === 'function' ? (value.bind(target) as unknown) : value;
        },
      });
    },
  };
}

const WATCHED = PHASE_ORDER.filter((phase) => phase !== 'gating');

describe('alarms of a stored run', () => {
  let pool: pg.Pool;
  before(async () => {
    ({ pool } = await createDatabase());
  });

  /** Runs one iteration, or those of the input, and judges the phases of the last. */
  async function judged(
    runId: string,
    input: RunInput,
    engine?: Engine,
  ): Promise<{ runner: ActivityRunner; verdicts: Map<Phase, AlarmVerdict>; raised: string[] }> {
    const runner = new ActivityRunner(pool, engine ? { engine } : {});
    await runner.open({ ...TINY, ...input, runId });
    const last = input.iterations ?? 1;
    for (let iteration = 0; iteration <= last; iteration++) await runner.iterate(runId, iteration);
    const verdicts = new Map<Phase, AlarmVerdict>();
    for (const phase of WATCHED) verdicts.set(phase, await runner.checkAlarms(phase, runId, last));
    const raised = [...verdicts].flatMap(([phase, verdict]) => verdict.raised.map((alarm) => `${phase} ${alarm}`));
    return { runner, verdicts, raised };
  }

  const rows = async (runId: string) =>
    (await pool.query('select * from r_zero.alarms where run_id = $1 order by phase, alarm', [runId])).rows as {
      alarm: string;
      raised: boolean;
    }[];

  test('a healthy run raises none, each is a row with its numbers, and asking again changes nothing', async () => {
    const { runner, raised } = await judged('healthy', {});
    assert.deepEqual(raised, []);
    const stored = await rows('healthy');
    assert.equal(stored.length, 20);
    for (const phase of WATCHED) await runner.checkAlarms(phase, 'healthy', 1);
    assert.deepEqual(await rows('healthy'), stored);
  });

  test('samples that share their random numbers', async () => {
    const engine = broken((_, sampled) => sampled.map(() => sampled[0]!));
    const { verdicts } = await judged('one-stream', { gate: { lower: 0, upper: 1, minimumQuestions: 1 } }, engine);
    for (const phase of ['challenger_training', 'dataset_generation'] as const) {
      assert.ok(verdicts.get(phase)?.raised.includes('sharedRandomness'), phase);
    }
    assert.equal(verdicts.get('dataset_generation')?.action, 'pause');
    assert.match(
      verdicts.get('dataset_generation')?.reason ?? '',
      /^Alarm sharedRandomness: A text of log-probability/,
    );
  });

  test('a trainer that finds other probabilities than the sampler', async () => {
    const apart = broken((_, sampled) =>
      sampled.map((completion) => ({ ...completion, logprobs: completion.logprobs.map((value) => value - 1) })),
    );
    const { raised } = await judged('apart', {}, apart);
    assert.ok(raised.includes('challenger_training samplerGap'), raised.join());
    assert.ok(raised.includes('solver_training samplerGap'), raised.join());
  });

  test('a Solver that says the same whatever it is asked', async () => {
    let constant: Completion | undefined;
    // The Solver's completions may be longer than the Challenger's.
    const engine = broken(({ params }, sampled) => {
      if (params.maxTokens !== 36) return sampled;
      constant ??= sampled.find(({ finishReason }) => finishReason === 'stop');
      return sampled.map(() => constant!);
    });
    const { raised, verdicts } = await judged(
      'constant',
      {
        gate: { lower: 0, upper: 1, minimumQuestions: 1 },
        solver: { steps: 4, questions: 24, groupSize: 4 },
        labelling: { questions: 96, shardSize: 48, votes: 4 },
      },
      engine,
    );
    for (const alarm of ['labelling solveRates', 'solver_training rewardSpread', 'audit labelAccuracy']) {
      assert.ok(raised.includes(alarm), `${alarm} of ${raised.join()}`);
    }
    assert.equal(verdicts.get('audit')?.action, 'pause');
    assert.equal(verdicts.get('labelling')?.action, 'none');
  });

  test('policies that are trained to pieces, and a roll-back to the base model in milder settings', async () => {
    const rollback = { action: 'rollback' };
    const { raised, verdicts } = await judged('torn', {
      challenger: { ...(TINY['challenger'] as object), steps: 6, learningRate: 0.02 },
      solver: { ...(TINY['solver'] as object), steps: 6, learningRate: 0.05, warmupSteps: 0 },
      gate: { lower: 0, upper: 1, minimumQuestions: 1, onTooFew: 'skip' },
      evaluation: { questions: 100, samples: 2 },
      alarms: { kl: rollback },
    });
    assert.ok(raised.includes('challenger_training kl'), raised.join());
    assert.ok(raised.includes('dataset_generation format'), raised.join());
    const verdict = verdicts.get('challenger_training');
    assert.equal(verdict?.action, 'rollback');
    assert.deepEqual(verdict.rollback, {
      iteration: 1,
      phase: 'challenger_training',
      by: 'alarm',
      stop: false,
      input: { gate: { lower: 0.1, upper: 0.9 }, challenger: { learningRate: 0.006 }, solver: { learningRate: 0.015 } },
    });
  });

  test('a Solver that is trained to pieces falls below the base model and stays there', async () => {
    const { raised, verdicts } = await judged('fallen', {
      ...FAST,
      iterations: 2,
      labelling: { questions: 48, shardSize: 48, votes: 4 },
      solver: { steps: 4, questions: 8, groupSize: 4, learningRate: 0.05, warmupSteps: 0 },
      evaluation: { questions: 100, samples: 1 },
    });
    for (const alarm of ['evaluation heldOut', 'evaluation belowBase'])
      assert.ok(raised.includes(alarm), raised.join());
    assert.match(
      verdicts.get('evaluation')?.reason ?? '',
      /^Alarm (heldOut|belowBase): \d+ of 100 held-out questions right/,
    );
  });

  test('texts that grow to three times their length', async () => {
    const { raised } = await judged('longer', {
      ...FAST,
      challenger: {
        steps: 10,
        rollouts: 16,
        groupSize: 8,
        votes: 2,
        maxTokens: 58,
        learningRate: 0.02,
        warmupSteps: 6,
      },
      labelling: { questions: 16, shardSize: 16, votes: 2 },
      solver: { steps: 0 },
    });
    assert.ok(raised.includes('challenger_training lengths'), raised.join());
  });

  test('a Challenger that writes the same again and again', async () => {
    const { runner } = await judged('copies', {
      ...FAST,
      challenger: { steps: 0, temperature: 1.3 },
      labelling: { questions: 192, shardSize: 96, votes: 2 },
      solver: { steps: 0 },
    });
    assert.deepEqual((await runner.checkAlarms('dataset_generation', 'copies', 1)).raised, []);
    await runner.begin('copies', 2);
    // From here on almost greedily.
    await resetRun(
      runner.deps,
      {
        runId: 'copies',
        iteration: 2,
        phase: 'dataset_generation',
        requestedBy: 'test',
        input: { challenger: { temperature: 0.01 } },
      },
      { mayReset: () => Promise.resolve(true), status: 'running' },
    );
    await runner.iterate('copies', 2);
    const { raised } = await runner.checkAlarms('dataset_generation', 'copies', 2);
    assert.deepEqual(raised, ['diversity', 'phrases']);
  });

  test('a policy of which nothing is left to chance', async () => {
    const { raised } = await judged('certain', {
      ...FAST,
      labelling: { questions: 48, shardSize: 48, votes: 2 },
      solver: { steps: 2, questions: 8, groupSize: 4, temperature: 0.02 },
    });
    assert.ok(raised.includes('solver_training entropy'), raised.join());
  });

  test('a control run is noted and not stopped', async () => {
    const engine = broken((_, sampled) => sampled.map(() => sampled[0]!));
    const input = { control: 'random-reward', gate: { lower: 0, upper: 1, minimumQuestions: 1 } };
    const { verdicts, raised } = await judged('control', input, engine);
    assert.ok(raised.includes('dataset_generation sharedRandomness'));
    assert.ok([...verdicts.values()].every(({ action }) => action === 'none'));
  });

  test('under a later start what was raised before asks for nothing again', async () => {
    const engine = broken((_, sampled) => sampled.map(() => sampled[0]!));
    const { runner } = await judged('seen', { gate: { lower: 0, upper: 1, minimumQuestions: 1 } }, engine);
    assert.equal((await runner.checkAlarms('challenger_training', 'seen', 1)).action, 'pause');
    await pool.query(
      `insert into r_zero.run_starts (run_id, namespace, workflow_id, first_execution_id) values ('seen', 'n', 'w', 'later')`,
    );
    assert.deepEqual(await runner.checkAlarms('challenger_training', 'seen', 1), { raised: [], action: 'none' });
  });
});
