import type { Phase } from './contract.ts';
import type { RunConfig } from './run-input.ts';
import type { RunRow } from '../db/queries/runs.ts';

/** The phases of an iteration in their order, with their numbers of shards or steps. */
export function planIteration(
  run: Pick<RunRow, 'config' | 'heldOutHash'>,
  iteration: number,
): { phase: Phase; units: number }[] {
  const config = run.config as RunConfig;
  const evaluation = { phase: 'evaluation' as const, units: run.heldOutHash === null ? 0 : 2 };
  if (iteration === 0) return [evaluation];
  const shards = Math.ceil(config.labelling.questions / config.labelling.shardSize);
  return [
    { phase: 'challenger_training', units: config.challenger.steps },
    { phase: 'dataset_generation', units: shards },
    { phase: 'labelling', units: shards },
    { phase: 'gating', units: 1 },
    { phase: 'solver_training', units: config.solver.steps },
    evaluation,
    { phase: 'audit', units: config.oracles?.judge ? 2 : 1 },
  ];
}
