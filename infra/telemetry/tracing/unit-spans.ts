/** Tells the span of an activity which part of a run it works on. */
import { SimplePlugin } from '@temporalio/plugin';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { PHASE_OF, placeAttributes, placeOf } from './work-place.ts';

/** To be given behind Temporal's plugin for OpenTelemetry, whose span is the active one then. */
export async function unitSpans(): Promise<SimplePlugin> {
  const { trace } = await import('@opentelemetry/api');
  const nameUnit: ActivityInterceptorsFactory = ({ info }) => ({
    inbound: {
      execute: (input, next) => {
        const place = placeOf(input.args[0], PHASE_OF[info.activityType]);
        trace.getActiveSpan()?.setAttributes({ ...placeAttributes(place), 'r_zero.attempt': info.attempt });
        return next(input);
      },
    },
  });
  return new SimplePlugin({ name: 'r-zero.unit-spans', workerInterceptors: { activity: [nameUnit] } });
}
