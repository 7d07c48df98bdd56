import { join, resolve } from 'node:path';
import type { CommonOptions } from './options.ts';
import { AlreadyReported, Interrupted, describeError, exitCodeOf } from './report-error.ts';
import { openTerminal } from './terminal.ts';
import type { Terminal } from './terminal.ts';

/** Runs the body of a command; failures become lines on standard error and an exit code. */
export interface CommandRunner {
  /** @param json standard output is for a script, so progress goes to standard error */
  run(options: CommonOptions, json: boolean, body: (terminal: Terminal) => Promise<number | void>): Promise<void>;
  /** 0 until a command failed. */
  readonly exitCode: number;
}

export function createRunner(): CommandRunner {
  let exitCode = 0;
  return {
    get exitCode() {
      return exitCode;
    },
    async run(options, json, body) {
      const terminal = openTerminal({ json });
      try {
        exitCode = (await body(terminal)) ?? 0;
      } catch (error) {
        exitCode = exitCodeOf(error);
        if (error instanceof Interrupted || error instanceof AlreadyReported) return;
        const logs = join(resolve(options.dataDir), 'logs');
        const lines = describeError(error, { verbose: options.verbose, logs, paint: terminal.style });
        process.stderr.write(`${lines.join('\n')}\n`);
      }
    },
  };
}
