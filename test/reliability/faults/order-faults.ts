/** Clocks that jump, and starts that come twice. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure, WorkflowFailedError } from '@temporalio/client';
import { RZeroError } from '../../../activities/errors.ts';
import { PHASE_ORDER } from '../../../activities/phases.ts';
import type { Fault } from './fault.ts';

const LONGEST_JUMP_MS = 48 * 60 * 60_000;

const clock = (direction: 1 | -1, name: string): Fault => ({
  name,
  phases: PHASE_ORDER,
  strike: async ({ cluster, random }) => {
    cluster.shiftClock(direction * random.below(LONGEST_JUMP_MS));
    return async () => {
      await sleep(2000 + random.below(3000));
      cluster.shiftClock(0);
    };
  },
});

const startedTwice: Fault = {
  name: 'the run is started again',
  phases: PHASE_ORDER,
  strike: ({ cluster, runId, phase }) => {
    const same = cluster.startRun({ runId });
    const workflowId = `intruder/${runId}/${phase}`;
    const other = cluster.client.workflow.execute('rZeroRun', { workflowId, taskQueue: 'r-zero', args: [{ runId }] });
    const refused = Promise.all([
      assert.rejects(same, (error) => error instanceof RZeroError && error.code === 'RunConflict'),
      assert.rejects(other, (error) => {
        const cause = error instanceof WorkflowFailedError ? error.cause : undefined;
        return (
          cause instanceof ApplicationFailure &&
          cause.type === 'RunConflict' &&
          cause.message.includes(`r-zero/${runId}`)
        );
      }),
    ]);
    // The second one may have to wait for a unit that is being written.
    refused.catch(() => undefined);
    return Promise.resolve(async () => void (await refused));
  },
};

export const ORDER_FAULTS: readonly Fault[] = [
  clock(1, 'clock jumps forward'),
  clock(-1, 'clock jumps back'),
  startedTwice,
];
