import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createLocalEngine } from '../../activities/engine/local.ts';
import { loadTokenizer } from '../../activities/engine/tokenizer.ts';
import { evaluateBase } from '../../infra/pretrain/evaluate-base.ts';
import { heldOutQuestions } from '../../infra/pretrain/held-out.ts';
import { modelTextFiles, COMPLETION_TOKENS, PROFILE } from '../../infra/pretrain/model-files.ts';
import { baseModelReadme, type TrainingRecord } from '../../infra/pretrain/readme.ts';
import type { BaseEvaluation } from '../../infra/pretrain/evaluate-base.ts';
import { PRETRAIN_DEFAULTS } from '../../infra/pretrain/recipe.ts';

const folder = fileURLToPath(new URL('../../activities/engine/base-model', import.meta.url));
const read = (name: string): Promise<string> => readFile(join(folder, name), 'utf8');
const record = JSON.parse(await read('training.json')) as TrainingRecord & { evaluation: BaseEvaluation };

test('the committed text files are what the present code writes', async () => {
  for (const [name, content] of modelTextFiles(heldOutQuestions())) assert.equal(await read(name), content, name);
  assert.equal(await read('README.md'), baseModelReadme(record, record.evaluation));
});

test('the committed weights are those of the recorded training, with the recipe of the present code', async () => {
  const weights = await readFile(join(folder, 'model.safetensors'));
  assert.equal(createHash('sha256').update(weights).digest('hex'), record.weightsSha256);
  for (const [field, value] of Object.entries(PRETRAIN_DEFAULTS)) {
    assert.equal(record[field as keyof typeof PRETRAIN_DEFAULTS], value, field);
  }
});

test('the folder stays within 2 MB', async () => {
  let bytes = 0;
  for (const name of await readdir(folder)) bytes += (await stat(join(folder, name))).size;
  assert.ok(bytes <= 2 * 2 ** 20, `${bytes} bytes`);
});

test('the base model can reason and usually does not', async (t) => {
  const engine = createLocalEngine();
  try {
    const tokenizer = await loadTokenizer(folder);
    const lease = await engine.open({ path: folder });
    const heldOut = heldOutQuestions(256);
    // Another seed than the recorded evaluation's: the claim is about the model, not about one draw.
    const found = await evaluateBase((request) => lease.sample(request), tokenizer, heldOut, 71);
    t.diagnostic(JSON.stringify(found));
    assert.ok(found.greedy > 0.15 && found.greedy < 0.35, `greedy ${found.greedy}`);
    assert.ok(found.sampled > 0.35 && found.sampled < 0.47, `sampled ${found.sampled}`);
    assert.ok(found.majority > 0.6, `majority ${found.majority}`);
    assert.ok(found.workedShare > 0.38 && found.workedShare < 0.54, `worked share ${found.workedShare}`);
    assert.ok(found.workedAccuracy > 0.7, `worked accuracy ${found.workedAccuracy}`);
    assert.ok(found.guessAccuracy < 0.2, `guess accuracy ${found.guessAccuracy}`);
    assert.ok(found.unreadableShare < 0.02, `unreadable ${found.unreadableShare}`);
  } finally {
    await engine.close();
  }
});

test('the Challenger of the base model mostly asks well-formed, easy questions', async () => {
  const engine = createLocalEngine();
  try {
    const tokenizer = await loadTokenizer(folder);
    const lease = await engine.open({ path: folder });
    const promptTokens = tokenizer.encode(PROFILE.challenger.prompt);
    const completions = await lease.sample({
      items: Array.from({ length: 256 }, (_, index) => ({ promptTokens, seed: index.toString(16).padStart(16, '0') })),
      params: { maxTokens: COMPLETION_TOKENS, temperature: 1 },
    });
    const format = /^<question>(.*)<\/question>\\boxed\{\d+\}$/;
    const pattern = new RegExp(PROFILE.questionPattern);
    const asked = completions
      .map(({ tokens }) => format.exec(tokenizer.decode(tokens))?.[1])
      .filter((question) => question !== undefined && pattern.test(question)) as string[];
    assert.ok(asked.length / 256 > 0.8 && asked.length / 256 < 0.98, `valid ${asked.length} of 256`);
    const easy = asked.filter((question) => question.length === 3).length;
    assert.ok(easy / asked.length > 0.8, `two terms ${easy} of ${asked.length}`);
    assert.ok(new Set(asked).size > 60, `distinct ${new Set(asked).size}`);
  } finally {
    await engine.close();
  }
});
