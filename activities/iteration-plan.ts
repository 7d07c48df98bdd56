import type { Phase } from './contract.ts';
import type { RunConfig } from './run-input.ts';
import { evaluationUnits } from './evaluation-sets/units.ts';
import type { RunRow } from '../db/queries/runs.ts';
import type { RunSet } from '../db/queries/run-sets.ts';

/**
 * The phases of an iteration in their order, with their numbers of shards or steps.
 *
 * @param sets the run's named evaluation sets
 */
export function planIteration(
  run: Pick<RunRow, 'config' | 'heldOutHash'>,
  iteration: number,
  sets: readonly RunSet[],
): { phase: Phase; units: number }[] {
  const config = run.config as RunConfig;
  const evaluation = {
    phase: 'evaluation' as const,
    units: evaluationUnits(config, run.heldOutHash === null ? 0 : 1, sets).length,
  };
  if (iteration === 0) return [evaluation];
  const shards = Math.ceil(config.labelling.questions / config.labelling.shardSize);
  return [
    { phase: 'challenger_training', units: config.challenger.steps },
    { phase: 'dataset_generation', units: shards },
    { phase: 'labelling', units: shards },
    { phase: 'gating', units: 1 },
    { phase: 'solver_training', units: config.solver.steps },
    evaluation,
    { phase: 'audit', units: config.diversity?.embedding ? 3 : config.oracles?.judge ? 2 : 1 },
  ];
}
