/** A span for every call of an engine, below the span of the shard or step that makes it. */
import type * as OpenTelemetry from '@opentelemetry/api';
import type { Engine, ModelLease } from '../../../activities/engine/types.ts';

type Attributes = Record<string, string | number>;
type Within = <T>(name: string, attributes: Attributes, work: (span: OpenTelemetry.Span) => Promise<T>) => Promise<T>;

/**
 * @returns the engine itself where `@opentelemetry/api` is not installed: nobody can trace then. With it and without a tracer
 *   provider, spans are empty calls.
 */
export async function traceEngine(engine: Engine): Promise<Engine> {
  let api: typeof OpenTelemetry;
  try {
    api = await import('@opentelemetry/api');
  } catch {
    return engine;
  }
  const within: Within = (name, attributes, work) => {
    const tracer = api.trace.getTracer('r-zero');
    return tracer.startActiveSpan(`engine ${name}`, { attributes }, async (span) => {
      try {
        return await work(span);
      } catch (error) {
        // The code alone: a message may quote more than a trace should hold.
        const message = (error as { code?: string }).code ?? 'Internal';
        span.setStatus({ code: api.SpanStatusCode.ERROR, message });
        throw error;
      } finally {
        span.end();
      }
    });
  };
  return {
    describe: (call) => engine.describe(call),
    open: (source, call) =>
      within('open', source.expectId === undefined ? {} : { checkpoint: source.expectId }, async () =>
        traceLease(await engine.open(source, call), within),
      ),
    close: () => engine.close(),
  };
}

function traceLease(lease: ModelLease, within: Within): ModelLease {
  return {
    get modelId() {
      return lease.modelId;
    },
    maxSequenceLength: lease.maxSequenceLength,
    sample: (request, call) =>
      within(
        'sample',
        { sequences: request.items.length, 'sampling.max_tokens': request.params.maxTokens },
        async (span) => {
          const completions = await lease.sample(request, call);
          span.setAttribute(
            'tokens',
            completions.reduce((sum, { tokens }) => sum + tokens.length, 0),
          );
          return completions;
        },
      ),
    score: (items, options) => within('score', { sequences: items.length }, () => lease.score(items, options)),
    trainStep: (items, options, call) =>
      within('trainStep', { sequences: items.length }, async (span) => {
        const metrics = await lease.trainStep(items, options, call);
        span.setAttributes({ tokens: metrics.tokens, 'tokens.padding': metrics.paddingTokens });
        return metrics;
      }),
    publish: (call) => within('publish', {}, () => lease.publish(call)),
    checkpoint: (root, call) =>
      within('checkpoint', {}, async (span) => {
        const record = await lease.checkpoint(root, call);
        span.setAttributes({ checkpoint: record.id, bytes: record.bytes });
        return record;
      }),
    close: () => lease.close(),
  };
}
