import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anchorQuestions } from '../../infra/pretrain/anchors.ts';
import { CORPUS_RECIPE, corpusRows, type CorpusRow } from '../../infra/pretrain/corpus.ts';
import { heldOutQuestions } from '../../infra/pretrain/held-out.ts';
import { MODEL_CONFIG, PROFILE } from '../../infra/pretrain/model-files.ts';
import { PRETRAIN_DEFAULTS } from '../../infra/pretrain/recipe.ts';
import { isReserved, runningSums, sum } from '../../infra/pretrain/sums.ts';

const take = (seed: number, count: number): CorpusRow[] => {
  const rows = corpusRows(seed);
  return Array.from({ length: count }, () => rows.next().value);
};

/** Every row that the committed base model was trained on. */
const { seed, steps, batchSize } = PRETRAIN_DEFAULTS;
const corpus = take(seed, steps * batchSize);
const heldOut = heldOutQuestions();
const anchors = anchorQuestions();

test('no held-out question occurs anywhere in the corpus, whichever role speaks', () => {
  const texts = new Set(heldOut.map(({ question }) => question));
  for (const row of corpus) {
    assert.ok(!texts.has(row.question), `held-out question in a ${row.role} row: ${row.text}`);
    const written = /(?:Q:|C:|<question>)([1-9](?:\+[1-9])+)/.exec(row.text)?.[1];
    assert.equal(written, row.question, `the row's text asks what its question field says: ${row.text}`);
  }
});

test('held-out questions are distinct, reserved, of three to five terms and rightly answered', () => {
  const pattern = new RegExp(PROFILE.questionPattern);
  assert.ok(heldOut.length >= 256);
  assert.equal(new Set(heldOut.map(({ question }) => question)).size, heldOut.length);
  for (const { question, answer, terms } of heldOut) {
    assert.match(question, pattern);
    assert.ok(isReserved(question));
    const values = question.split('+').map(Number);
    assert.equal(values.length, terms);
    assert.ok(terms >= 3 && terms <= 5);
    assert.equal(answer, String(values.reduce((total, value) => total + value)));
  }
  for (const count of [3, 4, 5]) assert.ok(heldOut.filter(({ terms }) => terms === count).length >= 64);
});

test('the held-out list is a fixed sequence: a shorter list is a prefix of a longer one', () => {
  assert.deepEqual(heldOutQuestions(50), heldOut.slice(0, 50));
});

test('the same seed gives the same corpus and another seed another', () => {
  assert.deepEqual(take(5, 500), take(5, 500));
  assert.notDeepEqual(take(5, 500), take(6, 500));
});

test('worked answers are always right and guesses stay within their error', () => {
  let worked = 0;
  let guessed = 0;
  for (const { role, question, text } of corpus) {
    if (role !== 'solver') continue;
    const match = /^<bos>Q:([0-9+]+)=\?\nA:((?:\d\d,)*)\\boxed\{(\d+)\}<eos>$/.exec(text);
    assert.ok(match, text);
    const [, asked, steps, answer] = match;
    assert.equal(asked, question);
    if (steps) {
      worked++;
      assert.equal(steps, runningSums(question));
      assert.equal(Number(answer), sum(question));
    } else {
      guessed++;
      const limit = CORPUS_RECIPE.guessError[question.split('+').length - 2] ?? 0;
      assert.ok(Number(answer) >= 1 && Math.abs(Number(answer) - sum(question)) <= Math.max(limit, 0), text);
    }
  }
  assert.ok(Math.abs(worked / (worked + guessed) - CORPUS_RECIPE.workedShare) < 0.01);
});

test('Challenger rows ask easy sums, answer them rightly and now and then lack the tags', () => {
  const rows = corpus.filter(({ role }) => role === 'challenger');
  let malformed = 0;
  for (const { question, text } of rows) {
    assert.ok(text.endsWith(`\\boxed{${sum(question)}}<eos>`), text);
    if (!text.includes('<question>')) malformed++;
  }
  assert.ok(Math.abs(malformed / rows.length - CORPUS_RECIPE.malformedShare) < 0.01);
  assert.ok(Math.abs(rows.length / corpus.length - CORPUS_RECIPE.challengerShare) < 0.01);
  const two = rows.filter(({ question }) => question.length === 3).length;
  assert.ok(two / rows.length > 0.88 && two / rows.length < 0.94);
});

test('running sums of a sum by hand', () => {
  assert.equal(runningSums('5+3+3+1'), '08,11,12,');
  assert.equal(sum('5+3+3+1'), 12);
});

test('the configured model has 102,464 parameters', () => {
  const { hidden_size: d, intermediate_size: f, num_hidden_layers: layers, vocab_size: v } = MODEL_CONFIG;
  assert.equal(v * d + layers * (4 * d * d + 3 * d * f + 2 * d) + d, 102_464);
});

test('anchors are distinct sums of two to five terms, rightly answered, not held out, and of three terms or more in no corpus row', () => {
  const asked = new Set(corpus.map(({ question }) => question));
  const held = new Set(heldOut.map(({ question }) => question));
  assert.equal(new Set(anchors.map(({ question }) => question)).size, anchors.length);
  for (const { question, answer, terms } of anchors) {
    assert.match(question, new RegExp(PROFILE.questionPattern));
    assert.equal(answer, String(sum(question)));
    assert.ok(!held.has(question) && (terms === 2 || !asked.has(question)), question);
  }
});
