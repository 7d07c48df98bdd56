import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { RZeroError } from '../../activities/errors.ts';
import { systemErrorCode } from './file-errors.ts';
import { waitForLock } from './file-lock.ts';
import { silent } from './progress.ts';
import type { ReportSetup } from './progress.ts';
import { findPython } from './python.ts';
import { explainFailure, runCommand, succeeded } from './run-command.ts';
import {
  addonPackage,
  addonPath,
  findCompiler,
  installAddon,
  requireCompiler,
  requireWritable,
  verifyAddon,
} from './tensorflow-addon.ts';
import type { AddonReport } from './tensorflow-addon.ts';
import { cachedLibrary, fetchLibrary, hasNvidiaGpu, namedLibrary } from './tensorflow-library.ts';
import type { TensorFlowLibrary } from './tensorflow-library.ts';
import { LIBTENSORFLOW_VERSION, libraryWheels } from './tensorflow-wheels.ts';
import type { LibraryFlavour } from './tensorflow-wheels.ts';

/** What the engine will compute with, as set-up left it. Kept beside the addon, so a fresh node_modules starts without one. */
export interface TensorFlowSetup {
  version: 1;
  backend: 'cuda' | 'cpu' | 'wasm';
  source: 'environment' | 'cache' | 'wheel' | 'present' | 'package-installer' | 'none';
  /** Folder of libtensorflow. */
  library?: string;
  /** Version of libtensorflow, e.g. `2.21.0`. */
  libraryVersion?: string;
  /** Why the native library is not used; with `wasm` only. */
  reason?: string;
  /** What the choice depended on: when it changes, the choice is made again. */
  basis: string;
  /** Milliseconds since the epoch. */
  at: number;
}

export interface TensorFlowOptions {
  env?: NodeJS.ProcessEnv;
  report?: ReportSetup;
  /** Folder of `@tensorflow/tfjs-node-gpu`. @default the installed one */
  packageDir?: string;
}

// Long enough not to repeat a failing download at every start, short enough to mend itself.
const RETRY_NATIVE_MS = 24 * 3_600_000;

/**
 * Makes native TensorFlow ready: a library named by the user (`R_ZERO_LIBTENSORFLOW`), the cache, the wheel (with CUDA
 * when there is an NVIDIA GPU), the npm package's own installer. When none works, the WebAssembly backend is recorded, with
 * the reason, and announced loudly. `R_ZERO_TENSORFLOW` = `cpu`, `cuda` or `wasm` decides instead; then a failure is an error.
 */
export async function ensureTensorFlow({
  env = process.env,
  report = silent,
  packageDir = addonPackage(),
}: TensorFlowOptions = {}): Promise<TensorFlowSetup> {
  const forced = forcedBackend(env);
  const basis = await describeBasis(env, forced);
  const known = readTensorFlowSetup(packageDir);
  if (known && known.basis === basis && isStillValid(known, packageDir)) return known;

  const lock = await lockPackage(packageDir);
  try {
    const setup = await install({ env, report, packageDir, forced, basis });
    record(packageDir, setup);
    announce(setup, report);
    return setup;
  } finally {
    lock?.release();
  }
}

interface Installation {
  env: NodeJS.ProcessEnv;
  report: ReportSetup;
  packageDir: string;
  forced: TensorFlowSetup['backend'] | undefined;
  basis: string;
}

async function install(installation: Installation): Promise<TensorFlowSetup> {
  const { env, report, packageDir, forced, basis } = installation;
  const result = (rest: Omit<TensorFlowSetup, 'version' | 'basis' | 'at'>): TensorFlowSetup => ({
    version: 1,
    basis,
    at: Date.now(),
    ...rest,
  });
  if (forced === 'wasm') return result({ backend: 'wasm', source: 'none', reason: 'R_ZERO_TENSORFLOW=wasm' });

  const named = namedLibrary(env);
  if (named) return result(await useLibrary(installation, named, 'environment'));

  const refusals: string[] = [];
  const wantsCuda =
    forced === 'cuda' || (forced === undefined && (await hasNvidiaGpu(env)) && libraryWheels('cuda') !== undefined);
  const present = await verifyAddon(packageDir, env);
  if (!('failure' in present) && forced === undefined && (!wantsCuda || present.gpu)) {
    return result({ backend: present.gpu ? 'cuda' : 'cpu', source: 'present', libraryVersion: present.version });
  }
  for (const flavour of flavours(forced, wantsCuda)) {
    try {
      // Before hundreds of megabytes are fetched for nothing.
      requireWritable(packageDir);
      await requireCompiler(env);
      const cached = cachedLibrary(flavour, env);
      const library = cached ?? (await fetchLibrary(flavour, env, report));
      return result(await useLibrary(installation, library, cached ? 'cache' : 'wheel'));
    } catch (error) {
      if (!(error instanceof RZeroError) || error.code === 'DiskFull' || forced !== undefined) throw error;
      refusals.push(error.message);
      report({ part: 'tensorflow', kind: 'warning', message: error.message });
    }
  }
  try {
    return result(await runPackageInstaller(installation, wantsCuda));
  } catch (error) {
    if (!(error instanceof RZeroError)) throw error;
    refusals.push(error.message);
  }
  return result({ backend: 'wasm', source: 'none', reason: refusals.join(' ') });
}

