/** Logs and metrics of the Temporal runtime in this process. */
import { DefaultLogger, Runtime, makeTelemetryFilterString } from '@temporalio/worker';
import type { LogLevel } from '@temporalio/worker';
import { RZeroError } from '../../activities/errors.ts';
import { LOG_FORMATS, formatLine } from './log-format.ts';
import type { LogFormat } from './log-format.ts';

export interface TelemetryOptions {
  /** `TRACE`, `DEBUG`, `INFO`, `WARN` or `ERROR`, for the SDK and for this project. @default 'INFO' */
  logLevel?: LogLevel;
  /** `text` for people, `json` for one object a line. @default 'text' */
  logFormat?: LogFormat;
  /** `host:port` where Prometheus may scrape `/metrics`; no metrics are served without it. */
  metricsAddress?: string;
  /** Where log lines go. @default standard error */
  write?: (line: string) => void;
}

const LEVELS: readonly LogLevel[] = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR'];
/** Seconds: a gate takes milliseconds, a training step of a large model hours. */
const BUCKETS = [0.01, 0.05, 0.25, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600, 14_400];

let installed = false;

/** Settings of `installTelemetry` by environment: `R_ZERO_LOG_LEVEL`, `R_ZERO_LOG_FORMAT`, `R_ZERO_METRICS_ADDRESS`. */
export function telemetryOf(env: NodeJS.ProcessEnv): TelemetryOptions {
  const { R_ZERO_LOG_LEVEL: level, R_ZERO_LOG_FORMAT: format, R_ZERO_METRICS_ADDRESS: metricsAddress } = env;
  return {
    ...(level ? { logLevel: level.toUpperCase() as LogLevel } : {}),
    ...(format ? { logFormat: format.toLowerCase() as LogFormat } : {}),
    ...(metricsAddress ? { metricsAddress } : {}),
  };
}

/**
 * Installs the runtime; must come before the first connection or worker of the process. A second call does nothing,
 * because a process has one runtime.
 *
 * @throws RZeroError `RunInputInvalid` for an unknown level or format or a malformed address, `PortInUse` when metrics cannot
 *   be served there
 */
export function installTelemetry(options: TelemetryOptions = {}): void {
  if (installed) return;
  const { logLevel = 'INFO', logFormat = 'text', metricsAddress } = options;
  checkChoice('R_ZERO_LOG_LEVEL', 'log level', logLevel, LEVELS);
  checkChoice('R_ZERO_LOG_FORMAT', 'log format', logFormat, LOG_FORMATS);
  const write = options.write ?? ((line) => process.stderr.write(`${line}\n`));
  const logger = new DefaultLogger(logLevel, (entry) => write(formatLine(entry, logFormat)));
  const metrics = metricsAddress === undefined ? {} : { metrics: prometheus(metricsAddress) };
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
    if (metricsAddress !== undefined && /address|bind|in use/i.test(message)) {
      throw new RZeroError('PortInUse', `Metrics cannot be served at ${metricsAddress}: ${message}.`, {
        field: 'R_ZERO_METRICS_ADDRESS',
        fix: 'Choose another address, or leave it out.',
        cause: error,
      });
    }
    throw error;
  }
  installed = true;
}

function checkChoice(field: string, what: string, value: string, known: readonly string[]): void {
  if (known.includes(value)) return;
  throw new RZeroError('RunInputInvalid', `Unknown ${what} "${value}".`, {
    field,
    fix: `Choose one of ${known.join(', ')}.`,
  });
}

function prometheus(bindAddress: string): {
  prometheus: { bindAddress: string; histogramBucketOverrides: Record<string, number[]> };
} {
  if (!/^[^\s:]+:\d{1,5}$|^\[[0-9a-fA-F:]+\]:\d{1,5}$/.test(bindAddress)) {
    throw new RZeroError('RunInputInvalid', `"${bindAddress}" is no address for metrics.`, {
      field: 'R_ZERO_METRICS_ADDRESS',
      fix: 'Write host and port, e.g. 127.0.0.1:9464.',
    });
  }
  const ours = ['r_zero_unit_seconds', 'r_zero_queue_seconds', 'r_zero_heartbeat_lag_seconds'];
  return {
    prometheus: { bindAddress, histogramBucketOverrides: Object.fromEntries(ours.map((name) => [name, BUCKETS])) },
  };
}
