/**
 * SIGKILL of the engine, of the worker and of everything, at random moments of the phases. Whatever was killed, the run
 * ends with the rows and the checkpoints of a run that nobody disturbed, and no finished unit is worked on again. Here
 * the slow faults hit a few phases; `npm run test:soak` hits every phase with every fault (R_ZERO_SOAK=1).
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Phase, RunInput } from '../../activities/contract.ts';
import { createRandom, deriveSeed } from '../../activities/method/seeds.ts';
import { PHASE_ORDER } from '../../activities/phases.ts';
import { fingerprint, temporaryFolder } from '../support/activities.ts';
import { Cluster } from '../support/cluster.ts';
import type { Victim } from '../support/cluster.ts';

const INPUT: RunInput = {
  iterations: 1,
  challenger: { steps: 3, rollouts: 32, groupSize: 8, votes: 4 },
  labelling: { questions: 96, shardSize: 32, votes: 8 },
  gate: { minimumQuestions: 2 },
  solver: { steps: 4, questions: 32, groupSize: 8 },
  evaluation: { questions: 128, samples: 4 },
};
/** A dead worker costs a heartbeat time-out: in the short form it is tried where most is at stake. */
const TARGETS: Record<Victim, readonly Phase[]> = process.env['R_ZERO_SOAK']
  ? { engine: PHASE_ORDER, worker: PHASE_ORDER, everything: PHASE_ORDER }
  : { engine: PHASE_ORDER, worker: ['challenger_training'], everything: ['labelling', 'solver_training'] };
const SEED = Number(process.env['R_ZERO_TEST_SEED'] ?? 1);
const LONGEST_RUN_MS = 8 * 60_000;

describe('a killed run', { timeout: 20 * 60_000 }, () => {
  const cluster = new Cluster(temporaryFolder());
  let undisturbed: Record<string, unknown[]>;

  before(async () => {
    await cluster.start();
    await cluster.startRun({ ...INPUT, runId: 'undisturbed' });
    await untilCompleted('undisturbed');
    undisturbed = await fingerprint(cluster.pool, 'undisturbed');
    assert.ok((undisturbed.updates?.length ?? 0) === 7);
  });
  after(() => cluster.stop());

  async function untilCompleted(runId: string): Promise<void> {
    const deadline = Date.now() + LONGEST_RUN_MS;
    for (;;) {
      const status = await cluster.runStatus(runId);
      if (status === 'completed') return;
      assert.ok(status === undefined || status === 'running', `run ${runId} is ${status}`);
      assert.ok(Date.now() < deadline, `run ${runId} did not end in time`);
      await sleep(100);
    }
  }

  /** Waits until a unit of the phase is at work, then a random moment. False when the phase was over too soon to be hit. */
  async function momentOf(runId: string, phase: Phase, random: number): Promise<boolean> {
    for (;;) {
      const found = await cluster.pool.query<{ working: boolean; done: boolean }>(
        `select exists (select from r_zero.attempts where run_id = $1 and phase = $2 and iteration = 1 and outcome is null) as working,
                exists (select from r_zero.phase_progress where run_id = $1 and phase = $2 and iteration = 1 and units_done = units) as done`,
        [runId, phase],
      );
      if (found.rows[0]?.working) {
        await sleep(random * 400);
        return true;
      }
      if (found.rows[0]?.done) return false;
      await sleep(3);
    }
  }

  for (const [victim, targets] of Object.entries(TARGETS) as [Victim, readonly Phase[]][]) {
    test(`SIGKILL of ${victim} in ${targets.join(', ')} loses nothing, repeats no finished unit and changes no result`, async (t) => {
      const runId = `killed-${victim}`;
      const random = createRandom(
        deriveSeed({ runSeed: SEED, iteration: 0, phase: victim, unit: 0, item: 0, sample: 0, stream: 'faults' }),
      );
      await cluster.startRun({ ...INPUT, runId });
      let kills = 0;
      for (const phase of targets) {
        if (!(await momentOf(runId, phase, random.below(1000) / 1000))) {
          t.diagnostic(`${phase} was over before it could be hit`);
          continue;
        }
        await cluster.kill(victim);
        kills++;
      }
      await untilCompleted(runId);
      assert.ok(kills >= Math.min(targets.length, 5), `${kills} kills`);
      assert.deepEqual(await fingerprint(cluster.pool, runId), undisturbed);

      const work = await cluster.pool.query<{ units: number; finished: number; attempts: number; afterwards: number }>(
        `select (select count(*)::int from r_zero.units where run_id = $1) as units,
                count(*) filter (where outcome = 'finished')::int as finished,
                count(*)::int as attempts,
                count(*) filter (where a.started_at > u.finished_at)::int as afterwards
         from r_zero.attempts a left join r_zero.units u using (run_id, iteration, phase, unit) where run_id = $1`,
        [runId],
      );
      const { units, attempts, afterwards } = work.rows[0]!;
      t.diagnostic(`${kills} kills, ${units} units, ${attempts} attempts`);
      assert.equal(afterwards, 0, 'no work was started on a finished unit');
      assert.ok(attempts - units <= kills, 'each kill costs at most one unit');
    });
  }
});
