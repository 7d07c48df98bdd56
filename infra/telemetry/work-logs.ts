/** Gives every log line of an activity its place in the run, the SDK's own lines included, and says when a unit is stored. */
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { log } from '@temporalio/activity';
import { PHASE_OF, placeOf } from './tracing/work-place.ts';
import type { WorkPlace } from './tracing/work-place.ts';

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

function isReused(result: unknown): boolean {
  const { reused, untouched } = (result ?? {}) as { reused?: boolean; untouched?: boolean };
  return reused === true || untouched === true;
}

function metricsOf(result: unknown): Record<string, number> {
  return (result as { metrics?: Record<string, number> } | undefined)?.metrics ?? {};
}