function flavours(forced: TensorFlowSetup['backend'] | undefined, wantsCuda: boolean): LibraryFlavour[] {
  if (forced === 'cuda' || forced === 'cpu') return [forced];
  return wantsCuda ? ['cuda', 'cpu'] : ['cpu'];
}

type Installed = Omit<TensorFlowSetup, 'version' | 'basis' | 'at'>;

async function useLibrary(
  { packageDir, env, report, forced }: Installation,
  library: TensorFlowLibrary,
  source: 'environment' | 'cache' | 'wheel',
): Promise<Installed> {
  await installAddon(packageDir, library, env, report);
  const check = requireWorking(await verifyAddon(packageDir, env), library.directory);
  if (forced === 'cuda' && !check.gpu) {
    throw new RZeroError('SetupFailed', 'TensorFlow was installed with CUDA, but sees no GPU.', {
      fix: 'Look at `nvidia-smi` (driver 525 or newer) and CUDA_VISIBLE_DEVICES, or unset R_ZERO_TENSORFLOW to run on the CPU.',
      field: 'R_ZERO_TENSORFLOW',
    });
  }
  const solver = join(dirname(library.directory), 'nvidia', 'cusolver', 'lib');
  if (!check.gpu && (library.flavour === 'cuda' || (existsSync(solver) && (await hasNvidiaGpu(env))))) {
    // In the cache set-up has put that right itself (`linkSolver`); what somebody else has installed it leaves alone.
    const own = source === 'environment' ? `, and LD_LIBRARY_PATH, where TensorFlow needs ${solver}` : '';
    report({
      part: 'tensorflow',
      kind: 'warning',
      message: `TensorFlow sees no usable GPU (see \`nvidia-smi\`: driver 525 or newer${own}); it runs on the CPU.`,
    });
  }
  return { backend: check.gpu ? 'cuda' : 'cpu', source, library: library.directory, libraryVersion: check.version };
}

function requireWorking(check: AddonReport | { failure: string }, directory: string): AddonReport {
  if (!('failure' in check)) return check;
  throw new RZeroError('SetupFailed', `The TensorFlow library in ${directory} cannot be used (${check.failure}).`, {
    fix: `Delete ${dirname(directory)} and start again to fetch it afresh.`,
  });
}

/** The installer that npm would run if install scripts were on: TensorFlow 2.9 from the project's own storage. */
async function runPackageInstaller({ packageDir, env, report }: Installation, gpu: boolean): Promise<Installed> {
  report({
    part: 'tensorflow',
    kind: 'info',
    message: 'Trying the installer of the npm package instead (TensorFlow 2.9, about 150 MB)',
  });
  const bin = [join(packageDir, 'node_modules', '.bin'), join(dirname(dirname(packageDir)), '.bin')];
  const result = await runCommand(process.execPath, ['scripts/install.js', gpu ? 'gpu' : 'cpu', 'download'], {
    cwd: packageDir,
    env: { ...env, PATH: [...bin, env['PATH'] ?? ''].join(delimiter) },
    timeoutMs: 20 * 60_000,
  });
  const check = succeeded(result) ? await verifyAddon(packageDir, env) : { failure: explainFailure(result, 2) };
  if (!('failure' in check))
    return { backend: check.gpu ? 'cuda' : 'cpu', source: 'package-installer', libraryVersion: check.version };
  throw new RZeroError('SetupFailed', `The installer of @tensorflow/tfjs-node-gpu failed (${check.failure}).`);
}

