import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import type pg from 'pg';
import { verifyRun } from '../../activities/verification/verify-run.ts';
import { labelCommand } from '../../infra/cli/audit-label.ts';
import type { LabelOptions } from '../../infra/cli/audit-label.ts';
import type { Terminal } from '../../infra/cli/terminal.ts';
import { RunningCommand, run } from '../e2e/support/command.ts';
import { ActivityRunner, temporaryFolder } from '../support/activities.ts';
import { knowingJudge, startChatServer, startEngineServer } from '../support/chat-server.ts';
import { createDatabase } from '../support/postgres.ts';
import { UNTRAINED } from '../support/untrained.ts';
import { tampered } from '../support/tampering.ts';

const BASE_MODEL = fileURLToPath(new URL('../../activities/engine/base-model', import.meta.url));

describe('the audit commands', () => {
  let pool: pg.Pool;
  let url: string;
  let runner: ActivityRunner;
  before(async () => {
    ({ pool, url } = await createDatabase());
    runner = new ActivityRunner(pool);
    await runner.open({ ...UNTRAINED, runId: 'run' });
    for (const iteration of [0, 1]) await runner.iterate('run', iteration);
    process.env['DATABASE_URL'] = url;
  });

  const verdicts = async (oracle: string) =>
    (
      await pool.query<{ label: string; agrees: boolean | null; truth: string | null; seconds: number }>(
        `select label, agrees, truth, seconds from r_zero.audits where oracle = $1 order by audit_id`,
        [oracle],
      )
    ).rows;

  test('a judge that is killed goes on where it was, and never asks twice for what is stored', async () => {
    const server = await startChatServer(async (request) => {
      await sleep(60);
      return knowingJudge(request);
    });
    const argv = [
      'audit',
      'judge',
      '--run',
      'run',
      '--data-dir',
      runner.deps.dataDir,
      '--questions',
      '20',
      '--concurrency',
      '2',
    ];
    const env = { DATABASE_URL: url, R_ZERO_JUDGE_API_KEY: 'sk-secret' };
    const named = [...argv, '--base-url', server.baseUrl, '--model', 'slow', '--max-calls', '40'];
    const killed = new RunningCommand(named, env);
    while ((await verdicts('judge:slow')).length < 5) await sleep(20);
    killed.kill('SIGKILL');
    assert.equal((await killed.outcome).code, null);
    await sleep(200);
    const stored = (await verdicts('judge:slow')).length;
    assert.ok(stored >= 5 && stored < 20, `${stored} were stored`);
    const asked = server.requests.length;
    const again = await run([...named, '--json'], env);
    assert.equal(again.code, 0, again.stderr);
    const report = JSON.parse(again.stdout) as { iterations: { stored: number; asked: number }[]; estimates: object[] };
    assert.deepEqual(
      report.iterations.map((iteration) => [iteration.stored, iteration.asked]),
      [[stored, 20 - stored]],
    );
    assert.equal(server.requests.length - asked, 20 - stored, 'and no second self-test');
    const text = await run(named, env);
    assert.match(text.stdout, /judge:slow on run run, intervals of 95 %:/);
    assert.match(text.stdout, /1 +judge:slow +\d+\.\d % \(\d+\.\d–\d+\.\d\) +\d+\.\d % \(\d+\.\d–\d+\.\d\) +20 +0/);
    assert.match(text.stdout, /0 labels judged now, 20 before: 0 calls, 0 tokens\.\n$/);
    const nobody = await run(argv, env);
    assert.equal(nobody.code, 1);
    assert.match(nobody.stderr, /\[RunInputInvalid\] The judge cannot be asked: --base-url[^]*--model NAME/);
    const wrong = await run([...named, '--iteration', '7'], env);
    assert.match(wrong.stderr, /has not labelled iteration 7 yet[^]*field: --iteration/);
    assert.ok(![again, text, nobody, wrong].some(({ stdout, stderr }) => (stdout + stderr).includes('sk-secret')));
  });

  test('a judge that is a model of our engine, killed and asked again, keeps to its budget', async () => {
    const server = await startEngineServer(BASE_MODEL, BASE_MODEL);
    const prompt = join(temporaryFolder(), 'sums.json');
    // The base model knows sums of two digits.
    const cases = [3, 4, 5, 6].map((n) => ({
      question: `${n}+4`,
      answer: String(n + 4 + (n % 2)),
      correct: n % 2 === 0,
    }));
    writeFileSync(prompt, JSON.stringify({ version: 1, messages: [{ role: 'user', content: '{question}' }], cases }));
    const { dataDir } = runner.deps;
    const budget = cases.length + 16;
    const named = [
      'audit',
      'judge',
      '--json',
      '--run=run',
      `--data-dir=${dataDir}`,
      '--questions=30',
      '--concurrency=1',
      `--base-url=${server.baseUrl}`,
      '--model=tiny',
      `--prompt=${prompt}`,
      '--max-tokens=24',
      `--max-calls=${budget}`,
    ];
    const killed = new RunningCommand(named, { DATABASE_URL: url });
    while ((await verdicts('judge:tiny')).length < 4) await sleep(10);
    killed.kill('SIGKILL');
    assert.equal((await killed.outcome).code, null);
    await sleep(200);
    const before = await verdicts('judge:tiny');
    assert.ok(before.length >= 4 && before.length < 16, `${before.length} were stored`);
    const again = await run(named, { DATABASE_URL: url });
    assert.equal(again.code, 0, again.stderr);
    const report = JSON.parse(again.stdout) as { iterations: { stored: number; asked: number; unasked: number }[] };
    assert.deepEqual(
      report.iterations.map(({ stored, asked, unasked }) => [stored, asked, unasked]),
      [[before.length, 16 - before.length, 14]],
    );
    const after = await verdicts('judge:tiny');
    assert.deepEqual(after.slice(0, before.length), before);
    assert.equal(after.length, 16);
    // What was under way when it was killed was answered for nothing.
    assert.ok(server.requests.length <= budget + 1, `${server.requests.length} requests`);
  });

  /** Types lines into the command. @returns what it shows */
  async function label(lines: readonly string[], change: Partial<LabelOptions> = {}): Promise<string> {
    let shown = '';
    const write = (text: string): void => void (shown += text);
    const terminal: Terminal = {
      out: (line = '') => write(`${line}\n`),
      note: (line = '') => write(`${line}\n`),
      style: (_, text) => text,
      stream: { write } as unknown as NodeJS.WriteStream,
      live: false,
      columns: () => 80,
    };
    const input = new PassThrough();
    input.end(lines.map((line) => `${line}\n`).join(''));
    const { dataDir } = runner.deps;
    await labelCommand({ dataDir, run: 'run', annotator: 'Ada', questions: 6, ...change }, terminal, input);
    return shown;
  }

  test('a person’s verdicts are stored under the name, and the next call goes on', async () => {
    const first = await label(['y', 'perhaps', 'N', 's', 'q', 'y']);
    assert.match(first, /6 of 6 labels of run run wait for Ada/);
    assert.equal(first.split('y true · n false').length - 1, 2, 'told at the beginning, and after what is no verdict');
    assert.deepEqual(
      (await verdicts('human:Ada')).map(({ agrees }) => agrees),
      [true, false, null],
    );
    const second = await label(['= 41/2', 'yes']);
    assert.match(second, /3 of 6 labels of run run wait for Ada[^]*4 of 6, iteration 1/);
    const all = await verdicts('human:Ada');
    assert.equal(all.length, 5, 'the input ended before the last one');
    assert.deepEqual([all[3]?.truth, all[3]?.agrees], ['41/2', false]);
    assert.ok(all.every(({ seconds }) => seconds >= 0));
    await label(['y']);
    const over = await label(['y', 'y']);
    assert.match(over, /Ada has looked at all 6 labels[^]*human:Ada/);
    assert.equal((await verdicts('human:Ada')).length, 6);
    const other = await label(['q'], { annotator: '  Grace Hopper ' });
    assert.match(other, /6 of 6 labels of run run wait for Grace Hopper/);
    await assert.rejects(label([], { annotator: '\u001b[2J' }), { code: 'RunInputInvalid', field: '--annotator' });
  });

  test('what a model wrote cannot write to the terminal', async () => {
    const evil = `E'\\033]0;title\\007\\033[2J5+5\\r\\nline two\\u202e'`;
    const question = {
      table: 'questions',
      key: ['question_id'],
      where: `phase = 'dataset_generation' and status = 'valid'`,
    };
    await tampered(pool, { ...question, change: `question = ${evil}` }, async () => {
      const votes = { table: 'votes', key: ['question_id', 'version'], where: 'label is not null' };
      await tampered(pool, { ...votes, change: `label = E'\\033[8m7'` }, async () => {
        const shown = await label(
          Array.from({ length: 48 }, () => 's'),
          { annotator: 'Eve', questions: 48 },
        );
        assert.equal(stripVTControlCharacters(shown), shown);
        // eslint-disable-next-line no-control-regex -- they are what must not be there
        assert.doesNotMatch(shown, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
        assert.match(shown, /\\u001b\]0;title\\u0007\\u001b\[2J5\+5\n {2}line two\\u202e/);
        assert.match(shown, /Label: \\u001b\[8m7/);
      });
    });
  });

  test('verdicts of people are verified, and an altered one is told of', async () => {
    const { dataDir, codeVersion } = runner.deps;
    const verify = () => verifyRun(pool, { runId: 'run', dataDir, codeVersion });
    // The labels of the test before are as they were again, and what was said of the altered one is not.
    const stale = (await verify()).mismatches.map(({ table, column }) => `${table} ${column}`);
    assert.deepEqual(stale, ['audits label']);
    const given = { table: 'audits', key: ['audit_id'], where: `oracle = 'human:Ada' and truth is not null` };
    await tampered(pool, { ...given, change: 'agrees = not agrees' }, async ({ audit_id: id }) => {
      const found = (await verify()).mismatches.filter(({ row }) => row['audit_id'] === id);
      assert.deepEqual(
        found.map(({ column }) => column),
        ['agrees'],
      );
    });
  });
});
