import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import type { Phase } from '../../activities/contract.ts';
import { KEY_VARIABLE } from '../../activities/oracles/chat-client.ts';
import { openAnnotator, storeHumanVerdict } from '../../activities/oracles/human.ts';
import { judgeLabels } from '../../activities/oracles/judge.ts';
import { loadJudgePrompt, messagesFor, readReply } from '../../activities/oracles/judge-prompt.ts';
import { judgeFields } from '../../activities/oracles/settings.ts';
import { resetRun } from '../../activities/reset.ts';
import { verifyRun } from '../../activities/verification/verify-run.ts';
import { readSpent, readVotedLabels } from '../../db/queries/oracles.ts';
import type { VotedLabel } from '../../db/queries/oracles.ts';
import { getRun } from '../../db/queries/runs.ts';
import { ActivityRunner, temporaryFolder } from '../support/activities.ts';
import { knowingJudge, startChatServer, startEngineServer } from '../support/chat-server.ts';
import type { Respond } from '../support/chat-server.ts';
import { createDatabase } from '../support/postgres.ts';
import { UNTRAINED } from '../support/untrained.ts';
import { agreement } from './agreement.ts';
import { tampered } from '../support/tampering.ts';

const BASE_MODEL = fileURLToPath(new URL('../../activities/engine/base-model', import.meta.url));
const KEY = 'sk-must-never-be-stored';
const CASES = loadJudgePrompt('verify').cases.length;

