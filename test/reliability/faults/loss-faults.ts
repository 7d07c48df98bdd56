/** What the run has written is gone, or shall be done again: the rungs above a retry, in the middle of each phase. */
import assert from 'node:assert/strict';
import { PHASE_ORDER } from '../../../activities/phases.ts';
import { resetRunTo } from '../../../infra/client.ts';
import { within } from './fault.ts';
import type { Fault } from './fault.ts';

const PATIENCE_MS = 30_000;

/** To the beginning of the phase, or of one before it. */
const resetTo: Fault = {
  name: 'reset-to while it is at work',
  phases: PHASE_ORDER,
  strike: ({ cluster, runId, phase, random }) => {
    const index = PHASE_ORDER.indexOf(phase);
    const to = PHASE_ORDER[random.below(2) === 0 ? index : random.below(index + 1)]!;
    const request = { iteration: 1, phase: to, reason: 'fault matrix', by: 'the fault matrix', stop: true };
    const ask = () => resetRunTo(cluster.client, runId, request);
    // While an earlier one is going on, the answer is to ask again in a moment.
    const reset = within(PATIENCE_MS, () =>
      ask().catch((error: Error) => (error.message.includes('in a moment') ? undefined : Promise.reject(error))),
    );
    // A unit that is being written ends first.
    reset.catch(() => undefined);
    return Promise.resolve(async () => assert.ok(await reset, 'the run is reset'));
  },
};

/** The copy is of a moment of the phase before; of the first phase, perhaps of a time before the run. */
const olderDatabase: Fault = {
  name: 'Postgres is put back to an older copy',
  phases: PHASE_ORDER,
  prepare: ({ cluster }) => cluster.backUpPostgres(),
  strike: ({ cluster }) => cluster.restorePostgres(),
};

const lostTemporal: Fault = {
  name: "Temporal's data is lost, the run started again",
  phases: PHASE_ORDER,
  strike: async ({ cluster, runId }) => {
    await cluster.kill('temporal');
    return async () => {
      cluster.loseTemporalData();
      await cluster.revive();
      await cluster.startRun({ runId });
    };
  },
};

export const LOSS_FAULTS: readonly Fault[] = [resetTo, olderDatabase, lostTemporal];
