/** Processes that are killed, told to end, or stand still. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { PHASE_ORDER } from '../../../activities/phases.ts';
import { signal } from '../../support/processes.ts';
import { MODEL_PHASES, within } from './fault.ts';
import type { Fault } from './fault.ts';

/** The worker's own limit (infra/worker.ts), and what its process needs to end. */
const LONGEST_SHUTDOWN_MS = 30_000;
/** Above the heartbeat time-out (workflows/activity-options.ts). */
const LONGER_THAN_A_HEARTBEAT_MS = 33_000;

const kill = (victim: 'engine' | 'worker'): Fault => ({
  name: `SIGKILL of the ${victim}`,
  phases: PHASE_ORDER,
  strike: ({ cluster }) => cluster.kill(victim),
});

const killServer = (victim: 'temporal' | 'postgres', title: string): Fault => ({
  name: `SIGKILL of ${title}`,
  phases: PHASE_ORDER,
  strike: async ({ cluster, random }) => {
    await cluster.kill(victim);
    return async () => {
      await sleep(random.below(2000));
      await cluster.revive();
    };
  },
});

const killEverything: Fault = {
  name: 'SIGKILL of everything',
  phases: PHASE_ORDER,
  strike: ({ cluster }) => cluster.killEverything(),
};

const terminateWorker: Fault = {
  name: 'SIGTERM of the worker',
  phases: PHASE_ORDER,
  strike: async ({ cluster }) => {
    const pid = await cluster.workerPid();
    signal(pid, 'SIGTERM');
    return async () => {
      const ended = await within(LONGEST_SHUTDOWN_MS, async () =>
        (await cluster.workerPid()) === pid ? undefined : true,
      );
      assert.ok(ended, 'the worker ends within its grace time');
    };
  },
};

const stopEngine: Fault = {
  name: 'SIGSTOP of the engine',
  phases: MODEL_PHASES,
  strike: async ({ cluster, random }) => {
    const pids = await cluster.enginePids();
    for (const pid of pids) signal(pid, 'SIGSTOP');
    return async () => {
      await sleep(3000 + random.below(5000));
      for (const pid of pids) signal(pid, 'SIGCONT');
    };
  },
};

/** The work goes on in its engine while another worker does it a second time; in the end both want to write. */
const stopWorker: Fault = {
  name: 'SIGSTOP of the worker, another one takes over',
  phases: PHASE_ORDER,
  prepare: ({ cluster }) => cluster.addWorker(),
  strike: async ({ cluster, random }) => {
    const pid = await cluster.workerPid();
    signal(pid, 'SIGSTOP');
    return async () => {
      await sleep(LONGER_THAN_A_HEARTBEAT_MS + random.below(5000));
      signal(pid, 'SIGCONT');
      await cluster.removeOtherWorkers();
    };
  },
};

const secondWorker: Fault = {
  name: 'a second worker comes and goes',
  phases: PHASE_ORDER,
  prepare: ({ cluster }) => cluster.addWorker(),
  strike: ({ cluster }) => cluster.removeOtherWorkers(),
};

export const PROCESS_FAULTS: readonly Fault[] = [
  kill('engine'),
  kill('worker'),
  killServer('temporal', 'the Temporal server'),
  killServer('postgres', 'Postgres'),
  killEverything,
  terminateWorker,
  stopEngine,
  stopWorker,
  secondWorker,
];
