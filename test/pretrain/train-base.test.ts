import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const command = fileURLToPath(new URL('../../infra/pretrain/pretrain.ts', import.meta.url));
const root = fileURLToPath(new URL('../..', import.meta.url));

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

async function pretrain(...args: string[]): Promise<Outcome> {
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--import', 'tsx', command, ...args], {
      cwd: root,
      timeout: 120_000,
    });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as Outcome;
    return { code, stdout, stderr };
  }
}

let scratch = '';
before(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'r-zero-pretrain-'));
});
after(() => rm(scratch, { recursive: true, force: true }));

test('two processes with the same seed write the same weights, and the loss falls', async () => {
  const [first, second] = [join(scratch, 'first'), join(scratch, 'second')];
  const outcome = await pretrain('--seed', '11', '--steps', '60', '--out', first);
  assert.equal(outcome.code, 0, outcome.stderr);
  // The second one replaces an earlier model.
  await pretrain('--seed', '12', '--steps', '1', '--out', second);
  const before = await readFile(join(second, 'model.safetensors'));
  assert.equal((await pretrain('--seed', '11', '--steps', '60', '--out', second)).code, 0);
  const [a, b] = await Promise.all([first, second].map((folder) => readFile(join(folder, 'model.safetensors'))));
  assert.deepEqual(a, b);
  assert.notDeepEqual(before, b);
  assert.deepEqual(await readdir(first), await readdir(second));
  assert.deepEqual((await readdir(scratch)).sort(), ['first', 'second'], 'no temporary folder is left');

  const losses = [...outcome.stdout.matchAll(/loss (\d\.\d+)/g)].map((match) => Number(match[1]));
  assert.ok(losses.length >= 2 && (losses.at(-1) as number) < 1.2 && (losses[0] as number) < 3.4, outcome.stdout);
});

test('bad options are refused by name, before any work', async () => {
  for (const [args, message] of [
    [['--steps', '0'], /RunInputInvalid: --steps is "0".*1 to 100000/],
    [['--seed', '1.5'], /RunInputInvalid: --seed is "1.5"/],
    [['--threads', 'many'], /RunInputInvalid: --threads is "many"/],
    [['--out', ''], /RunInputInvalid: --out is empty/],
    [['--speed', '3'], /RunInputInvalid: Unknown option '--speed'/],
    [['--out', join(scratch, 'no', 'such', 'parent')], /RunInputInvalid: .*does not exist or cannot be written/],
  ] as const) {
    const outcome = await pretrain(...args);
    assert.equal(outcome.code, 1);
    assert.match(outcome.stderr, message);
    assert.equal(outcome.stdout, '');
  }
});

test('a folder that holds something else is left as it was', async () => {
  const folder = join(scratch, 'precious');
  await mkdir(folder);
  await writeFile(join(folder, 'thesis.txt'), 'years of work');
  const outcome = await pretrain('--steps', '1', '--out', folder);
  assert.equal(outcome.code, 1);
  assert.match(outcome.stderr, /RunInputInvalid: .*holds no model of this command/);
  assert.deepEqual(await readdir(folder), ['thesis.txt']);
  await rm(folder, { recursive: true });
});

test('--help names every option', async () => {
  const { code, stdout } = await pretrain('--help');
  assert.equal(code, 0);
  for (const option of ['--seed', '--steps', '--threads', '--out']) assert.ok(stdout.includes(option), option);
});
