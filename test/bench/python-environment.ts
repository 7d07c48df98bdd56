/** A Python with pinned libraries for the other side of a benchmark: a virtual environment in the user's cache. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RZeroError } from '../../activities/errors.ts';
import { cacheDirectory, ensureArtifact } from '../../infra/setup/cache.ts';
import { installHint, requirePython } from '../../infra/setup/python.ts';
import { explainFailure, runCommand, succeeded } from '../../infra/setup/run-command.ts';

export interface EnvironmentOptions {
  /** In the name of its folder. */
  name: string;
  /** Completes "a Python environment with …" and "Installing … failed". */
  contents: string;
  /** Completes "Python is needed to …". */
  purpose: string;
  /** Least y of a Python 3.y that the pinned versions run on. */
  oldestMinor: number;
  /** Path of a requirements file. */
  requirements: string;
  /** Whether the file names everything, so that pip adds nothing of its own. @default false */
  complete?: boolean;
  /** A Python program that is run in the finished environment and may still change it. */
  finish?: string;
}

const INSTALL_MS = 20 * 60_000;

/**
 * Path of its Python; made on first use, which needs the package index.
 *
 * @throws RZeroError `PythonMissing`, `SetupFailed`
 */
export async function pythonEnvironment(options: EnvironmentOptions, report: (line: string) => void): Promise<string> {
  const { name, contents, purpose, oldestMinor, requirements, complete, finish } = options;
  const base = await requirePython(purpose);
  if (Number(base.version.split('.')[1]) < oldestMinor) {
    throw new RZeroError(
      'PythonMissing',
      `Python 3.${oldestMinor} or newer is needed to ${purpose}; this is ${base.version}.`,
      { fix: 'Set R_ZERO_PYTHON to a newer one.' },
    );
  }
  const pins = createHash('sha256').update(readFileSync(requirements));
  if (finish) pins.update(readFileSync(finish));
  const folder = await ensureArtifact({
    name: `${name}-${base.version}-${pins.digest('hex').slice(0, 12)}-${process.platform}-${process.arch}`,
    cache: cacheDirectory(),
    onWait: () => report('Another process is preparing the Python environment.'),
    build: async (staging) => {
      report(`Preparing a Python environment with ${contents} (once) …`);
      const made = await runCommand(base.program, ['-m', 'venv', staging], { timeoutMs: INSTALL_MS });
      if (!succeeded(made)) {
        throw new RZeroError('SetupFailed', `No virtual environment could be made: ${explainFailure(made)}.`, {
          fix: `Install Python's venv (${installHint('python3-venv')}), or set R_ZERO_PYTHON to a Python that has it.`,
        });
      }
      const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--requirement', requirements];
      if (complete) install.push('--no-deps', '--only-binary', ':all:');
      const installed = await runCommand(pythonOf(staging), install, { timeoutMs: INSTALL_MS });
      if (!succeeded(installed)) {
        throw new RZeroError('SetupFailed', `Installing ${contents} failed: ${explainFailure(installed)}.`, {
          fix: 'Check the connection to the package index that pip uses and the free space, and start again.',
        });
      }
      if (!finish) return;
      const finished = await runCommand(pythonOf(staging), [finish], { timeoutMs: INSTALL_MS });
      if (!succeeded(finished)) {
        throw new RZeroError('SetupFailed', `Preparing ${contents} failed: ${explainFailure(finished)}.`, {
          fix: `Install a compiler (${installHint('gcc binutils')}), or name a Python that has them.`,
        });
      }
    },
  });
  // A virtual environment may be moved: its Python finds its libraries from where it is.
  return pythonOf(folder);
}

function pythonOf(folder: string): string {
  return join(folder, 'bin', 'python');
}