function forcedBackend(env: NodeJS.ProcessEnv): TensorFlowSetup['backend'] | undefined {
  const value = env['R_ZERO_TENSORFLOW'];
  if (!value || value === 'auto') return undefined;
  if (value === 'cpu' || value === 'cuda' || value === 'wasm') return value;
  throw new RZeroError('SetupFailed', `R_ZERO_TENSORFLOW is "${value}".`, {
    fix: 'Set it to cpu, cuda, wasm or auto.',
    field: 'R_ZERO_TENSORFLOW',
  });
}

/** Cheap to compute: it is compared at every start. */
async function describeBasis(env: NodeJS.ProcessEnv, forced: string | undefined): Promise<string> {
  const gpu = existsSync('/proc/driver/nvidia/version') || existsSync('/dev/nvidiactl');
  return JSON.stringify([
    LIBTENSORFLOW_VERSION,
    process.platform,
    process.arch,
    forced ?? 'auto',
    env['R_ZERO_LIBTENSORFLOW'] ?? '',
    gpu,
  ]);
}

function isStillValid(setup: TensorFlowSetup, packageDir: string): boolean {
  if (setup.backend === 'wasm')
    return setup.reason === 'R_ZERO_TENSORFLOW=wasm' || Date.now() - setup.at < RETRY_NATIVE_MS;
  if (!existsSync(addonPath(packageDir))) return false;
  const library = join(packageDir, 'deps', 'lib');
  if (!existsSync(library)) return false;
  return (
    setup.library === undefined || (existsSync(setup.library) && realpathSync(library) === realpathSync(setup.library))
  );
}

const RECORD = 'r-zero-setup.json';

export function readTensorFlowSetup(packageDir: string = addonPackage()): TensorFlowSetup | undefined {
  try {
    const value = JSON.parse(readFileSync(join(packageDir, RECORD), 'utf8')) as TensorFlowSetup;
    return value.version === 1 ? value : undefined;
  } catch {
    // Missing or cut short: set-up looks at the machine again, which is always right.
    return undefined;
  }
}

function record(packageDir: string, setup: TensorFlowSetup): void {
  try {
    mkdirSync(packageDir, { recursive: true });
    writeFileSync(join(packageDir, RECORD), `${JSON.stringify(setup, null, 2)}\n`);
  } catch (error) {
    // An installation that this user cannot write (an image, a system-wide one) is looked at again next time.
    if (!['EACCES', 'EROFS', 'EPERM'].includes(systemErrorCode(error) ?? '')) throw error;
  }
}

async function lockPackage(packageDir: string): Promise<{ release(): void } | undefined> {
  try {
    return await waitForLock(join(packageDir, 'r-zero-setup.lock'), { waitMs: 60 * 60_000 });
  } catch (error) {
    if (['EACCES', 'EROFS', 'EPERM'].includes(systemErrorCode(error) ?? '')) return undefined;
    throw error;
  }
}

function announce(setup: TensorFlowSetup, report: ReportSetup): void {
  if (setup.backend !== 'wasm') {
    const where = setup.backend === 'cuda' ? 'on the GPU' : 'on the CPU';
    report({
      part: 'tensorflow',
      kind: 'done',
      message: `TensorFlow ${setup.libraryVersion} is ready and runs ${where}.`,
    });
    return;
  }
  const lines = [
    'Native TensorFlow is not available: the model runs on the slower WebAssembly backend.',
    ...(setup.reason ? [`Why: ${setup.reason}`] : []),
    'Run `npx r-zero doctor` for the fix; everything else works the same.',
  ];
  for (const message of lines) report({ part: 'tensorflow', kind: 'warning', message });
}

export interface BuildTools {
  python: Awaited<ReturnType<typeof findPython>>;
  compiler: Awaited<ReturnType<typeof findCompiler>>;
}

/** What this machine offers for building, for `r-zero doctor`. */
export async function findBuildTools(env: NodeJS.ProcessEnv = process.env): Promise<BuildTools> {
  const [python, compiler] = await Promise.all([findPython(env), findCompiler(env)]);
  return { python, compiler };
}

/** Forgets what is recorded, so that the next start chooses again. */
export function forgetTensorFlowSetup(packageDir: string = addonPackage()): void {
  rmSync(join(packageDir, RECORD), { force: true });
}
