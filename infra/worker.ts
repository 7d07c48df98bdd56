/** Our own workers: made from the plugin alone, just as a user's would be. */
import { join } from 'node:path';
import { NativeConnection, Runtime, Worker } from '@temporalio/worker';
import type { WorkerOptions } from '@temporalio/worker';
import { codecKeysOf } from './codec/keys.ts';
import { encryptedDataConverter, refuseEncrypted } from './codec/encryption.ts';
import { RZeroPlugin, dataDirOf } from './plugin.ts';
import type { RZeroPluginOptions } from './plugin.ts';
import type { Tracing } from './telemetry/tracing/start.ts';
import { unitSpans } from './telemetry/tracing/unit-spans.ts';
import { temporalSettings, unreachable } from './temporal-connection.ts';
import type { TemporalTarget } from './temporal-connection.ts';
import { loadWorkflowBundle } from './workflow-bundle.ts';

export interface WorkerReady {
  taskQueues: string[];
  namespace: string;
}

export interface RunWorkerOptions extends RZeroPluginOptions, TemporalTarget {
  /** Queue of workflows and database work; `-gpu` is appended for the models. @default 'r-zero' */
  taskQueue?: string;
  /** A connection of your own, which stays open. @default one made from the TEMPORAL_* settings */
  connection?: NativeConnection;
  /** How long a shard or step may go on after the order to stop; then it is cancelled. @default '15 seconds' */
  shutdownGraceTime?: WorkerOptions['shutdownGraceTime'];
  /** What `startTracing` made: traces of everything that the workers do. */
  tracing?: Tracing | undefined;
  /** Stops the workers gracefully. SIGINT and SIGTERM do so too. */
  signal?: AbortSignal;
  /** Called once, when all workers poll. */
  onReady?: (ready: WorkerReady) => void;
}

/** Below the half minute that Kubernetes and most supervisors grant after SIGTERM, engine's end included. */
const SHUTDOWN_FORCE_TIME = '25 seconds';
const STATE_POLL_MS = 25;

/**
 * Runs the workers of both task queues (or of one, by `role`) until the signal, SIGINT or SIGTERM; then lets the shard or
 * step at work end within the grace time.
 *
 * Payloads are encrypted with the keys of the option `encryption`, or of `R_ZERO_CODEC_KEYS` or `R_ZERO_CODEC_KEY_FILE`.
 *
 * @throws RZeroError `TemporalUnreachable`, and what `RZeroPlugin` throws
 */
export async function runWorker(options: RunWorkerOptions): Promise<void> {
  const settings = temporalSettings(options);
  const connection = options.connection ?? (await connectNative(settings.options, settings.address));
  try {
    const workers = await createWorkers(options, connection, settings.namespace);
    await runAll(workers, options, settings.namespace);
  } finally {
    if (options.connection === undefined) await closeConnection(connection);
  }
}

async function createWorkers(
  options: RunWorkerOptions,
  connection: NativeConnection,
  namespace: string,
): Promise<Worker[]> {
  const { taskQueue = 'r-zero', role = 'all' } = options;
  const encryption = options.encryption ?? codecKeysOf(process.env);
  const { tracing } = options;
  const traces = tracing === undefined ? [] : [tracing.plugin, await unitSpans()];
  const common = {
    connection,
    namespace,
    plugins: [...traces, new RZeroPlugin({ ...options, ...(encryption === undefined ? {} : { encryption }) })],
    ...(encryption === undefined ? { dataConverter: { payloadCodecs: [refuseEncrypted()] } } : {}),
    shutdownGraceTime: options.shutdownGraceTime ?? '15 seconds',
    shutdownForceTime: SHUTDOWN_FORCE_TIME,
  };
  const workers: Worker[] = [];
  if (role !== 'gpu') {
    const cacheDir = join(dataDirOf(options.dataDir), 'cache');
    const { failureConverterPath } = encryption === undefined ? {} : encryptedDataConverter(encryption);
    const extras = {
      ...(failureConverterPath === undefined ? {} : { failureConverterPath }),
      ...(tracing === undefined ? {} : { workflowInterceptorModules: tracing.workflowInterceptorModules }),
    };
    const workflowBundle = await loadWorkflowBundle({ cacheDir, logger: Runtime.instance().logger, extras });
    workers.push(await Worker.create({ ...common, taskQueue, workflowBundle }));
  }
  if (role !== 'orchestrator') workers.push(await Worker.create({ ...common, taskQueue: `${taskQueue}-gpu` }));
  return workers;
}

/** One worker that fails takes the others down with it: half a deployment would only look alive. */
async function runAll(workers: readonly Worker[], options: RunWorkerOptions, namespace: string): Promise<void> {
  let stopping = false;
  const stop = (): void => {
    stopping = true;
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  const running = workers.map(async (worker) => {
    try {
      await worker.run();
    } finally {
      stop();
    }
  });
  options.signal?.addEventListener('abort', stop);
  const poll = setInterval(() => {
    // A worker that is still opening its database cannot be shut down yet.
    if (stopping || options.signal?.aborted) stop();
    if (!workers.every((worker) => worker.getState() === 'RUNNING')) return;
    clearInterval(poll);
    const taskQueues = workers.map((worker) => worker.options.taskQueue);
    options.onReady?.({ taskQueues, namespace });
  }, STATE_POLL_MS);
  try {
    const outcomes = await Promise.allSettled(running);
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed) throw failed.reason;
  } finally {
    clearInterval(poll);
    options.signal?.removeEventListener('abort', stop);
  }
}

async function connectNative(
  options: Parameters<typeof NativeConnection.connect>[0],
  address: string,
): Promise<NativeConnection> {
  try {
    return await NativeConnection.connect(options);
  } catch (error) {
    throw unreachable(address, error);
  }
}

/** Workers that never came to run still hold it; the process is about to end then, and the first failure matters more. */
async function closeConnection(connection: NativeConnection): Promise<void> {
  try {
    await connection.close();
  } catch (error) {
    Runtime.instance().logger.debug('The connection to Temporal could not be closed.', { error });
  }
}
