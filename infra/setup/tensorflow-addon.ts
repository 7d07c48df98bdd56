import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RZeroError } from '../../activities/errors.ts';
import { cacheDirectory, ensureArtifact } from './cache.ts';
import type { ReportSetup } from './progress.ts';
import { installHint } from './python.ts';
import { explainFailure, runCommand, succeeded } from './run-command.ts';
import type { TensorFlowLibrary } from './tensorflow-library.ts';

const requireCjs = createRequire(import.meta.url);

/** Folder of the installed `@tensorflow/tfjs-node-gpu`. */
export function addonPackage(): string {
  try {
    return dirname(requireCjs.resolve('@tensorflow/tfjs-node-gpu/package.json'));
  } catch (error) {
    throw new RZeroError('SetupFailed', 'The npm package @tensorflow/tfjs-node-gpu is not installed.', {
      fix: 'Run: npm ci',
      cause: error,
    });
  }
}

/** Where the package looks for its compiled part. */
export function addonPath(packageDir: string): string {
  return join(packageDir, 'lib', 'napi-v8', 'tfjs_binding.node');
}

/** The first C++ compiler that runs: `CXX`, `g++`, `c++`, `clang++`. */
export async function findCompiler(env: NodeJS.ProcessEnv): Promise<{ program: string; version: string } | undefined> {
  for (const program of [env['CXX'], 'g++', 'c++', 'clang++']) {
    if (!program) continue;
    const result = await runCommand(program, ['--version'], { env });
    if (succeeded(result)) return { program, version: result.stdout.split('\n')[0] ?? '' };
  }
  return undefined;
}

export async function requireCompiler(env: NodeJS.ProcessEnv): Promise<string> {
  const compiler = await findCompiler(env);
  if (compiler) return compiler.program;
  throw new RZeroError('SetupFailed', 'A C++ compiler is needed to connect Node to TensorFlow, and was not found.', {
    fix: `Install one (${installHint('g++')}), or set CXX to its path.`,
  });
}

/** The addon lies in the package; an image or a system-wide installation belongs to another user than the one who runs it. */
export function requireWritable(packageDir: string): void {
  try {
    accessSync(packageDir, constants.W_OK);
  } catch (error) {
    throw new RZeroError('SetupFailed', `${packageDir} cannot be written by this user.`, {
      fix: 'Run `npx r-zero setup` as the user who installed the packages, with R_ZERO_CACHE in a folder that everyone who runs them can read.',
      cause: error,
    });
  }
}

/**
 * Compiles the package's unmodified binding against `library`, once per library (it is kept in the cache), and puts it
 * and the links to the library into the package.
 */
export async function installAddon(
  packageDir: string,
  library: TensorFlowLibrary,
  env: NodeJS.ProcessEnv,
  report: ReportSetup,
): Promise<void> {
  requireWritable(packageDir);
  const built = await compileAddon(packageDir, library, env, report);
  const addon = addonPath(packageDir);
  mkdirSync(join(packageDir, 'deps'), { recursive: true });
  mkdirSync(dirname(addon), { recursive: true });
  replaceByLink(join(packageDir, 'deps', 'include'), library.include);
  replaceByLink(join(packageDir, 'deps', 'lib'), library.directory);
  // Renamed into place: a process that has the former addon loaded keeps it.
  const draft = `${addon}.${process.pid}`;
  copyFileSync(built, draft);
  renameSync(draft, addon);
}

async function compileAddon(
  packageDir: string,
  library: TensorFlowLibrary,
  env: NodeJS.ProcessEnv,
  report: ReportSetup,
): Promise<string> {
  const { version } = JSON.parse(readFileSync(join(packageDir, 'package.json'), 'utf8')) as { version: string };
  const real = realpathSync(join(library.directory, library.files.library));
  const { size, mtimeMs } = statSync(real);
  const key = createHash('sha256')
    .update(JSON.stringify([version, real, size, mtimeMs, process.arch]))
    .digest('hex')
    .slice(0, 12);
  const folder = await ensureArtifact({
    name: `tensorflow-addon-${version}-${key}`,
    cache: cacheDirectory(env),
    async build(staging) {
      const compiler = await requireCompiler(env);
      report({
        part: 'tensorflow',
        kind: 'info',
        message: 'Compiling the connection between Node and TensorFlow (about 15 s)',
      });
      const result = await runCommand(
        compiler,
        compilerArguments(packageDir, library, join(staging, 'tfjs_binding.node')),
        {
          env,
          timeoutMs: 15 * 60_000,
        },
      );
      if (!succeeded(result)) {
        throw new RZeroError(
          'SetupFailed',
          `Compiling the TensorFlow addon with ${compiler} failed (${explainFailure(result, 8)}).`,
          {
            fix: `A compiler for C++17 is needed (${installHint('g++')}); set CXX to choose another one.`,
          },
        );
      }
    },
  });
  return join(folder, 'tfjs_binding.node');
}

function compilerArguments(packageDir: string, library: TensorFlowLibrary, output: string): string[] {
  const headers = join(dirname(requireCjs.resolve('node-api-headers/package.json')), 'include');
  const sources = ['tfjs_backend.cc', 'tfjs_binding.cc'].map((name) => join(packageDir, 'binding', name));
  const libraries = [library.files.library, library.files.framework].map((name) => join(library.directory, name));
  const common = [
    '-std=c++17',
    '-O2',
    '-fPIC',
    '-DNAPI_VERSION=8',
    '-I',
    headers,
    '-I',
    library.include,
    ...sources,
    '-o',
    output,
  ];
  // The addon finds the library through the package's deps/lib, so it stays valid when that link is changed.
  return process.platform === 'darwin'
    ? ['-bundle', '-undefined', 'dynamic_lookup', ...common, ...libraries, '-Wl,-rpath,@loader_path/../../deps/lib']
    : ['-shared', ...common, ...libraries, '-Wl,-rpath,$ORIGIN/../../deps/lib'];
}

function replaceByLink(path: string, target: string): void {
  const draft = `${path}.${process.pid}`;
  rmSync(draft, { force: true });
  symlinkSync(target, draft, 'dir');
  // A rename replaces a link at once, but never a folder that the package's own installer made.
  if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true) rmSync(path, { recursive: true });
  renameSync(draft, path);
}

export interface AddonReport {
  /** Version of libtensorflow, e.g. `2.21.0`. */
  version: string;
  /** True when operations run on an NVIDIA GPU. */
  gpu: boolean;
}

/** Loads the addon in a process of its own (a bad library may abort it) and multiplies matrices with it. */
export async function verifyAddon(
  packageDir: string,
  env: NodeJS.ProcessEnv,
): Promise<AddonReport | { failure: string }> {
  if (!existsSync(addonPath(packageDir))) return { failure: 'it is not there' };
  const script = fileURLToPath(new URL(`./verify-tensorflow${extname(import.meta.url)}`, import.meta.url));
  const result = await runCommand(process.execPath, [...process.execArgv, script, packageDir], {
    env: { ...env, TF_CPP_MIN_LOG_LEVEL: '3', TF_FORCE_GPU_ALLOW_GROWTH: 'true' },
    timeoutMs: 5 * 60_000,
  });
  const line = result.stdout.trim().split('\n').at(-1) ?? '';
  if (!succeeded(result) || !line.startsWith('{')) return { failure: explainFailure(result) };
  return JSON.parse(line) as AddonReport;
}
