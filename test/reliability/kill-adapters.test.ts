/** SIGKILL in the middle of the training of adapters: the run ends with the rows and checkpoints of one that nobody disturbed. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Phase, RunInput } from '../../activities/contract.ts';
import { fingerprint, temporaryFolder } from '../support/activities.ts';
import { Cluster } from '../support/cluster.ts';
import type { Victim } from '../support/cluster.ts';

const LORA = { r: 4, loraAlpha: 8 };
const INPUT: RunInput = {
  iterations: 1,
  challenger: { steps: 3, rollouts: 32, groupSize: 8, votes: 4, learningRate: 3e-3, lora: LORA },
  labelling: { questions: 64, shardSize: 32, votes: 4 },
  gate: { minimumQuestions: 2 },
  solver: { steps: 4, questions: 32, groupSize: 8, learningRate: 1e-3, lora: LORA },
  evaluation: { questions: 64, samples: 2 },
};
const KILLS: readonly [Victim, Phase, number][] = [
  ['engine', 'challenger_training', 150],
  ['everything', 'solver_training', 250],
  ['engine', 'evaluation', 50],
];
const LONGEST_RUN_MS = 4 * 60_000;

describe('a killed run that trains adapters', { timeout: 10 * 60_000 }, () => {
  const cluster = new Cluster(temporaryFolder());
  before(() => cluster.start());
  after(() => cluster.stop());

  async function until(what: string, statement: string, runId: string): Promise<void> {
    const deadline = Date.now() + LONGEST_RUN_MS;
    while ((await cluster.pool.query(statement, [runId])).rows.length === 0) {
      assert.ok(Date.now() < deadline, `${what} did not come in time`);
      await sleep(5);
    }
  }

  const untilCompleted = (runId: string): Promise<void> =>
    until('the end', `select from r_zero.runs where run_id = $1 and status = 'completed'`, runId);

  test('ends with the same rows, adapters and moments', async (t) => {
    await cluster.startRun({ ...INPUT, runId: 'undisturbed' });
    await untilCompleted('undisturbed');
    await cluster.startRun({ ...INPUT, runId: 'killed' });
    for (const [victim, phase, milliseconds] of KILLS) {
      const working = `select from r_zero.attempts where run_id = $1 and phase = '${phase}' and iteration = 1 and outcome is null`;
      await until(phase, working, 'killed');
      await sleep(milliseconds);
      await cluster.kill(victim);
    }
    await untilCompleted('killed');

    const undisturbed = await fingerprint(cluster.pool, 'undisturbed');
    assert.equal(undisturbed['updates']?.length, 7);
    assert.deepEqual(await fingerprint(cluster.pool, 'killed'), undisturbed);
    const { rows } = await cluster.pool.query<{ attempts: number; units: number; adapted: number }>(
      `select (select count(*)::int from r_zero.attempts where run_id = 'killed') as attempts,
              (select count(*)::int from r_zero.units where run_id = 'killed') as units,
              (select count(*)::int from r_zero.checkpoints where base_checkpoint_id is not null) as adapted`,
    );
    const { attempts, units, adapted } = rows[0]!;
    t.diagnostic(`${KILLS.length} kills, ${units} units, ${attempts} attempts`);
    assert.ok(attempts > units && attempts - units <= KILLS.length, 'each kill costs at most one unit');
    // Both runs wrote the same ones.
    assert.equal(adapted, 7);
  });
});
