/** The `r-zero` command. Set-up (infra/setup/r-zero.mjs) has run before; arguments come without node and script. */
import { CommanderError } from 'commander';
import { packageVersion } from '../package-info.ts';
import { createRunner } from './command-runner.ts';
import { createProgram } from './program.ts';
import { USAGE_EXIT_CODE } from './report-error.ts';

/** A forgotten handle must not keep a finished command alive. */
const LINGER_MS = 3_000;

/**
 * Runs one command. Never throws.
 *
 * @returns exit code: 0, 1 after a failure, 2 for wrong usage, 128 + signal after Ctrl-C or a kill
 */
export async function main(argv: readonly string[]): Promise<number> {
  quietWhenNobodyReads();
  const runner = createRunner();
  const program = createProgram({ version: packageVersion(), runner });
  let exitCode: number;
  try {
    await program.parseAsync([...argv], { from: 'user' });
    exitCode = runner.exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help and version arrive as errors with exit code 0; commander has printed the others.
    exitCode = error.exitCode === 0 ? 0 : USAGE_EXIT_CODE;
  }
  setTimeout(() => process.exit(exitCode), LINGER_MS).unref();
  return exitCode;
}

/** `r-zero run list | head` closes the pipe early; that is no failure, but there is nobody left to work for. */
function quietWhenNobodyReads(): void {
  let stopping = false;
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      // Once only: a second signal would end the process before the servers are stopped.
      if (stopping) return;
      if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
      stopping = true;
      process.kill(process.pid, 'SIGTERM');
    });
  }
}
