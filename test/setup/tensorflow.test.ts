import assert from 'node:assert/strict';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import type { SetupEvent } from '../../infra/setup/progress.ts';
import { addonPackage, addonPath, verifyAddon } from '../../infra/setup/tensorflow-addon.ts';
import { linkSolver } from '../../infra/setup/tensorflow-library.ts';
import { libraryWheels } from '../../infra/setup/tensorflow-wheels.ts';
import { ensureTensorFlow, readTensorFlowSetup } from '../../infra/setup/tensorflow.ts';

const installed = addonPackage();
const library = join(installed, 'deps', 'lib');

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'r-zero-tensorflow-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** A copy of the npm package as npm leaves it, not compiled, with everything it needs beside it. */
function freshPackage(name: string): string {
  const modules = join(folder, name, 'node_modules');
  mkdirSync(join(modules, '@tensorflow'), { recursive: true });
  const source = dirname(dirname(installed));
  for (const entry of readdirSync(source))
    if (entry !== '@tensorflow') symlinkSync(join(source, entry), join(modules, entry));
  for (const entry of readdirSync(join(source, '@tensorflow'))) {
    if (entry !== 'tfjs-node-gpu') symlinkSync(join(source, '@tensorflow', entry), join(modules, '@tensorflow', entry));
  }
  const target = join(modules, '@tensorflow', 'tfjs-node-gpu');
  cpSync(installed, target, {
    recursive: true,
    filter: (path) => !/tfjs-node-gpu\/(deps|lib|r-zero-setup.*)$/.test(path),
  });
  return target;
}

/** Cut off from Python, compilers and any cache of this machine. */
function isolatedEnv(name: string): NodeJS.ProcessEnv {
  return { PATH: '/nonexistent', HOME: folder, R_ZERO_CACHE: join(folder, `${name}-cache`) };
}

test(
  'a library named by the user is connected to an uncompiled package, and computes',
  {
    skip:
      existsSync(addonPath(installed)) && existsSync(library)
        ? false
        : 'native TensorFlow is not set up on this machine',
  },
  async () => {
    const packageDir = freshPackage('named');
    assert.deepEqual(await verifyAddon(packageDir, process.env), { failure: 'it is not there' });
    const env: NodeJS.ProcessEnv = {
      ...process.env,
      R_ZERO_CACHE: join(folder, 'named-cache'),
      R_ZERO_LIBTENSORFLOW: realpathSync(library),
    };
    delete env['R_ZERO_TENSORFLOW'];
    const setup = await ensureTensorFlow({ env, packageDir });
    assert.ok(setup.backend === 'cpu' || setup.backend === 'cuda');
    assert.equal(setup.source, 'environment');
    assert.match(setup.libraryVersion ?? '', /^2\.\d+\.\d+/);
    assert.equal(readlinkSync(join(packageDir, 'deps', 'lib')), realpathSync(library));
    assert.deepEqual(readTensorFlowSetup(packageDir), setup);

    // A fresh node_modules takes the compiled addon from the cache: no compiler on this PATH.
    const again = freshPackage('again');
    const rebuilt = await ensureTensorFlow({ env: { ...env, PATH: '/nonexistent' }, packageDir: again });
    assert.equal(rebuilt.libraryVersion, setup.libraryVersion);
  },
);

test('without Python, a compiler and a network, the WebAssembly backend is recorded with the reasons, and announced', async () => {
  const packageDir = freshPackage('nothing');
  rmSync(join(packageDir, 'scripts'), { recursive: true });
  const env = isolatedEnv('nothing');
  const events: SetupEvent[] = [];
  const setup = await ensureTensorFlow({ env, packageDir, report: (event) => void events.push(event) });
  assert.equal(setup.backend, 'wasm');
  assert.match(setup.reason ?? '', /C\+\+ compiler.*not found.*installer of @tensorflow\/tfjs-node-gpu failed/s);
  assert.ok(events.some(({ kind, message }) => kind === 'warning' && message.includes('WebAssembly')));

  // Not tried again at every start; tried again once the choice depends on something else.
  const later: SetupEvent[] = [];
  assert.deepEqual(await ensureTensorFlow({ env, packageDir, report: (event) => void later.push(event) }), setup);
  assert.deepEqual(later, []);
  const forced = ensureTensorFlow({ env: { ...env, R_ZERO_TENSORFLOW: 'cpu' }, packageDir });
  await assert.rejects(forced, { code: 'SetupFailed', message: /C\+\+ compiler/ });
});

