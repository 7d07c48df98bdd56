/**
 * Traces of a worker through OpenTelemetry, by its standard variables: a run, its iterations, their phases, shards and steps, and the
 * calls of the engine, as one tree across all processes. The packages are optional and loaded only when an endpoint is named.
 */
import type { ClientPlugin } from '@temporalio/client';
import type { WorkerPlugin } from '@temporalio/worker';
import { fileURLToPath } from 'node:url';
import { RZeroError } from '../../../activities/errors.ts';

export interface Tracing {
  /** For the worker, before the plugin of R-Zero. */
  plugin: WorkerPlugin & ClientPlugin;
  /** For the bundle of the workflows, outermost first. */
  workflowInterceptorModules: string[];
  /** Sends what is left. */
  close: () => Promise<void>;
}

const PACKAGES =
  '@temporalio/interceptors-opentelemetry@1.24 @opentelemetry/api@1 @opentelemetry/resources@1 @opentelemetry/sdk-trace-node@1 ' +
  '@opentelemetry/exporter-trace-otlp-proto@0.57 @opentelemetry/exporter-trace-otlp-http@0.57';

/** True when the standard variables name where traces go, and do not switch them off. */
export function wantsTraces(env: NodeJS.ProcessEnv): boolean {
  if (env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true' || env['OTEL_TRACES_EXPORTER'] === 'none') return false;
  return Boolean(env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] || env['OTEL_EXPORTER_OTLP_ENDPOINT']);
}

/**
 * Registers a tracer provider for this process. `OTEL_EXPORTER_OTLP_*` say where and how, `OTEL_SERVICE_NAME` and
 * `OTEL_RESOURCE_ATTRIBUTES` who, `OTEL_TRACES_SAMPLER` how much.
 *
 * @returns undefined when no traces are wanted
 * @throws RZeroError `RunInputInvalid` for a protocol that is not served, `SetupFailed` when the packages are not installed
 */
export async function startTracing(env: NodeJS.ProcessEnv): Promise<Tracing | undefined> {
  if (!wantsTraces(env)) return undefined;
  const protocol = env['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'] || env['OTEL_EXPORTER_OTLP_PROTOCOL'] || 'http/protobuf';
  if (protocol !== 'http/protobuf' && protocol !== 'http/json') {
    throw new RZeroError('RunInputInvalid', `Traces cannot be sent by "${protocol}".`, {
      field: 'OTEL_EXPORTER_OTLP_PROTOCOL',
      fix: 'Choose http/protobuf or http/json; collectors take them at port 4318.',
    });
  }
  try {
    return await load(protocol);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new RZeroError('SetupFailed', 'Traces are asked for, but the packages of OpenTelemetry are not installed.', {
      field: 'OTEL_EXPORTER_OTLP_ENDPOINT',
      fix: `Install them with: npm install ${PACKAGES}. Or unset the variable.`,
      cause: error,
    });
  }
}

async function load(protocol: 'http/protobuf' | 'http/json'): Promise<Tracing> {
  const [{ OpenTelemetryPlugin }, { BatchSpanProcessor, NodeTracerProvider }, resources, { OTLPTraceExporter }] =
    await Promise.all([
      import('@temporalio/interceptors-opentelemetry'),
      import('@opentelemetry/sdk-trace-node'),
      import('@opentelemetry/resources'),
      protocol === 'http/json'
        ? import('@opentelemetry/exporter-trace-otlp-http')
        : import('@opentelemetry/exporter-trace-otlp-proto'),
    ]);
  const { Resource, detectResourcesSync, envDetectorSync } = resources;
  const named = detectResourcesSync({ detectors: [envDetectorSync] });
  const resource = new Resource({ 'service.name': 'r-zero' }).merge(named);
  const spanProcessor = new BatchSpanProcessor(new OTLPTraceExporter());
  const provider = new NodeTracerProvider({ resource, spanProcessors: [spanProcessor] });
  provider.register();
  return {
    plugin: new OpenTelemetryPlugin({ resource, spanProcessor }),
    workflowInterceptorModules: [
      phaseSpansPath(),
      fileURLToPath(import.meta.resolve('@temporalio/interceptors-opentelemetry/lib/workflow-interceptors.js')),
    ],
    close: () => provider.shutdown(),
  };
}

function phaseSpansPath(): string {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return fileURLToPath(new URL(`./phase-spans.${extension}`, import.meta.url));
}
