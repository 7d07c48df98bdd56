/**
 * The fault matrix in its short form: one run, struck in each of its phases by the faults that tell most, and reset to every
 * workflow task when it has ended. `npm run test:soak` strikes every phase with every fault.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { PHASE_ORDER } from '../../activities/phases.ts';
import type { Phase } from '../../activities/contract.ts';
import type { Cluster } from '../support/cluster.ts';
import { FAULTS } from './faults/index.ts';
import { Baselines, startCluster } from './matrix/lanes.ts';
import { faultRandom } from './matrix/plan.ts';
import { failuresOf } from './matrix/results.ts';
import { compareRows, readRows } from './matrix/stored-rows.ts';
import type { StoredRows } from './matrix/stored-rows.ts';
import { strikeRun } from './matrix/struck-run.ts';
import { resetEverywhere } from './matrix/whole-run.ts';

const STRIKES: Readonly<Record<Phase, string>> = {
  challenger_training: 'SIGKILL of everything',
  dataset_generation: 'half-open connections during a write',
  labelling: 'SIGKILL of the engine',
  gating: 'pg_terminate_backend during a write',
  solver_training: 'checkpoint with a flipped bit',
  evaluation: 'Postgres is put back to an older copy',
  audit: 'the run is started again',
};
const RUN_ID = 'struck';
const seed = Number(process.env['R_ZERO_TEST_SEED'] ?? 1);

describe('a run that faults strike', { timeout: 8 * 60_000 }, () => {
  let cluster: Cluster;
  let expected: StoredRows;

  before(async () => {
    cluster = await startCluster({});
    expected = await new Baselines().of(cluster, 'adapters');
    assert.equal(expected['updates']?.length, 7);
    cluster.forgetCheckpoints();
  });
  after(() => cluster.stop());

  test('ends with the rows and checkpoints of an undisturbed one, and repeats at most one unit a fault', async (t) => {
    const cells = PHASE_ORDER.map((phase) => {
      const fault = FAULTS.find(({ name }) => name === STRIKES[phase]);
      assert.ok(fault, STRIKES[phase]);
      return { fault, phase };
    });
    const random = faultRandom(seed, RUN_ID);
    const run = await strikeRun(cluster, { runId: RUN_ID, input: 'adapters', cells, expected, random });
    for (const { fault, phase, repeated, parked } of run.blows)
      t.diagnostic(`${phase}: ${fault}, ${repeated} repeated ${parked.join(' ')}`);
    assert.deepEqual(failuresOf([run]), []);
    assert.equal(run.blows.length, cells.length);
    const waits = run.blows.flatMap(({ parked }) => parked);
    assert.ok(
      waits.every((reason) => reason.includes('CheckpointCorrupt')),
      waits.join('; '),
    );
  });

  test('reset to any of its workflow tasks, once finished, does nothing again', async () => {
    const blows = await resetEverywhere(cluster, RUN_ID);
    assert.ok(blows.length > 20, `${blows.length} resets`);
    assert.deepEqual(
      blows.flatMap(({ problem }) => problem ?? []),
      [],
    );
    assert.deepEqual(compareRows(expected, await readRows(cluster.pool, RUN_ID)), {
      lost: 0,
      duplicated: 0,
      unequal: [],
    });
  });
});
