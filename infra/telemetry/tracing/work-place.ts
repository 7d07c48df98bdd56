/** Where in a run an activity works, told from its name and its input. Used by workers and in the workflow sandbox. */
import type { Phase, RZeroActivities } from '../../../activities/contract.ts';

/** The activities that do one shard or step of a phase. */
export const PHASE_OF: Readonly<Partial<Record<string, Phase>>> = {
  trainChallengerStep: 'challenger_training',
  generateQuestions: 'dataset_generation',
  labelQuestions: 'labelling',
  gateQuestions: 'gating',
  trainSolverStep: 'solver_training',
  evaluateSolver: 'evaluation',
  auditLabels: 'audit',
} satisfies Partial<Record<keyof RZeroActivities, Phase>>;

export interface WorkPlace {
  run?: string;
  iteration?: number;
  phase?: Phase;
  unit?: number;
}

/** @param argument the first one of any of our activities */
export function placeOf(argument: unknown, phase: Phase | undefined): WorkPlace {
  const { runId, iteration, unit } = (argument ?? {}) as { runId?: unknown; iteration?: unknown; unit?: unknown };
  return {
    ...(typeof runId === 'string' ? { run: runId } : {}),
    ...(typeof iteration === 'number' ? { iteration } : {}),
    ...(phase === undefined ? {} : { phase }),
    ...(typeof unit === 'number' ? { unit } : {}),
  };
}

/** The same for a span: `r_zero.run` and so on. */
export function placeAttributes(place: WorkPlace): Record<string, string | number> {
  return Object.fromEntries(Object.entries(place).map(([name, value]) => [`r_zero.${name}`, value as string | number]));
}
