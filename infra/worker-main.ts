/**
 * The worker as a process of its own, forked by `r-zero up` and `r-zero worker`, or started by a supervisor.
 *
 * DATABASE_URL (required), TEMPORAL_* (as Temporal's own tools read them), R_ZERO_DATA_DIR, R_ZERO_TASK_QUEUE,
 * R_ZERO_ROLE (all, orchestrator, gpu), R_ZERO_METRICS_ADDRESS, R_ZERO_LOG_LEVEL.
 *
 * Exit code 0 after a graceful stop, 1 after a failure, whose code and message are the last line on standard error.
 */
import { RZeroError } from '../activities/errors.ts';
import type { RZeroPluginOptions } from './plugin.ts';
import { redactSecrets } from '../activities/redact.ts';
import { installTelemetry, telemetryOf } from './telemetry/runtime.ts';
import { startTracing } from './telemetry/tracing/start.ts';
import { runWorker } from './worker.ts';
import type { WorkerReady } from './worker.ts';

/** What the worker tells the process that forked it. */
export type WorkerMessage = ({ type: 'ready' } & WorkerReady) | { type: 'failed'; code: string; message: string };

// Its output is a log file, usually: when the disk of that is full, a line is lost, not the worker.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

const ROLES = ['all', 'orchestrator', 'gpu'] as const;

async function main(): Promise<void> {
  const { env } = process;
  const stop = stopSignal();
  installTelemetry(telemetryOf(env));
  const tracing = await startTracing(env);
  try {
    await runWorker({
      tracing,
      database: required('DATABASE_URL'),
      role: roleOf(env['R_ZERO_ROLE']),
      ...(env['R_ZERO_DATA_DIR'] ? { dataDir: env['R_ZERO_DATA_DIR'] } : {}),
      ...(env['R_ZERO_TASK_QUEUE'] ? { taskQueue: env['R_ZERO_TASK_QUEUE'] } : {}),
      signal: stop,
      onReady: (ready) => {
        process.stdout.write(`r-zero worker is ready on ${ready.taskQueues.join(' and ')}\n`);
        void tell({ type: 'ready', ...ready });
      },
    });
  } finally {
    await tracing?.close();
  }
}

/** Aborted when the process that forked this one is gone: an orphan would compete with the next start's worker. */
function stopSignal(): AbortSignal {
  const controller = new AbortController();
  if (process.connected) process.once('disconnect', () => controller.abort());
  let interrupts = 0;
  process.on('SIGINT', () => {
    interrupts += 1;
    // The runtime handles the first one gracefully; whoever presses Ctrl-C again wants it to end now.
    if (interrupts > 1) process.exit(130);
    controller.abort();
  });
  process.on('SIGTERM', () => controller.abort());
  return controller.signal;
}

/** Resolves when the message has left, or cannot: the process may exit right after. */
function tell(message: WorkerMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.connected && process.send) process.send(message, undefined, undefined, () => resolve());
    else resolve();
  });
}

function required(name: string): string {
  const value = process.env[name];
  if (value) return value;
  throw new RZeroError('RunInputInvalid', `${name} is not set.`, {
    field: name,
    fix: `Set it to a Postgres connection string, or start the worker with \`npx r-zero up\`.`,
  });
}

function roleOf(value: string | undefined): NonNullable<RZeroPluginOptions['role']> {
  const role = ROLES.find((known) => known === (value ?? 'all'));
  if (role) return role;
  throw new RZeroError('RunInputInvalid', `R_ZERO_ROLE is "${value}".`, {
    field: 'R_ZERO_ROLE',
    fix: `Choose one of ${ROLES.join(', ')}.`,
  });
}

async function reportFailure(error: unknown): Promise<void> {
  const code = error instanceof RZeroError ? error.code : 'Internal';
  const message = redactSecrets(error instanceof Error ? error.message : String(error));
  process.stderr.write(`${code}: ${message}\n`);
  await tell({ type: 'failed', code, message });
}

try {
  await main();
  // Handles of the native runtime may keep the loop alive after everything has ended.
  process.exit(0);
} catch (error) {
  await reportFailure(error);
  process.exit(1);
}
