import assert from 'node:assert/strict';
import { mkdir, readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { RunningCommand, run } from '../e2e/support/command.ts';
import { temporaryFolder } from '../support/activities.ts';
import { createDatabase } from '../support/postgres.ts';
import { storeRun } from '../support/stored-run.ts';

describe('r-zero report', () => {
  const folder = temporaryFolder();
  let env: NodeJS.ProcessEnv;

  before(async () => {
    const { pool, url } = await createDatabase();
    env = { DATABASE_URL: url };
    await storeRun(pool, 'run');
    await storeRun(pool, 'other', { seed: 2 });
  });

  test('writes one file, whole, and says what is in it', async () => {
    const output = join(folder, 'report.html');
    const args = ['report', '--run', 'run', '--compare', 'other', '--questions', '30', '--output', output, '--json'];
    const { code, stdout, stderr } = await run(args, env);
    assert.equal(code, 0, stderr);
    const said = JSON.parse(stdout) as { output: string; bytes: number; questions: { all: number; shown: number }[] };
    assert.deepEqual(
      [said.output, said.bytes, said.questions.map(({ all }) => all)],
      [output, (await stat(output)).size, [168, 168]],
    );
    assert.match(await readFile(output, 'utf8'), /^<!doctype html>\n[^]*<\/html>\n$/);
    assert.deepEqual(await readdir(folder), ['report.html']);
  });

  test('names what is wrong with what it is asked, and leaves nothing behind', async () => {
    const taken = join(folder, 'taken');
    await mkdir(taken);
    for (const [args, error] of [
      [['--run', 'nowhere'], /\[RunNotFound\].*\n *field: runId/],
      [['--run', 'run', '--compare', 'run'], /\[RunInputInvalid\].*\n *field: compare/],
      [
        ['--run', 'run', '--output', join(folder, 'none', 'report.html')],
        /\[RunInputInvalid\].*ENOENT.*\n *field: output/,
      ],
      [['--run', 'run', '--output', taken], /\[RunInputInvalid\].*\n *field: output/],
    ] as const) {
      const { code, stderr } = await run(['report', ...args], env);
      assert.equal(code, 1);
      assert.match(stderr, error);
    }
    assert.deepEqual(
      (await readdir(folder)).filter((name) => name.endsWith('.tmp')),
      [],
    );
  });

  test('serves until it is interrupted', async () => {
    const watching = new RunningCommand(['report', '--run', 'run', '--watch', '--port', '0', '--json'], env);
    const address = (await watching.says(/"address":"([^"]+)"/))[1]!;
    const answer = await fetch(address);
    assert.deepEqual([answer.status, answer.headers.get('content-type')], [200, 'text/html; charset=utf-8']);
    assert.match(await answer.text(), /<title>R-Zero: run<\/title>/);
    watching.kill('SIGINT');
    assert.equal((await watching.outcome).code, 0);
  });
});
