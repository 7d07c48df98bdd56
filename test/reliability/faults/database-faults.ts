/** Connections to Postgres that end, and some that do not even do that. */
import assert from 'node:assert/strict';
import { PHASE_ORDER } from '../../../activities/phases.ts';
import { within } from './fault.ts';
import type { Fault, Scene } from './fault.ts';
import { writerAtGate } from './unit-gates.ts';

const WRITE_MS = 60_000;

async function untilWrite({ cluster }: Scene): Promise<number> {
  const writer = await within(WRITE_MS, () => writerAtGate(cluster.pool));
  assert.ok(writer !== undefined, 'no unit came to its write');
  return writer;
}

const terminateBackend: Fault = {
  name: 'pg_terminate_backend during a write',
  phases: PHASE_ORDER,
  duringWrite: true,
  strike: async (scene) => {
    await scene.cluster.pool.query('select pg_terminate_backend($1)', [await untilWrite(scene)]);
  },
};

const halfOpen: Fault = {
  name: 'half-open connections to Postgres',
  phases: PHASE_ORDER,
  strike: ({ cluster }) => {
    assert.ok(cluster.proxy.swallow() > 0, 'the worker has a connection');
    return Promise.resolve();
  },
};

const halfOpenInWrite: Fault = {
  name: 'half-open connections during a write',
  phases: PHASE_ORDER,
  duringWrite: true,
  strike: async (scene) => {
    await untilWrite(scene);
    scene.cluster.proxy.swallow();
  },
};

export const DATABASE_FAULTS: readonly Fault[] = [terminateBackend, halfOpen, halfOpenInWrite];
