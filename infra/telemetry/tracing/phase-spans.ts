/**
 * Runs in the workflow sandbox, around Temporal's own tracing interceptors: a span for each phase of an iteration, above the
 * spans of its shards and steps. It makes no command, so histories replay with and without it.
 */
import { context, trace } from '@opentelemetry/api';
import type { Span } from '@opentelemetry/api';
import type { WorkflowInterceptorsFactory } from '@temporalio/workflow';
import { PHASE_OF, placeAttributes, placeOf } from './work-place.ts';

export const interceptors: WorkflowInterceptorsFactory = () => {
  let current: { phase: string; span: Span } | undefined;
  const end = (): void => {
    current?.span.end();
    current = undefined;
  };
  return {
    inbound: [{ execute: (input, next) => next(input).finally(end) }],
    outbound: [
      {
        scheduleActivity: (input, next) => {
          const phase = PHASE_OF[input.activityType];
          if (phase !== current?.phase) end();
          if (phase === undefined) return next(input);
          if (current === undefined) {
            const { unit: _, ...place } = placeOf(input.args[0], phase);
            const span = trace.getTracer('r-zero').startSpan(`phase ${phase}`, { attributes: placeAttributes(place) });
            current = { phase, span };
          }
          return context.with(trace.setSpan(context.active(), current.span), () => next(input));
        },
      },
    ],
  };
};
