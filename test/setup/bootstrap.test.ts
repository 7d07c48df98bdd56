import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { identify } from '../../infra/setup/process-identity.ts';

const SETUP = fileURLToPath(new URL('../../infra/setup', import.meta.url));

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'r-zero-bootstrap-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** A clone in miniature: the bootstrap, and a lock file that names no packages. */
function checkout(name: string): string {
  const root = join(folder, name);
  mkdirSync(root);
  cpSync(SETUP, join(root, 'infra/setup'), { recursive: true });
  writeFileSync(join(root, 'package.json'), JSON.stringify({ name: 'miniature', version: '1.0.0' }));
  writeLock(root, '1.0.0');
  return root;
}

function writeLock(root: string, version: string): void {
  const packages = { '': { name: 'miniature', version } };
  writeFileSync(
    join(root, 'package-lock.json'),
    JSON.stringify({ name: 'miniature', version, lockfileVersion: 3, requires: true, packages }),
  );
}

async function run(args: string[], cwd: string): Promise<{ code: number; output: string }> {
  const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (text: Buffer) => (output += text.toString()));
  child.stderr.on('data', (text: Buffer) => (output += text.toString()));
  const [code] = (await once(child, 'close')) as [number];
  return { code, output };
}

const install = (root: string, waitMs?: number) =>
  run(
    [
      '--input-type=module',
      '-e',
      `const { installDependencies } = await import('./infra/setup/bootstrap.mjs'); await installDependencies(${waitMs ?? ''});`,
    ],
    root,
  );

test('locked packages are installed once, and again when the lock file changes', async () => {
  const root = checkout('install');
  const first = await install(root);
  assert.equal(first.code, 0, first.output);
  assert.match(first.output, /Installing the locked npm packages/);
  assert.ok(existsSync(join(root, 'node_modules/.r-zero-lock')));
  assert.deepEqual(await install(root), { code: 0, output: '' });
  const lock = JSON.stringify({
    name: 'miniature',
    lockfileVersion: 3,
    requires: true,
    packages: {
      '': { name: 'miniature', version: '1.0.0' },
      'node_modules/absent': { version: '1.0.0', optional: true, os: ['none'] },
    },
  });
  writeFileSync(join(root, 'package-lock.json'), lock);
  rmSync(join(root, 'node_modules/.r-zero-lock'));
  assert.match((await install(root)).output, /Installing/);
});

test('packages that npm installed by hand are taken as they are when they match the lock file', async () => {
  const root = checkout('by-hand');
  mkdirSync(join(root, 'node_modules'));
  const packages = {
    '': {},
    'node_modules/a': { version: '1.2.3' },
    'node_modules/b': { version: '2.0.0', optional: true },
  };
  writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ name: 'miniature', lockfileVersion: 3, packages }));
  writeFileSync(
    join(root, 'node_modules/.package-lock.json'),
    JSON.stringify({ packages: { 'node_modules/a': { version: '1.2.3' } } }),
  );
  assert.deepEqual(await install(root), { code: 0, output: '' });
});

test('a failing installation says what to do, exits non-zero and is tried again', async () => {
  const root = checkout('failing');
  writeFileSync(
    join(root, 'package-lock.json'),
    JSON.stringify({ lockfileVersion: 3, packages: { '': {}, 'node_modules/a': { version: '1.0.0' } } }),
  );
  writeFileSync(join(root, 'package.json'), JSON.stringify({ name: 'miniature', dependencies: { a: '2.0.0' } }));
  for (const _ of [1, 2]) {
    const { code, output } = await install(root);
    assert.equal(code, 1);
    assert.match(output, /npm ci failed .*then start again\./s);
    assert.doesNotMatch(output, /https?:\/\//);
  }
  assert.equal(existsSync(join(root, '.r-zero/install.lock')), false);
});

test('two first starts at once install one after the other', async () => {
  const root = checkout('twice');
  const both = await Promise.all([install(root), install(root)]);
  assert.deepEqual(
    both.map(({ code }) => code),
    [0, 0],
  );
  assert.equal(both.filter(({ output }) => output.includes('Installing the locked')).length, 1);
});

const lockPath = (root: string) => join(root, '.r-zero/install.lock');

test('an install lock whose owner is gone, or that nobody has written, is taken over', async () => {
  const stale = {
    'a dead process': JSON.stringify({ pid: 2 ** 22 + 1, startMark: 'gone', token: 'old' }),
    'a pid that belongs to another process by now': JSON.stringify({
      pid: process.pid,
      startMark: 'old',
      token: 'old',
    }),
    'a file that was left empty': '',
    'a file of another form': '4711',
  };
  for (const [index, [name, text]] of Object.entries(stale).entries()) {
    const root = checkout(`stale-${index}`);
    mkdirSync(join(root, '.r-zero'));
    writeFileSync(lockPath(root), text);
    const { code, output } = await install(root);
    assert.equal(code, 0, `${name}: ${output}`);
    assert.deepEqual(readdirSync(join(root, '.r-zero')), [], `${name} left something behind`);
  }
});

test('of many starts that find a stale install lock, one installs at a time', async () => {
  const root = checkout('stale-race');
  mkdirSync(join(root, '.r-zero'));
  writeFileSync(lockPath(root), '');
  const all = await Promise.all([1, 2, 3, 4].map(() => install(root)));
  assert.deepEqual(
    all.map(({ code }) => code),
    [0, 0, 0, 0],
  );
  assert.equal(all.filter(({ output }) => output.includes('Installing the locked')).length, 1);
  assert.deepEqual(readdirSync(join(root, '.r-zero')), []);
});

test('the wait for another installation is bounded, and names the file and the process to end', async () => {
  const root = checkout('held');
  mkdirSync(join(root, '.r-zero'));
  const held = JSON.stringify({ pid: process.pid, startMark: identify(process.pid)?.startMark, token: 'mine' });
  writeFileSync(lockPath(root), held);
  const { code, output } = await install(root, 700);
  assert.equal(code, 1);
  assert.match(output, /Another r-zero is installing/);
  assert.ok(output.includes(`Process ${process.pid} still holds ${lockPath(root)}`), output);
  assert.ok(output.includes(`kill ${process.pid}`), output);
  assert.equal(readFileSync(lockPath(root), 'utf8'), held, 'the lock is not ours to remove');
  assert.equal(existsSync(join(root, 'node_modules')), false);
});

test('an old Node gets a sentence, not a stack trace', async () => {
  const pretend = "data:text/javascript,Object.defineProperty(process.versions,'node',{value:'18.19.1'})";
  const { code, output } = await run(['--import', pretend, join(SETUP, 'r-zero.mjs'), 'doctor'], folder);
  assert.equal(code, 1);
  assert.match(output, /^r-zero needs Node 20\.19 or newer; this is Node 18\.19\.1\.\nInstall/);
});

test('npm test with a folder that does not exist, or holds no tests, fails with its name', async () => {
  for (const argument of ['no-such-folder', folder]) {
    const { code, output } = await run([join(SETUP, 'test.mjs'), argument], folder);
    assert.equal(code, 1);
    assert.ok(output.includes(argument), output);
  }
});
