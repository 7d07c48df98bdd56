import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { CONTROL_NAMES } from '../../activities/control.ts';
import { DEFAULT_DATA_DIR } from './demo-run.ts';

/** Options that every command has. */
export interface CommonOptions {
  dataDir: string;
  verbose: boolean;
}

/** Adds `--data-dir` and `--verbose`. */
export function withCommonOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--data-dir <folder>', 'folder of servers, checkpoints and logs')
        .env('R_ZERO_DATA_DIR')
        .default(DEFAULT_DATA_DIR),
    )
    .option('--verbose', 'print the stack of an error', false);
}

/** A whole number in a range, for `argParser`. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
    throw new InvalidArgumentError(`Give a whole number ${range}.`);
  };
}

/** A run id: letters, digits, `.`, `_` and `-`, at most 100, the first a letter or digit. */
export function runName(text: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(text)) return text;
  throw new InvalidArgumentError(
    'Use letters, digits, ".", "_" and "-", at most 100, starting with a letter or digit.',
  );
}

export const seedOption = () =>
  new Option('--seed <number>', 'seed of every random number of the run (default: 1)').argParser(
    wholeNumber(0, Number.MAX_SAFE_INTEGER),
  );

export const iterationsOption = (text: string) =>
  new Option('--iterations <number>', text).argParser(wholeNumber(1, 1000));

export const controlOption = () =>
  new Option(
    '--control <kind>',
    'takes one part of the method away, or replaces it, to see what is owed to it (default: none)',
  ).choices([...CONTROL_NAMES]);

export const presetOption = (text = 'formulas of the method: ours (default), the paper’s, or the public code’s') =>
  new Option('--preset <name>', text).choices(['default', 'paper', 'official-code']);

export const modelOption = (text: string) => new Option('--model <model>', text);

export const promptsOption = () =>
  new Option(
    '--prompts <name>',
    '"official", "few-shot" or a file on the worker (default: those of the model, else official)',
  );

/** Options of commands that run a worker. */
export interface TelemetryChoice {
  metrics?: string;
  logFormat?: string;
  logLevel?: string;
}

/** Adds `--metrics`, `--log-format` and `--log-level`. */
export function withTelemetryOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--metrics <host:port>', 'serve metrics for Prometheus there (default: not)').env(
        'R_ZERO_METRICS_ADDRESS',
      ),
    )
    .addOption(
      new Option('--log-format <format>', 'how the worker logs: text, or json, one object a line (default: text)')
        .env('R_ZERO_LOG_FORMAT')
        .choices(['text', 'json']),
    )
    .addOption(
      new Option('--log-level <level>', 'from which level on the worker logs (default: info)')
        .env('R_ZERO_LOG_LEVEL')
        .argParser((text: string) => text.toLowerCase()),
    );
}

/** The same choice, as the worker's process is told of it. */
export function telemetryEnvironment({ metrics, logFormat, logLevel }: TelemetryChoice): NodeJS.ProcessEnv {
  return {
    ...(metrics === undefined ? {} : { R_ZERO_METRICS_ADDRESS: metrics }),
    ...(logFormat === undefined ? {} : { R_ZERO_LOG_FORMAT: logFormat }),
    ...(logLevel === undefined ? {} : { R_ZERO_LOG_LEVEL: logLevel }),
  };
}
