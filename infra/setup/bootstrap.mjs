// Everything between a clean clone and the first line of TypeScript: locked dependencies, the TypeScript loader, natives.
// Plain JavaScript, because it runs before anything is installed.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/**
 * Makes the project loadable and hands over to `infra/cli/main.ts`, in this process, so that Ctrl-C and the exit code are
 * simply its own. What else a command needs it fetches itself, once it has understood what it is asked for.
 * @param {string[]} argv without node and script
 * @returns {Promise<number | undefined>} exit code
 */
export async function startCommand(argv) {
  await prepareRuntime();
  const { main } = await importProject('infra/cli/main');
  return main(argv);
}

/** Installed dependencies and, in a checkout, the TypeScript loader; after this, project modules can be imported. */
export async function prepareRuntime() {
  if (!isCheckout()) return;
  await installDependencies();
  const loader = import.meta.resolve('tsx');
  const { register } = await import('tsx/esm/api');
  register();
  // Forked children (the engine, the worker) take these options over and so read TypeScript too.
  process.execArgv.push('--import', loader);
}

/**
 * Fetches natives, telling what happens. Prints the failure and returns false when a needed one cannot be had.
 * @param {string[]} needs
 */
export async function provision(needs) {
  const { provisionNatives } = await importProject('infra/setup/provision');
  try {
    await provisionNatives(needs);
    return true;
  } catch (error) {
    if (error.name !== 'RZeroError') throw error;
    console.error(`${error.code}: ${error.message}`);
    return false;
  }
}

/** Imports a module of the project: its source in a checkout, the compiled form in an installed package. */
export function importProject(path) {
  const file = isCheckout() ? join(root, `${path}.ts`) : join(root, 'dist', `${path}.js`);
  return import(pathToFileURL(file).href);
}

/** True for a clone, with sources and lock file; false for the published package, which holds `dist`. */
export function isCheckout() {
  const inPackages = root.split(sep).includes('node_modules');
  return (
    !inPackages && existsSync(join(root, 'package-lock.json')) && existsSync(join(root, 'infra/setup/provision.ts'))
  );
}

/** Far above what an installation over a slow line takes. */
const LOCK_WAIT_MS = 20 * 60_000;

/**
 * `npm ci` when the installed packages are not those of package-lock.json; one process at a time.
 * @param {number} waitMs how long another process may be at it
 */
export async function installDependencies(waitMs = LOCK_WAIT_MS) {
  if (areDependenciesFresh()) return;
  const lock = await holdInstallLock(waitMs);
  try {
    if (areDependenciesFresh()) return;
    const count = Object.keys(readJson(join(root, 'package-lock.json')).packages ?? {}).length - 1;
    console.error(`  Installing the locked npm packages (${count}, about 800 MB) into ${join(root, 'node_modules')}`);
    const stopClock = showClock();
    const { code, output } = await runNpm([
      'ci',
      '--ignore-scripts',
      '--include=dev',
      '--include=optional',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
    ]);
    stopClock();
    if (code !== 0) {
      throw problem(
        'SetupFailed',
        `npm ci failed (exit code ${code}):\n${output}`,
        'Check the network, the npm configuration and free disk space, then start again.',
      );
    }
    // npm makes no folder when there is nothing to put into it.
    mkdirSync(dirname(stampPath()), { recursive: true });
    writeFileSync(stampPath(), lockHash());
    console.error('✓ The npm packages are installed.');
  } finally {
    lock.release();
  }
}

async function holdInstallLock(waitMs) {
  // Only a checkout has it; the published package never comes here.
  const { takeInstallLock } = await import('./install-lock.mjs');
  const path = join(root, '.r-zero', 'install.lock');
  const onWait = () => console.error(`  Another r-zero is installing the npm packages here (${path}); waiting for it.`);
  let lock;
  try {
    mkdirSync(dirname(path), { recursive: true });
    lock = await takeInstallLock(path, { waitMs, onWait });
  } catch (error) {
    throw problem(
      'SetupFailed',
      `The lock ${path} cannot be taken (${error.code ?? error.message}).`,
      'Make the folder writable for this user.',
    );
  }
  if (lock.heldBy === undefined) return lock;
  throw problem(
    'SetupFailed',
    `Process ${lock.heldBy} still holds ${path} after ${Math.round(waitMs / 1000)} seconds.`,
    `Wait until its npm has finished, or end it with: kill ${lock.heldBy}`,
  );
}

/** npm tells nothing while it works; on a terminal, the seconds show that something happens. */
function showClock() {
  if (!process.stderr.isTTY) return () => undefined;
  const started = Date.now();
  const timer = setInterval(() => process.stderr.write(`\r  ${Math.round((Date.now() - started) / 1000)} s`), 1000);
  return () => {
    clearInterval(timer);
    process.stderr.write('\r\u001b[K');
  };
}

const stampPath = () => join(root, 'node_modules', '.r-zero-lock');
const lockHash = () =>
  createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');

function areDependenciesFresh() {
  if (existsSync(stampPath()) && readFileSync(stampPath(), 'utf8') === lockHash()) return true;
  // Somebody ran npm by hand: compare what npm recorded as installed with the lock file.
  const installedPath = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installedPath)) return false;
  const installed = readJson(installedPath).packages ?? {};
  const locked = Object.entries(readJson(join(root, 'package-lock.json')).packages ?? {}).filter(
    ([path]) => path !== '',
  );
  const fresh = locked.every(([path, { version, optional, devOptional }]) =>
    installed[path] ? installed[path].version === version : Boolean(optional || devOptional),
  );
  if (fresh) writeFileSync(stampPath(), lockHash());
  return fresh;
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    // Cut short by an interrupted npm: as good as absent, the install that follows writes it anew.
    if (basename(path) === '.package-lock.json') return {};
    throw error;
  }
}

function runNpm(args) {
  // Under `npm start`, this very npm; it may not be on the PATH by its name.
  const [program, ...first] = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm'];
  return new Promise((resolve) => {
    const child = spawn(program, [...first, ...args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    // npm names the cause first and then explains its options at length.
    const keep = (text) => (output = (output + text).slice(0, 1500));
    child.stdout.setEncoding('utf8').on('data', keep);
    child.stderr.setEncoding('utf8').on('data', keep);
    child.on('error', (error) => resolve({ code: error.code, output: 'npm was not found; it comes with Node.' }));
    // Registries are often private mirrors: their addresses stay out of what is shown.
    child.on('close', (code) => resolve({ code, output: output.replace(/\bhttps?:\/\/\S+/g, '<address>').trim() }));
  });
}

function problem(code, message, fix) {
  return Object.assign(new Error(`${message} ${fix}`), { code, fix });
}
