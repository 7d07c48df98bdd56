/** The Python that runs the public code's own libraries, in a virtual environment of its own in the user's cache. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RZeroError } from '../../activities/errors.ts';
import { cacheDirectory, ensureArtifact } from '../../infra/setup/cache.ts';
import { installHint, requirePython } from '../../infra/setup/python.ts';
import { explainFailure, runCommand, succeeded } from '../../infra/setup/run-command.ts';

const REQUIREMENTS = fileURLToPath(new URL('method-requirements.txt', import.meta.url));
/** Of numpy 2.2 and scikit-learn 1.7. */
const OLDEST_MINOR = 10;
const INSTALL_MS = 20 * 60_000;

/** Path of a Python with the pinned libraries; made on first use, which takes a minute and needs the package index. */
export async function referencePython(report: (line: string) => void): Promise<string> {
  const base = await requirePython('run the reference of this benchmark');
  if (Number(base.version.split('.')[1]) < OLDEST_MINOR) {
    throw new RZeroError('PythonMissing', `The reference needs Python 3.${OLDEST_MINOR}; this is ${base.version}.`, {
      fix: 'Set R_ZERO_PYTHON to a newer one.',
    });
  }
  const pins = createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex').slice(0, 12);
  const folder = await ensureArtifact({
    name: `bench-python-${base.version}-${pins}-${process.platform}-${process.arch}`,
    cache: cacheDirectory(),
    onWait: () => report('Another process is preparing the Python environment.'),
    build: async (staging) => {
      report('Preparing a Python environment with the libraries of the public code (once) …');
      const made = await runCommand(base.program, ['-m', 'venv', staging], { timeoutMs: INSTALL_MS });
      if (!succeeded(made)) {
        throw new RZeroError('SetupFailed', `No virtual environment could be made: ${explainFailure(made)}.`, {
          fix: `Install Python's venv (${installHint('python3-venv')}), or set R_ZERO_PYTHON to a Python that has it.`,
        });
      }
      const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--requirement', REQUIREMENTS];
      const installed = await runCommand(pythonOf(staging), install, { timeoutMs: INSTALL_MS });
      if (!succeeded(installed)) {
        throw new RZeroError('SetupFailed', `Installing the reference failed: ${explainFailure(installed)}.`, {
          fix: 'Check the connection to the package index that pip uses, and start again.',
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
