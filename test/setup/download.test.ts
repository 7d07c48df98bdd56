import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { RZeroError } from '../../activities/errors.ts';
import { cacheDirectory, ensureArtifact } from '../../infra/setup/cache.ts';
import { asStorageError } from '../../infra/setup/file-errors.ts';
import { formatBytes, terminalReporter } from '../../infra/setup/progress.ts';
import type { SetupEvent } from '../../infra/setup/progress.ts';
import { extractWheel, requirePython } from '../../infra/setup/python.ts';
import { explainFailure, hideAddresses, runCommand } from '../../infra/setup/run-command.ts';
import { downloadWheels } from '../../infra/setup/wheel-download.ts';
import { buildWheel } from './wheel.ts';

const BUILDER = fileURLToPath(new URL('./artifact-builder.ts', import.meta.url));

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'r-zero-setup-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

async function download(
  name: string,
  change: (path: string) => void = () => undefined,
): Promise<{ directory: string; paths: string[]; events: SetupEvent[] }> {
  const { wheel, path, env } = buildWheel(join(folder, `${name}-index`));
  change(path);
  const directory = join(folder, name);
  mkdirSync(directory);
  const events: SetupEvent[] = [];
  const report = (event: SetupEvent) => void events.push(event);
  const python = await requirePython('test');
  const paths = await downloadWheels({
    python,
    wheels: [wheel],
    bytes: 1500,
    directory,
    destination: folder,
    part: 'temporal',
    label: 'the fixture',
    report,
    env,
  });
  return { directory, paths, events };
}

test('a wheel is downloaded by pip, verified, and only the wanted members are unpacked', async () => {
  const { directory, paths, events } = await download('good');
  assert.deepEqual(readdirSync(directory), ['r_zero_fixture-1.0-py3-none-any.whl']);
  const target = join(folder, 'unpacked');
  await extractWheel(await requirePython('test'), paths[0] ?? '', target, ['fixture/data']);
  assert.deepEqual(readdirSync(join(target, 'fixture')), ['data.bin']);
  assert.equal(readFileSync(join(target, 'fixture/data.bin')).length, 1000);
  assert.equal(events[0]?.message, `Downloading the fixture (2 kB) to ${folder}`);
});

test('an archive that differs by one byte is refused and deleted', async () => {
  const flip = (path: string) => {
    const bytes = readFileSync(path);
    const at = bytes.indexOf('rrrr');
    bytes[at] = 's'.charCodeAt(0);
    writeFileSync(path, bytes);
  };
  await assert.rejects(download('flipped', flip), (error: unknown) => {
    assert.ok(error instanceof RZeroError);
    assert.equal(error.code, 'SetupFailed');
    assert.match(error.message, /sha-256 [0-9a-f]{64}, expected [0-9a-f]{64}/);
    return true;
  });
  assert.deepEqual(readdirSync(join(folder, 'flipped')), []);
});

