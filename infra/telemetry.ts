/** Logs and metrics of the Temporal runtime in this process. */
import { DefaultLogger, Runtime, makeTelemetryFilterString } from '@temporalio/worker';
import type { LogLevel } from '@temporalio/worker';
import { RZeroError } from '../activities/errors.ts';

export interface TelemetryOptions {
  /** `TRACE`, `DEBUG`, `INFO`, `WARN` or `ERROR`, for the SDK and for this project. @default 'INFO' */
  logLevel?: LogLevel;
  /** `host:port` where Prometheus may scrape; no metrics are served without it. */
  metricsAddress?: string;
  /** Where log lines go, one JSON object each. @default standard error */
  write?: (line: string) => void;
}

const LEVELS: readonly LogLevel[] = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR'];

let installed = false;

/**
 * Installs the runtime; must come before the first connection or worker of the process. A second call does nothing,
 * because a process has one runtime.
 *
 * @throws RZeroError `RunInputInvalid` for an unknown level or a malformed address, `PortInUse` when metrics cannot be
 *   served there
 */
export function installTelemetry(options: TelemetryOptions = {}): void {
  if (installed) return;
  const level = options.logLevel ?? 'INFO';
  if (!LEVELS.includes(level)) {
    throw new RZeroError('RunInputInvalid', `Unknown log level "${level}".`, {
      field: 'logLevel',
      fix: `Choose one of ${LEVELS.join(', ')}.`,
    });
  }
  const write = options.write ?? ((line) => process.stderr.write(`${line}\n`));
  const logger = new DefaultLogger(level, (entry) => write(formatLine(entry)));
  const metrics = options.metricsAddress === undefined ? {} : { metrics: prometheus(options.metricsAddress) };
  try {
    Runtime.install({
      logger,
      telemetryOptions: {
        logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }) },
        ...metrics,
      },
    });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (options.metricsAddress !== undefined && /address|bind|in use/i.test(message)) {
      throw new RZeroError('PortInUse', `Metrics cannot be served at ${options.metricsAddress}: ${message}.`, {
        field: 'metricsAddress',
        fix: 'Choose another address, or leave it out.',
        cause: error,
      });
    }
    throw error;
  }
  installed = true;
}

function prometheus(bindAddress: string): { prometheus: { bindAddress: string } } {
  if (!/^[^\s:]+:\d{1,5}$|^\[[0-9a-fA-F:]+\]:\d{1,5}$/.test(bindAddress)) {
    throw new RZeroError('RunInputInvalid', `"${bindAddress}" is no address for metrics.`, {
      field: 'metricsAddress',
      fix: 'Write host and port, e.g. 127.0.0.1:9464.',
    });
  }
  return { prometheus: { bindAddress } };
}

interface LogLine {
  level: string;
  message: string;
  timestampNanos: bigint;
  meta?: Record<string, unknown> | undefined;
}

/** One line of JSON; errors become their message, so that no statement or payload slips into a log. */
function formatLine({ level, message, timestampNanos, meta }: LogLine): string {
  const time = new Date(Number(timestampNanos / 1_000_000n)).toISOString();
  return JSON.stringify({ time, level, message, ...meta }, (_key, value: unknown) => {
    if (value instanceof Error) return `${value.name}: ${value.message}`;
    return typeof value === 'bigint' ? value.toString() : value;
  });
}
