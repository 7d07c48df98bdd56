/** Which activities belong to which task queue, and how a worker gets them before their database is open. */
import type { GpuActivities, OrchestrationActivities, RZeroActivities } from '../activities/contract.ts';
import { RZeroError } from '../activities/errors.ts';
import type { Engine } from '../activities/engine/types.ts';

export const ORCHESTRATION_ACTIVITY_NAMES = listOf<OrchestrationActivities>({
  openRun: true,
  extendRun: true,
  setRunStatus: true,
  changeRunInput: true,
  resetRun: true,
  beginIteration: true,
  gateQuestions: true,
  checkAlarms: true,
  auditLabels: true,
  judgeLabels: true,
  measureDiversity: true,
  pruneCheckpoints: true,
  finishIteration: true,
  planNight: true,
  pauseSchedule: true,
  openExperiment: true,
  readExperimentRun: true,
});

export const GPU_ACTIVITY_NAMES = listOf<GpuActivities>({
  trainChallengerStep: true,
  generateQuestions: true,
  labelQuestions: true,
  trainSolverStep: true,
  evaluateSolver: true,
});

/** The type makes forgetting an activity a compile error. */
function listOf<A>(names: Record<keyof A, true>): readonly (keyof A & keyof RZeroActivities)[] {
  return Object.keys(names) as (keyof A & keyof RZeroActivities)[];
}

/** Activities that look up their implementation at each call, since workers register them before anything is open. */
export function deferredActivities(
  names: readonly (keyof RZeroActivities)[],
  implementation: () => Partial<RZeroActivities>,
): Partial<RZeroActivities> {
  const deferred = (name: keyof RZeroActivities) => {
    const call = async (...input: never[]): Promise<unknown> => {
      const activity = implementation()[name] as ((...values: never[]) => Promise<unknown>) | undefined;
      if (activity === undefined) throw new RZeroError('Internal', `Activity ${name} has no implementation here.`);
      return await activity(...input);
    };
    return call;
  };
  return Object.fromEntries(names.map((name) => [name, deferred(name)]));
}

/**
 * Adds ours to the activities that a worker has already.
 *
 * @throws RZeroError `RunInputInvalid` when the worker has another activity of the same name: silently replacing either
 *   would be worse
 */
export function mergeActivities(existing: object | undefined, ours: Partial<RZeroActivities>): object {
  for (const [name, activity] of Object.entries(ours)) {
    const present = (existing as Record<string, unknown> | undefined)?.[name];
    if (present !== undefined && present !== activity) {
      throw new RZeroError('RunInputInvalid', `The worker has an activity "${name}" already.`, {
        field: `activities.${name}`,
        fix: "Rename it, or replace ours through the plugin's option `activities`.",
      });
    }
  }
  return { ...existing, ...ours };
}

/** Stands in for the engine on workers that run no model; the activities that need one are not registered there. */
export const NO_ENGINE: Engine = {
  describe: () => Promise.reject(noEngine()),
  open: () => Promise.reject(noEngine()),
  close: () => Promise.resolve(),
};

function noEngine(): RZeroError {
  return new RZeroError('EngineUnavailable', 'This worker has the role "orchestrator" and runs no model.', {
    fix: 'Start a worker with the role "gpu" on the GPU task queue.',
  });
}