describe('a judge', () => {
  let pool: pg.Pool;
  let runner: ActivityRunner;
  let names = 0;
  before(async () => {
    ({ pool } = await createDatabase());
    runner = new ActivityRunner(pool);
    process.env[KEY_VARIABLE] = KEY;
    const server = await startChatServer(knowingJudge);
    const judge = { baseUrl: server.baseUrl, model: 'knowing', questions: 12 };
    await runner.open({ ...UNTRAINED, runId: 'run', oracles: { judge, anchors: { questions: 40 } } });
    for (const iteration of [0, 1]) await runner.iterate('run', iteration);
    assert.equal(server.requests.length, CASES + 12);
    assert.ok(server.requests.every(({ headers }) => headers.authorization === `Bearer ${KEY}`));
  });

  const rows = async <T extends object>(statement: string, values: unknown[] = []): Promise<T[]> =>
    (await pool.query<T>(statement, values)).rows;

  /** Asks by hand, under a name of its own unless one is given. */
  async function ask(
    respond: Respond,
    change: Record<string, unknown> = {},
    options: { signal?: AbortSignal; baseUrl?: string } = {},
  ) {
    const server = options.baseUrl ? undefined : await startChatServer(respond);
    const settings = judgeFields.parse({
      baseUrl: options.baseUrl ?? server?.baseUrl,
      model: `judge-${names++}`,
      questions: 16,
      tries: 2,
      ...change,
    });
    const report = await judgeLabels(pool, {
      run: await getRun(pool, 'run'),
      iteration: 1,
      settings,
      apiKey: KEY,
      codeVersion: 'x',
      wait: () => Promise.resolve(),
      ...(options.signal ? { signal: options.signal } : {}),
    });
    return { report, settings, requests: server?.requests ?? [] };
  }

  /** A run of its own, to be reset. */
  async function shortRun() {
    const { pool: own } = await createDatabase();
    const short = new ActivityRunner(own, { engine: runner.deps.engine });
    await short.open({ ...UNTRAINED, runId: 'short' });
    for (const iteration of [0, 1]) await short.iterate('short', iteration);
    return { short, own };
  }

  async function resetShort(short: ActivityRunner, phase: Phase): Promise<void> {
    const request = { runId: 'short', iteration: 1, phase, requestedBy: 'test' };
    await resetRun(short.deps, request, { mayReset: () => Promise.resolve(true), status: 'waiting' });
    await short.open({ runId: 'short' });
  }

  const storedFor = (model: string) =>
    rows<{ agrees: boolean | null; calls: number; reply: string }>(
      `select agrees, calls, reply from r_zero.audits where oracle = $1 order by audit_id`,
      [`judge:${model}`],
    );

  test('of the run’s input audits a sample in the audit phase, with its cost, definition and self-test', async () => {
    const [unit] = await rows<{ metrics: Record<string, number> }>(
      `select metrics from r_zero.units where run_id = 'run' and phase = 'audit' and unit = 1`,
    );
    const { judgeLabelled, judgeAgreeing, ...metrics } = unit!.metrics;
    assert.ok(judgeLabelled! > 12 && judgeAgreeing! > 0);
    assert.deepEqual(metrics, {
      judgeDrawn: 12,
      judgeStored: 0,
      judgeAsked: 12,
      judgeUndecided: 0,
      judgeUnasked: 0,
      judgeCalls: 12,
      judgeTokens: 12 * 15,
    });
    const compared = await rows(
      `select j.question_id from r_zero.audits j join r_zero.audits c on c.question_id = j.question_id and c.oracle = 'computed'
       where j.oracle = 'judge:knowing' and (j.agrees is distinct from c.agrees or j.calls <> 1 or j.prompt_tokens <> 10
         or j.completion_tokens <> 5 or j.seconds is null or j.unit is not null or j.reply not like 'It is %')`,
    );
    assert.deepEqual(compared, []);
    const [oracle] = await rows<{ definition: { prompt: unknown; promptHash: string }; self_test: object }>(
      `select definition, self_test from r_zero.oracles where oracle = 'judge:knowing' and version = 1`,
    );
    assert.deepEqual(oracle?.definition.prompt, loadJudgePrompt('verify'));
    assert.match(oracle.definition.promptHash, /^[0-9a-f]{64}$/);
    const selfTest = {
      cases: CASES,
      passed: CASES,
      calls: CASES,
      promptTokens: 10 * CASES,
      completionTokens: 5 * CASES,
    };
    assert.deepEqual({ ...oracle.self_test, seconds: 0 }, { ...selfTest, seconds: 0 });
  });

  test('and anchors agree with computed truth within their intervals', async () => {
    const found = await agreement(pool, 'run');
    assert.equal(found.length, 4);
    const missed = found.filter(({ holds }) => !holds);
    assert.deepEqual(missed, []);
  });

  test('leaves its key in no row of any table', async () => {
    const tables = await rows<{ name: string }>(
      `select table_name as name from information_schema.tables where table_schema = 'r_zero' and table_type = 'BASE TABLE'`,
    );
    for (const { name } of tables) {
      const found = await rows(`select from r_zero."${name}" t where t::text like $1`, [`%${KEY}%`]);
      assert.equal(found.length, 0, name);
    }
  });

  test('is never asked twice for what is stored, and a larger sample asks for the difference', async () => {
    const first = await ask(knowingJudge);
    const again = await ask(knowingJudge, { ...first.settings, tries: 3 }, { baseUrl: first.settings.baseUrl });
    assert.deepEqual([again.report.stored, again.report.asked], [16, 0]);
    assert.equal(first.requests.length, CASES + 16);
    const larger = await ask(knowingJudge, { ...first.settings, questions: 24 }, { baseUrl: first.settings.baseUrl });
    assert.equal(larger.report.stored + larger.report.asked, 24);
    assert.ok(larger.report.stored >= 14, 'the smaller sample is part of it but for rounding');
    assert.equal(first.requests.length, CASES + 16 + larger.report.asked);
  });

  test('that was stopped at any moment goes on where it was', async () => {
    const controller = new AbortController();
    let answered = 0;
    const respond: Respond = (request) => {
      if (++answered === CASES + 7) controller.abort(new Error('killed'));
      return knowingJudge(request);
    };
    const model = 'stopped';
    const server = await startChatServer(respond);
    const options = { baseUrl: server.baseUrl };
    await assert.rejects(ask(respond, { model }, { ...options, signal: controller.signal }), /killed/);
    const before = (await storedFor(model)).length;
    assert.ok(before >= 3 && before < 16, `${before} are stored`);
    const { report } = await ask(respond, { model }, options);
    assert.deepEqual([report.stored, report.asked], [before, 16 - before]);
    assert.equal((await storedFor(model)).length, 16);
    assert.ok(server.requests.length <= CASES + 16 + 4, 'at most those under way were asked again');
  });

  test('keeps to its budget of calls exactly, tries and self-test included, over every start', async () => {
    const flaky: Respond = (request, response) => {
      if (request.messages.at(-1)!.content.length % 2 === 1) return knowingJudge(request);
      response.writeHead(500).end();
      return undefined;
    };
    const server = await startChatServer(knowingJudge);
    const options = { baseUrl: server.baseUrl };
    const limited = { model: 'limited', maxCalls: CASES + 5 };
    const { report } = await ask(knowingJudge, limited, options);
    assert.deepEqual([report.asked, report.unasked], [5, 11]);
    const again = await ask(knowingJudge, limited, options);
    assert.deepEqual([again.report.stored, again.report.asked, again.report.unasked], [5, 0, 11]);
    assert.equal(server.requests.length, CASES + 5);
    assert.deepEqual(await readSpent(pool, 'run', 'judge:limited'), { calls: CASES + 5, tokens: (CASES + 5) * 15 });
    await assert.rejects(ask(flaky, { maxCalls: 3 }), { code: 'RunInputInvalid', field: 'oracles.judge.maxCalls' });
    const tokens = await ask(knowingJudge, { maxTotalTokens: (CASES + 6) * 15, concurrency: 1 });
    assert.equal(tokens.report.asked, 6);
  });

  test('is asked no more at a time than it is allowed', async () => {
    let [now, most] = [0, 0];
    await ask(
      async (request) => {
        most = Math.max(most, ++now);
        await new Promise((resolve) => setTimeout(resolve, 5));
        now--;
        return knowingJudge(request);
      },
      { concurrency: 3 },
    );
    assert.equal(most, 3);
  });

  test('that cannot tell is recorded as such, and not asked again', async () => {
    let calls = 0;
    const mute: Respond = (request) =>
      ++calls > CASES ? { text: '\u001b[2J 9^9^9^9 \\boxed{maybe}' } : knowingJudge(request);
    const { report, settings } = await ask(mute);
    assert.deepEqual([report.asked, report.undecided, report.agreeing], [16, 16, 0]);
    const stored = await storedFor(settings.model);
    assert.ok(stored.every(({ agrees, reply }) => agrees === null && reply.includes('maybe')));
    const [estimate] = await rows<{ label_accuracy: number | null; undecided: number }>(
      'select label_accuracy, undecided from r_zero.label_accuracy where oracle = $1 and kept is null',
      [`judge:${settings.model}`],
    );
    assert.deepEqual(estimate, { label_accuracy: null, undecided: 16 });
    const again = await ask(mute, settings, { baseUrl: settings.baseUrl });
    assert.equal(again.report.asked, 0);
  });

  test('that fails known cases audits nothing: a swapped prompt, a yes-man, a no-man, a babbler', async () => {
    const swapped = loadJudgePrompt('verify');
    for (const message of swapped.messages) {
      message.content = message.content.replace(/\{question\}|\{answer\}/g, (name) =>
        name === '{question}' ? '{answer}' : '{question}',
      );
    }
    const file = join(temporaryFolder(), 'swapped.json');
    writeFileSync(file, JSON.stringify(swapped));
    for (const [respond, prompt] of [
      [knowingJudge, file],
      [() => ({ text: '\\boxed{yes}' }), 'verify'],
      [() => ({ text: '\\boxed{no}' }), 'verify'],
      [() => ({ text: 'The answer is yes, I think.' }), 'verify'],
      [() => ({ text: '\\boxed{7}' }), 'solve'],
    ] as [Respond, string][]) {
      const model = `unfit-${names++}`;
      await assert.rejects(ask(respond, { prompt, model }), { code: 'JudgeUnfit', message: /of 8 known cases, as "/ });
      assert.deepEqual(await rows('select from r_zero.oracles where oracle = $1', [`judge:${model}`]), []);
      assert.deepEqual(await storedFor(model), []);
    }
  });

  test('with another prompt, temperature or server is another version, whose verdicts stay apart', async () => {
    const first = await ask(knowingJudge, { questions: 4 });
    await ask(knowingJudge, { ...first.settings, temperature: 0.5 }, { baseUrl: first.settings.baseUrl });
    const versions = await rows(
      `select o.version, count(a.audit_id)::int as verdicts from r_zero.oracles o join r_zero.audits a using (oracle_id)
       where o.oracle = $1 and a.oracle_version = o.version group by 1 order by 1`,
      [`judge:${first.settings.model}`],
    );
    assert.deepEqual(versions, [
      { version: 1, verdicts: 4 },
      { version: 2, verdicts: 4 },
    ]);
  });

  test('sees question and label where its prompt says so, whatever they spell', () => {
    const prompt = loadJudgePrompt('verify');
    const claim = { question: 'What is {answer}? $& $1', label: '{question}' };
    const user = messagesFor(prompt, claim).at(-1)!.content;
    assert.equal(user, 'Question:\nWhat is {answer}? $& $1\n\nProposed answer:\n{question}');
    const solve = loadJudgePrompt('solve');
    assert.equal(messagesFor(solve, claim).at(-1)!.content, claim.question);
    for (const [reply, agrees] of [
      ['\\boxed{no} … wait, \\boxed{yes}', true],
      ['so \\boxed{\\text{No}.}', false],
      ['\\boxed{Correct}', true],
      ['\\boxed{yes and no}', null],
      ['yes', null],
      ['', null],
    ] as const) {
      assert.equal(readReply(prompt, claim, reply).agrees, agrees, reply);
    }
    assert.deepEqual(readReply(solve, { question: 'half?', label: '0.5' }, '\\boxed{\\frac{1}{2}}'), {
      truth: '\\frac{1}{2}',
      agrees: true,
    });
  });

  test('may be a model of our own engine behind the protocol', async () => {
    const server = await startEngineServer(BASE_MODEL, BASE_MODEL);
    // The base model knows sums of two digits.
    const cases = [3, 4, 5, 6, 7, 8].map((n) => {
      const correct = n % 2 === 0;
      return { question: `${n}+4`, answer: String(n + (correct ? 4 : 5)), correct };
    });
    const prompt = { version: 1, messages: [{ role: 'user', content: '{question}' }], cases };
    const file = join(temporaryFolder(), 'sums.json');
    writeFileSync(file, JSON.stringify(prompt));
    const change = { prompt: file, model: 'tiny', maxTokens: 24, maxCalls: 100, maxTotalTokens: 10_000 };
    const { report } = await ask(knowingJudge, change, { baseUrl: server.baseUrl });
    assert.equal(report.asked, 16);
    const judged = await rows<{ question: string; truth: string; prompt_tokens: number; completion_tokens: number }>(
      `select q.question, a.truth, a.prompt_tokens, a.completion_tokens
       from r_zero.audits a join r_zero.questions q using (question_id) where a.oracle = 'judge:tiny'`,
    );
    const short = judged.filter(({ question }) => question.length === 3);
    assert.ok(short.length > 0);
    for (const { question, truth, prompt_tokens, completion_tokens } of short) {
      const [a, b] = question.split('+').map(Number);
      assert.equal(Number(truth), a! + b!, question);
      assert.ok(prompt_tokens > 3 && completion_tokens > 2);
    }
    // Of longer sums it mostly guesses.
    const harder = cases.map((known, index) => ({
      ...known,
      question: `${index + 2}+7+8+9+6`,
      answer: `${index + 32}`,
    }));
    const hard = join(dirname(file), 'hard.json');
    const right = harder.map((known) => ({ ...known, correct: true })).concat({ ...cases[0]!, correct: false });
    writeFileSync(hard, JSON.stringify({ ...prompt, cases: right }));
    const weak = ask(knowingJudge, { ...change, prompt: hard, model: 'weak' }, { baseUrl: server.baseUrl });
    await assert.rejects(weak, { code: 'JudgeUnfit' });
  });

  test('is asked again about what a reset takes away, within the budget that it had', async () => {
    const { short, own } = await shortRun();
    const server = await startChatServer(knowingJudge);
    const settings = judgeFields.parse({ baseUrl: server.baseUrl, model: 'j', questions: 12, maxCalls: CASES + 20 });
    const askOnce = async () => {
      const run = await getRun(own, 'short');
      return await judgeLabels(own, { run, iteration: 1, settings, apiKey: KEY, codeVersion: 'x' });
    };
    const current = async () => {
      const found = await own.query(
        `select a.take, count(*)::int as verdicts, min(l.audited)::int as audited
         from r_zero.audits a join r_zero.label_accuracy l using (run_id, iteration, oracle)
         where a.oracle = 'judge:j' and l.kept is null group by 1`,
      );
      return found.rows as unknown[];
    };
    assert.equal((await askOnce()).asked, 12);
    assert.deepEqual(await current(), [{ take: 1, verdicts: 12, audited: 12 }]);

    // The questions stay, and what was said of their labels does not.
    await resetShort(short, 'labelling');
    assert.deepEqual(await current(), []);
    await short.iterate('short', 1);
    const report = await askOnce();
    assert.deepEqual([report.stored, report.asked, report.unasked], [0, 8, 4]);
    assert.deepEqual(await current(), [{ take: 2, verdicts: 8, audited: 8 }]);
    assert.equal((await readSpent(own, 'short', 'judge:j')).calls, CASES + 20);
    assert.equal((await askOnce()).asked, 0);
    assert.equal(server.requests.length, CASES + 20);
  });

  test('a verdict that comes after a reset is not stored for what is there now', async () => {
    const { short, own } = await shortRun();
    const [label] = await readVotedLabels(own, 'short', 1);
    const oracle = await openAnnotator(own, 'short', 'Ada', 'x');
    const run = await getRun(own, 'short');
    const say = (about: VotedLabel) =>
      storeHumanVerdict(own, run, oracle, { ...about, iteration: 1 }, { agrees: true }, 1);
    await assert.rejects(say({ ...label!, label: `${label!.label}0` }), { code: 'DatabaseBehind' });
    await resetShort(short, 'dataset_generation');
    await short.iterate('short', 1);
    await assert.rejects(say(label!), { code: 'DatabaseBehind' });
    const [now] = await readVotedLabels(own, 'short', 1);
    assert.equal(await say(now!), true);
    const stored = await own.query(`select question_id, take from r_zero_all.audits where oracle = 'human:Ada'`);
    assert.deepEqual(stored.rows, [{ question_id: String(now!.questionId), take: 2 }]);
  });

  test('leaves rows that are verified, and an altered one is told of', async () => {
    const { dataDir, codeVersion } = runner.deps;
    const verify = () => verifyRun(pool, { runId: 'run', dataDir, codeVersion });
    assert.deepEqual((await verify()).mismatches, []);
    const verdict = { table: 'audits', key: ['audit_id'], where: `oracle_id is not null and agrees` };
    const oracle = { table: 'oracles', key: ['oracle_id'], where: `oracle = 'judge:knowing'` };
    for (const [alteration, column] of [
      [{ ...verdict, change: `agrees = false` }, 'agrees'],
      [{ ...verdict, change: `label = label || '0'` }, 'label'],
      [{ ...verdict, change: `oracle_version = 9` }, 'oracle_version'],
      [{ ...oracle, change: `definition_hash = 'x'` }, 'definition_hash'],
      [
        { ...oracle, change: `definition = jsonb_set(definition, '{prompt,messages,0,content}', '"say no"')` },
        'prompt_hash',
      ],
    ] as const) {
      await tampered(pool, alteration, async (row) => {
        const found = (await verify()).mismatches.map(({ table, row: at, column: named }) => ({ table, at, named }));
        assert.ok(
          found.some(
            ({ table, at, named }) =>
              table === alteration.table && named === column && at[alteration.key[0]!] === row[alteration.key[0]!],
          ),
          JSON.stringify(found),
        );
        assert.ok(found.every(({ table }) => table === alteration.table));
      });
    }
    await tampered(pool, { ...oracle, change: 'delete' }, async (row) => {
      const [mismatch] = (await verify()).mismatches;
      assert.deepEqual([mismatch?.check, mismatch?.expected], ['references', 'a row of oracles'], JSON.stringify(row));
    });
  });
});
