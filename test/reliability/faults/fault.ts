/** What every fault of the matrix is made of. */
import type { Phase } from '../../../activities/contract.ts';
import type { SeededRandom } from '../../../activities/method/seeds.ts';
import { PHASE_ORDER } from '../../../activities/phases.ts';
import type { Cluster } from '../../support/cluster.ts';

/** Where and when a fault strikes: a unit of this phase is at work. */
export interface Scene {
  cluster: Cluster;
  runId: string;
  phase: Phase;
  random: SeededRandom;
}

/** What a supervisor or a person does about it; when it returns, nothing is broken any more. */
export type Aftermath = () => Promise<void>;

export interface Fault {
  /** A row of the matrix. */
  name: string;
  /** Columns of the matrix: where it can do anything. */
  phases: readonly Phase[];
  /** Lies on small disks that can be filled. @default false */
  needsSmallDisks?: boolean;
  /** The phase's units wait in the middle of their write until it has struck. @default false: only where they take no time */
  duringWrite?: boolean;
  /** Before the phase begins. */
  prepare?: (scene: Scene) => Promise<void>;
  strike: (scene: Scene) => Promise<Aftermath | void>;
}

export const MODEL_PHASES = PHASE_ORDER.filter((phase) => phase !== 'gating' && phase !== 'audit');

/** Asks again and again. @returns the first answer that is not undefined, or undefined when there is none in time */
export async function within<T>(milliseconds: number, ask: () => Promise<T | undefined>): Promise<T | undefined> {
  const deadline = Date.now() + milliseconds;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined || Date.now() > deadline) return answer;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
