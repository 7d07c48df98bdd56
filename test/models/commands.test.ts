import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../engine/support/models.ts';

const COMMAND = fileURLToPath(new URL('../../infra/setup/r-zero.mjs', import.meta.url));

function run(args: string[], env: NodeJS.ProcessEnv): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [COMMAND, 'model', ...args], { env: { ...process.env, ...env } }, (error, out, err) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err }),
    );
  });
}

test('a model is looked at, exported, imported under a name and looked at by that name', async (t) => {
  const folder = await temporaryFolder(t);
  const env = { R_ZERO_CACHE: join(folder, 'cache') };
  const shown = await run(['inspect', 'builtin'], env);
  assert.match(shown.out, /parameters +102,464/);
  const out = join(folder, 'exported');
  const exported = await run(['export', 'builtin', '--out', out, '--json'], env);
  assert.equal((JSON.parse(exported.out) as { path: string }).path, out);
  assert.ok((await readdir(out)).includes('model.safetensors'));
  assert.equal((await run(['import', out, '--json'], env)).code, 0);
  const inspected = JSON.parse((await run(['inspect', 'exported', '--json'], env)).out) as Record<string, unknown>;
  assert.deepEqual([inspected['format'], inspected['family'], inspected['parameters']], ['folder', 'llama', 102_464]);
});

test('what goes wrong is said in one line with a code and a fix, and ends with a code of its own', async (t) => {
  const env = { R_ZERO_CACHE: await temporaryFolder(t), HF_ENDPOINT: 'http://127.0.0.1:9' };
  const cases: [string[], number, RegExp][] = [
    [['inspect', 'nothing'], 1, /\[ModelUnreadable\] There is no model "nothing".*\n.*\n {2}fix: /],
    [['import', 'owner/name'], 1, /\[SetupFailed\] 127\.0\.0\.1:9 cannot be reached to fetch owner\/name/],
    [['export', 'builtin', '--out', '/'], 1, /\[ModelUnreadable\] \/ exists already/],
    [['export', 'builtin'], 2, /--out/],
    [['get', 'gpt-5'], 2, /smollm2-135m/],
  ];
  for (const [args, code, message] of cases) {
    const result = await run(args, env);
    assert.equal(result.code, code, args.join(' '));
    assert.match(result.err, message);
  }
});
