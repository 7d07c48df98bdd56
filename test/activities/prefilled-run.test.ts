import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import { loadTokenizer } from '../../activities/engine/tokenizer.ts';
import { recomputeRun } from '../../activities/recompute/recompute.ts';
import { findBroken } from '../e2e/support/integrity.ts';
import { ActivityRunner, TINY, temporaryFolder } from '../support/activities.ts';
import { createDatabase } from '../support/postgres.ts';

const BASE = fileURLToPath(new URL('../../activities/engine/base-model', import.meta.url));

/** The built-in model's own prompts, with the beginning of a question given and answers ended at their first comma. */
const PROMPTS = {
  version: 1,
  challenger: { prompt: '<bos>C:', prefill: '<question>' },
  solver: { prompt: '<bos>Q:{question}=?\nA:', stop: [','] },
  questionPattern: '^[1-9](\\+[1-9]){1,4}$',
};

describe('a run with a prefill and stop texts', () => {
  let pool: pg.Pool;
  before(async () => {
    ({ pool } = await createDatabase());
    const path = join(temporaryFolder(), 'prompts.json');
    writeFileSync(path, JSON.stringify(PROMPTS));
    const runner = new ActivityRunner(pool);
    await runner.open({ ...TINY, runId: 'prefilled', prompts: path });
    for (const iteration of [0, 1]) await runner.iterate('prefilled', iteration);
  });

  const rows = async <Row>(statement: string): Promise<Row[]> => (await pool.query(statement)).rows as Row[];

  test('stores what the model wrote, and reads it with what the prompt began', async () => {
    const written = await rows<{ completion: string; status: string; question: string | null }>(
      'select completion, status, question from r_zero.questions',
    );
    const valid = written.filter(({ status }) => status === 'valid');
    assert.ok(valid.length > written.length / 2, `${valid.length} of ${written.length}`);
    for (const { completion, question } of valid) {
      assert.ok(!completion.includes('<question>'), completion);
      assert.ok(completion.startsWith(`${question!}</question>`), completion);
    }
  });

  test('keeps its profile and the hash of it', async () => {
    const [run] = await rows<{ profile: typeof PROMPTS; profile_hash: string }>(
      'select profile, profile_hash from r_zero.runs',
    );
    assert.equal(run!.profile.challenger.prefill, '<question>');
    assert.match(run!.profile_hash, /^[0-9a-f]{64}$/);
  });

  test('answers end before the stop text in training, labelling and evaluation', async () => {
    for (const table of ['answers', 'rollouts', 'evaluation_items']) {
      const texts = await rows<{ completion: string }>(`select completion from r_zero.${table}`);
      assert.ok(texts.length > 0, table);
      assert.ok(
        texts.every(({ completion }) => !completion.includes(',')),
        table,
      );
    }
  });

  test('no token after the answer is trained on', async () => {
    const tokenizer = await loadTokenizer(BASE);
    const rollouts = await rows<{ completion: string; tokens: number[]; logprobs: number[]; finish_reason: string }>(
      'select completion, tokens, logprobs, finish_reason from r_zero.rollouts',
    );
    const cut = rollouts.filter(
      ({ tokens, finish_reason }) => finish_reason === 'stop' && tokens.at(-1) !== tokenizer.eosId,
    );
    assert.ok(cut.length > 0, 'some were stopped by the text');
    for (const { completion, tokens, logprobs } of cut) {
      if (completion !== '') assert.equal(tokenizer.decode(tokens), completion);
      assert.equal(tokens.length, logprobs.length);
    }
    const [{ trained } = { trained: 0 }] = await rows<{ trained: number }>(
      `select sum(tokens)::int as trained from r_zero.policy_updates where role = 'solver'`,
    );
    assert.equal(
      trained,
      rollouts.reduce((sum, { tokens }) => sum + tokens.length, 0),
    );
  });

  test('leaves rows that fit together, unparsable answers among them', async () => {
    // Three steps do not reach every kept question.
    const broken = (await findBroken(pool)).filter((name) => !name.includes('the checkpoint trained on it'));
    assert.deepEqual(broken, []);
    const [{ unparsable } = { unparsable: 0 }] = await rows<{ unparsable: number }>(
      'select sum(unparsable)::int as unparsable from r_zero.votes',
    );
    assert.ok(unparsable > 0);
  });

  test('is reproducible from its rows', async () => {
    const report = await recomputeRun(pool, { runId: 'prefilled', dryRun: true, codeVersion: '0.0.0-test' });
    assert.deepEqual(report.moves, []);
    assert.equal(report.unasked, 0);
    for (const row of report.summary) assert.equal(row.same, row.rows, row.subject);
  });
});
