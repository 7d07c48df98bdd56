#!/usr/bin/env node
// What `npm test` runs: set-up as for `npm start`, then the suites, the quick and pure ones first. Arguments select folders or
// files (`npm test -- test/method`); options go to Node's test runner (`npm test -- --test-name-pattern=gate`).
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const FIRST = ['method', 'conformance', 'engine', 'pretrain', 'db'];
const LAST = ['workflows', 'plugin', 'reliability', 'e2e'];
const SEPARATE = ['soak', 'bench'];
/** Files at a time; `npm test -- --test-concurrency=1` to have them one by one. Half of the time most tests wait. */
const AT_ONCE = Math.min(2, availableParallelism());

const testRoot = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), 'test');
const argv = process.argv.slice(2);
const options = argv.filter((word) => word.startsWith('-'));
const selected = argv.filter((word) => !word.startsWith('-'));

function testFiles(path) {
  if (!existsSync(path)) throw new Error(`There is no ${path}.`);
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { withFileTypes: true }).flatMap((entry) => {
    const child = join(path, entry.name);
    return entry.isDirectory() ? testFiles(child) : entry.name.endsWith('.test.ts') ? [child] : [];
  });
}

function rank(file) {
  const folder = relative(testRoot, file).split(/[\\/]/)[0];
  if (FIRST.includes(folder)) return FIRST.indexOf(folder) - 100;
  return LAST.includes(folder) ? LAST.indexOf(folder) + 100 : 0;
}

function listFiles() {
  const files = selected.length > 0 ? selected.flatMap((word) => testFiles(resolve(word))) : testFiles(testRoot);
  const wanted =
    selected.length > 0
      ? files
      : files.filter((file) => !SEPARATE.includes(relative(testRoot, file).split(/[\\/]/)[0]));
  return wanted.sort((a, b) => rank(a) - rank(b) || a.localeCompare(b));
}

async function run() {
  const files = listFiles();
  if (files.length === 0) throw new Error(`No test files (*.test.ts) in ${selected.join(', ') || testRoot}.`);
  const { prepareRuntime, provision } = await import('./bootstrap.mjs');
  await prepareRuntime();
  if (!(await provision(['postgres', 'temporal', 'tensorflow']))) return 1;

  // The summary is read by people and by scripts; what is not a terminal gets the form that ends in `# pass N`, `# fail N`.
  const reporter = options.some((word) => word.startsWith('--test-reporter'))
    ? []
    : [`--test-reporter=${process.stdout.isTTY ? 'spec' : 'tap'}`];
  const args = [
    '--import',
    import.meta.resolve('tsx'),
    '--test',
    `--test-concurrency=${AT_ONCE}`,
    ...reporter,
    ...options,
    ...files,
  ];
  const child = spawn(process.execPath, args, { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  return new Promise((done, fail) => {
    child.on('error', fail);
    child.on('close', (code, signal) => done(signal ? 1 : code));
  });
}

run().then(
  (code) => (process.exitCode = code),
  (error) => {
    console.error(error.fix === undefined && error.code !== undefined ? error : error.message);
    process.exitCode = 1;
  },
);