test('R_ZERO_TENSORFLOW=wasm asks for no native library at all', async () => {
  const packageDir = freshPackage('wasm');
  const setup = await ensureTensorFlow({ env: { ...isolatedEnv('wasm'), R_ZERO_TENSORFLOW: 'wasm' }, packageDir });
  assert.equal(setup.backend, 'wasm');
  assert.equal(setup.source, 'none');
  assert.equal(existsSync(join(packageDir, 'deps')), false);
});

test('an unknown backend and a folder without a library are refused with the variable at fault', async () => {
  const packageDir = freshPackage('bad');
  const env = isolatedEnv('bad');
  await assert.rejects(ensureTensorFlow({ env: { ...env, R_ZERO_TENSORFLOW: 'tpu' }, packageDir }), {
    code: 'SetupFailed',
    field: 'R_ZERO_TENSORFLOW',
  });
  const named = ensureTensorFlow({ env: { ...env, R_ZERO_LIBTENSORFLOW: folder }, packageDir });
  await assert.rejects(named, { code: 'SetupFailed', field: 'R_ZERO_LIBTENSORFLOW' });
});

test('an addon that cannot be loaded is reported, not fatal', async () => {
  const packageDir = freshPackage('garbage');
  mkdirSync(dirname(addonPath(packageDir)), { recursive: true });
  writeFileSync(addonPath(packageDir), 'not a library');
  const check = await verifyAddon(packageDir, process.env);
  assert.ok('failure' in check);
  assert.match(check.failure, /exit code 1/);
});

test('cuSOLVER is put where TensorFlow looks for it, once, and only when it is there', () => {
  const root = join(folder, 'solver');
  const [own, seen] = ['cusolver', 'cusparse'].map((name) => join(root, 'nvidia', name, 'lib', 'libcusolver.so.11'));
  for (const path of [own!, seen!]) mkdirSync(dirname(path), { recursive: true });
  linkSolver(root);
  assert.equal(existsSync(seen!), false);
  writeFileSync(own!, 'a library');
  linkSolver(root);
  linkSolver(root);
  assert.equal(realpathSync(seen!), realpathSync(own!));
  // A link that stays right when the cache moves.
  assert.match(readlinkSync(seen!), /^\.\./);
});

test('every pinned wheel has a hash, and its requirement matches its file', () => {
  const sets = [
    libraryWheels('cpu', 'linux', 'x64'),
    libraryWheels('cpu', 'linux', 'arm64'),
    libraryWheels('cpu', 'darwin', 'arm64'),
    libraryWheels('cuda', 'linux', 'x64'),
  ];
  for (const set of sets) {
    assert.ok(set);
    for (const { requirement, file, sha256 } of set.wheels) {
      assert.match(sha256, /^[0-9a-f]{64}$/);
      assert.ok(file.startsWith(`${requirement.replaceAll('-', '_').replace('==', '-')}-`), file);
    }
  }
  assert.equal(libraryWheels('cuda', 'darwin', 'arm64'), undefined);
  assert.equal(libraryWheels('cpu', 'win32', 'x64'), undefined);
});

test('the record of an earlier set-up is ignored when it is cut short', () => {
  const packageDir = freshPackage('record');
  writeFileSync(join(packageDir, 'r-zero-setup.json'), '{"version":1,');
  assert.equal(readTensorFlowSetup(packageDir), undefined);
  assert.ok(readFileSync(join(packageDir, 'package.json'), 'utf8').includes('tfjs-node-gpu'));
});
