import { coin, deriveSeed } from './method/seeds.ts';
import type { RunRow } from '../db/queries/runs.ts';
import type { Place } from '../db/queries/units.ts';

/**
 * The reward a policy is trained with. In the control `random-reward` it is a seeded coin flip, which carries no
 * information: whatever such a run gains, it does not gain from its rewards.
 */
export function controlledReward(run: RunRow, place: Place, item: number, sample: number, computed: number): number {
  if (run.control !== 'random-reward') return computed;
  return coin(deriveSeed({ runSeed: run.seed, ...place, item, sample, stream: 'control' }));
}