test('a download that pip cannot make names the fix and no address', async () => {
  const failing = download('absent', (path) => rmSync(path));
  await assert.rejects(failing, (error: unknown) => {
    assert.ok(error instanceof RZeroError);
    assert.equal(error.code, 'SetupFailed');
    assert.match(error.message, /r-zero-fixture==1.0/);
    assert.match(error.fix ?? '', /pip download/);
    assert.doesNotMatch(error.message, /:\/\//);
    return true;
  });
});

test('a cut archive is not unpacked', async () => {
  const { path } = buildWheel(join(folder, 'cut'));
  writeFileSync(path, readFileSync(path).subarray(0, 500));
  await assert.rejects(extractWheel(await requirePython('test'), path, join(folder, 'cut-out'), ['fixture/']), {
    code: 'SetupFailed',
  });
});

test('an artifact whose builder was killed is built again, and leaves nothing behind', async () => {
  const cache = join(folder, 'interrupted');
  const child = spawn(process.execPath, [...process.execArgv, BUILDER, cache, 'hang'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.ok(readdirSync(cache).some((name) => name.includes('.part-')));
  assert.equal(existsSync(join(cache, 'thing-1')), false);

  const target = await ensureArtifact({
    name: 'thing-1',
    cache,
    build: async (staging) => writeFileSync(join(staging, 'file'), 'whole'),
  });
  assert.equal(readFileSync(join(target, 'file'), 'utf8'), 'whole');
  assert.deepEqual(readdirSync(cache), ['thing-1']);
});

test('two set-ups at once build an artifact once', async () => {
  const cache = join(folder, 'twice');
  const build = async () => {
    const child = spawn(process.execPath, [...process.execArgv, BUILDER, cache, 'count'], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const [code] = (await once(child, 'exit')) as [number];
    assert.equal(code, 0);
  };
  await Promise.all([build(), build(), build()]);
  assert.equal(readFileSync(join(cache, 'builds.log'), 'utf8'), 'built\n');
  assert.equal(readFileSync(join(cache, 'thing-1', 'file'), 'utf8'), 'whole');
});

test('an artifact whose build fails does not exist', async () => {
  const cache = join(folder, 'failing');
  const build = async (staging: string): Promise<never> => {
    writeFileSync(join(staging, 'half'), '');
    throw new Error('no such luck');
  };
  await assert.rejects(ensureArtifact({ name: 'thing-1', cache, build }), /no such luck/);
  assert.deepEqual(readdirSync(cache), []);
});

test('the cache is where the user or XDG says', () => {
  assert.equal(cacheDirectory({ R_ZERO_CACHE: '/a', XDG_CACHE_HOME: '/b' }), '/a');
  assert.equal(cacheDirectory({ XDG_CACHE_HOME: '/b' }), '/b/r-zero');
  assert.match(cacheDirectory({}), /\/\.cache\/r-zero$/);
});

test('a full disk and a closed folder get their codes', () => {
  const causes = [
    ['DiskFull', () => writeFileSync('/dev/full', 'x')],
    ['SetupFailed', () => mkdirSync('/dev/null/below')],
  ] as const;
  for (const [code, act] of causes) {
    assert.throws(
      () => {
        try {
          act();
        } catch (error) {
          throw asStorageError(error, '/somewhere');
        }
      },
      { code },
    );
  }
  const other = new Error('other');
  assert.equal(asStorageError(other, '/somewhere'), other);
});

test('a missing Python is an error with the command that installs it', async () => {
  await assert.rejects(requirePython('download things', { PATH: '/nonexistent' }), (error: unknown) => {
    assert.ok(error instanceof RZeroError);
    assert.equal(error.code, 'PythonMissing');
    assert.match(error.message, /needed to download things/);
    assert.match(error.fix ?? '', /R_ZERO_PYTHON/);
    return true;
  });
});

test('a Python without pip says so', async () => {
  const bare = join(folder, 'bare-python');
  const real = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim();
  writeFileSync(bare, `#!/bin/sh\n[ "$1" = -m ] && exit 1\nexec ${real} "$@"\n`, { mode: 0o755 });
  await assert.rejects(requirePython('download things', { ...process.env, R_ZERO_PYTHON: bare }), {
    code: 'PythonMissing',
    message: /has no pip/,
  });
});

test('a program that does not exist, or hangs, does not hang set-up', async () => {
  assert.equal(explainFailure(await runCommand('/nonexistent/program', [])), 'the program was not found');
  const hanging = await runCommand('sleep', ['30'], { timeoutMs: 100 });
  assert.equal(explainFailure(hanging), 'ended by SIGKILL');
});

test('addresses of package indexes do not reach messages', () => {
  const text = `WARNING: Retrying HTTPSConnectionPool(host='index.example', port=443): https://user:word@index.example/simple/x/ (from http://other.example)`;
  const shown = hideAddresses(text);
  for (const secret of ['index.example', 'word', 'other.example']) assert.ok(!shown.includes(secret), shown);
});

test('away from a terminal, progress is whole lines and no bars', () => {
  const stream = new PassThrough() as unknown as NodeJS.WriteStream;
  const report = terminalReporter(stream);
  report({ part: 'temporal', kind: 'info', message: 'Downloading' });
  report({ part: 'temporal', kind: 'progress', message: 'Downloading', doneBytes: 1, totalBytes: 2 });
  report({ part: 'temporal', kind: 'done', message: 'Ready' });
  assert.equal(String(stream.read()), '  Downloading\n✓ Ready\n');
});

test('on a terminal, the bar is redrawn within the width and cleared by the next line', () => {
  const stream = Object.assign(new PassThrough(), { isTTY: true, columns: 60 }) as unknown as NodeJS.WriteStream;
  const report = terminalReporter(stream);
  report({
    part: 'temporal',
    kind: 'progress',
    message: 'A rather long description of a download',
    doneBytes: 137e6,
    totalBytes: 274e6,
  });
  report({ part: 'temporal', kind: 'done', message: 'Ready' });
  const [, bar = '', rest] = String(stream.read()).split('\r\u001b[K');
  assert.ok(bar.length <= 60, bar);
  assert.match(bar, /\[█+░+\]  50 %  137 MB of 274 MB$/);
  assert.equal(rest, '✓ Ready\n');
  assert.deepEqual([1, 45e6, 3.4e9].map(formatBytes), ['1 kB', '45 MB', '3.4 GB']);
});
