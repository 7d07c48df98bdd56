import { existsSync, mkdirSync, readdirSync, rmSync, statfsSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { RZeroError } from '../../activities/errors.ts';
import { cacheDirectory, ensureArtifact } from './cache.ts';
import { formatBytes } from './progress.ts';
import type { ReportSetup } from './progress.ts';
import { extractWheel, requirePython } from './python.ts';
import { runCommand, succeeded } from './run-command.ts';
import { LIBTENSORFLOW_VERSION, libraryWheels } from './tensorflow-wheels.ts';
import type { LibraryFlavour } from './tensorflow-wheels.ts';
import { downloadWheels } from './wheel-download.ts';

/** A libtensorflow on this machine, as the addon is built against it. */
export interface TensorFlowLibrary {
  /** Folder with the shared libraries; CUDA's are found relative to it, so it is linked as a folder, never file by file. */
  directory: string;
  include: string;
  /** File names of the library and its framework part. */
  files: { library: string; framework: string };
  flavour: LibraryFlavour | 'unknown';
  source: 'environment' | 'cache';
}

/** The folder a user named in `R_ZERO_LIBTENSORFLOW`: a Python `site-packages/tensorflow`, or an unpacked C library. */
export function namedLibrary(env: NodeJS.ProcessEnv): TensorFlowLibrary | undefined {
  const named = env['R_ZERO_LIBTENSORFLOW'];
  if (!named) return undefined;
  const root = resolve(named);
  for (const [directory, include] of [
    [root, join(root, 'include')],
    [join(root, 'tensorflow'), join(root, 'tensorflow', 'include')],
    [join(root, 'lib'), join(root, 'include')],
  ] as const) {
    const library = inspect(directory, include, 'unknown', 'environment');
    if (library) return library;
  }
  throw new RZeroError(
    'SetupFailed',
    `R_ZERO_LIBTENSORFLOW names ${named}, which holds no libtensorflow with its C headers.`,
    {
      fix: "Name a folder such as site-packages/tensorflow of Python's tensorflow 2.18 to 2.21, or unset it to have one downloaded.",
      field: 'R_ZERO_LIBTENSORFLOW',
    },
  );
}

export function cachedLibrary(flavour: LibraryFlavour, env: NodeJS.ProcessEnv): TensorFlowLibrary | undefined {
  const root = join(cacheDirectory(env), artifactName(flavour), 'tensorflow');
  return inspect(root, join(root, 'include'), flavour, 'cache');
}

/** Downloads the library into the cache. Fails with `PythonMissing`, `DiskFull` or `SetupFailed`. */
export async function fetchLibrary(
  flavour: LibraryFlavour,
  env: NodeJS.ProcessEnv,
  report: ReportSetup,
): Promise<TensorFlowLibrary> {
  const wheels = libraryWheels(flavour);
  if (!wheels)
    throw new RZeroError(
      'SetupFailed',
      `There is no ${flavour} build of TensorFlow for ${process.platform} on ${process.arch}.`,
    );
  const label =
    flavour === 'cuda' ? `TensorFlow ${LIBTENSORFLOW_VERSION} with CUDA` : `TensorFlow ${LIBTENSORFLOW_VERSION}`;
  await ensureArtifact({
    name: artifactName(flavour),
    cache: cacheDirectory(env),
    onWait: () =>
      report({
        part: 'tensorflow',
        kind: 'info',
        message: 'Another set-up is downloading TensorFlow; waiting for it.',
      }),
    async build(staging) {
      const python = await requirePython('download TensorFlow', env);
      requireSpace(staging, wheels.diskBytes, label);
      const download = join(staging, '.download');
      mkdirSync(download);
      const archives = await downloadWheels({
        ...wheels,
        python,
        directory: download,
        destination: cacheDirectory(env),
        part: 'tensorflow',
        label,
        report,
        env,
      });
      report({ part: 'tensorflow', kind: 'info', message: `Unpacking ${label}` });
      for (const archive of archives) {
        await extractWheel(python, archive, staging, wheels.members);
        rmSync(archive);
      }
      rmSync(download, { recursive: true });
      linkUsualNames(join(staging, 'tensorflow'));
      if (flavour === 'cuda') linkSolver(staging);
    },
  });
  const library = cachedLibrary(flavour, env);
  if (library) return library;
  throw new RZeroError('SetupFailed', `The package of ${label} does not hold the expected files.`);
}

function artifactName(flavour: LibraryFlavour): string {
  return `libtensorflow-${LIBTENSORFLOW_VERSION}-${flavour}-${process.platform}-${process.arch}`;
}

const LIBRARY_NAMES = /^libtensorflow(_cc)?(\.so\.2|\.2\.dylib)$/;
const FRAMEWORK_NAMES = /^libtensorflow_framework(\.so\.2|\.2\.dylib)$/;

function inspect(
  directory: string,
  include: string,
  flavour: TensorFlowLibrary['flavour'],
  source: TensorFlowLibrary['source'],
): TensorFlowLibrary | undefined {
  if (!existsSync(join(include, 'tensorflow/c/c_api.h')) || !existsSync(directory)) return undefined;
  const names = readdirSync(directory);
  const library = names.find((name) => LIBRARY_NAMES.test(name));
  const framework = names.find((name) => FRAMEWORK_NAMES.test(name));
  return library && framework ? { directory, include, files: { library, framework }, flavour, source } : undefined;
}

/** The names that a linker and the npm package's own scripts look for. */
function linkUsualNames(directory: string): void {
  if (process.platform !== 'linux') return;
  symlinkSync('libtensorflow_cc.so.2', join(directory, 'libtensorflow.so'));
  symlinkSync('libtensorflow_cc.so.2', join(directory, 'libtensorflow.so.2.9.1'));
  symlinkSync('libtensorflow_framework.so.2', join(directory, 'libtensorflow_framework.so'));
}

/**
 * TensorFlow 2.21 runs on no GPU unless it can load cuSOLVER, and the part that loads it (the framework library) does not look
 * into cuSOLVER's folder, only into those of the other CUDA libraries (its RUNPATH). From the folder of cuSPARSE, which it does
 * look into, cuSOLVER finds what it needs itself.
 *
 * @param root holds `nvidia`, as the wheels leave it
 */
export function linkSolver(root: string): void {
  const solver = 'libcusolver.so.11';
  const seen = join(root, 'nvidia', 'cusparse', 'lib', solver);
  if (!existsSync(join(root, 'nvidia', 'cusolver', 'lib', solver)) || existsSync(seen)) return;
  symlinkSync(join('..', '..', 'cusolver', 'lib', solver), seen);
}

function requireSpace(path: string, needed: number, label: string): void {
  const { bavail, bsize } = statfsSync(path);
  if (bavail * bsize >= needed) return;
  throw new RZeroError(
    'DiskFull',
    `${label} needs ${formatBytes(needed)} of disk while it is unpacked; ${formatBytes(bavail * bsize)} are free.`,
    {
      fix: 'Free some space, or set R_ZERO_CACHE to a folder on another disk.',
    },
  );
}

/** True when an NVIDIA driver is loaded here, in a container or under WSL too. */
export async function hasNvidiaGpu(env: NodeJS.ProcessEnv): Promise<boolean> {
  if (existsSync('/proc/driver/nvidia/version') && existsSync('/dev/nvidiactl')) return true;
  const listing = await runCommand('nvidia-smi', ['-L'], { env, timeoutMs: 15_000 });
  return succeeded(listing) && /^GPU \d+/m.test(listing.stdout);
}
