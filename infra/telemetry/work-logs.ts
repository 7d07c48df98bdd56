/** Gives every log line of an activity its place in the run, the SDK's own lines included, and says when a unit is stored. */
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { log } from '@temporalio/activity';
import type { Phase, RZeroActivities } from '../../activities/contract.ts';

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

export const workLogs: ActivityInterceptorsFactory = ({ info }) => {
  const phase = PHASE_OF[info.activityType];
  let place: WorkPlace = {};
  return {
    inbound: {
      execute: async (input, next) => {
        place = placeOf(input.args[0], phase);
        const started = performance.now();
        const result: unknown = await next(input);
        if (phase !== undefined && !isReused(result)) {
          log.info('stored', { seconds: Math.round(performance.now() - started) / 1000, ...metricsOf(result) });
        }
        return result;
      },
    },
    outbound: { getLogAttributes: (attributes, next) => next({ ...attributes, ...place }) },
  };
};

/** Of the first argument of any of our activities. */
export function placeOf(argument: unknown, phase: Phase | undefined): WorkPlace {
  const { runId, iteration, unit } = (argument ?? {}) as { runId?: unknown; iteration?: unknown; unit?: unknown };
  return {
    ...(typeof runId === 'string' ? { run: runId } : {}),
    ...(typeof iteration === 'number' ? { iteration } : {}),
    ...(phase === undefined ? {} : { phase }),
    ...(typeof unit === 'number' ? { unit } : {}),
  };
}

function isReused(result: unknown): boolean {
  const { reused, untouched } = (result ?? {}) as { reused?: boolean; untouched?: boolean };
  return reused === true || untouched === true;
}

function metricsOf(result: unknown): Record<string, number> {
  return (result as { metrics?: Record<string, number> } | undefined)?.metrics ?? {};
}
