import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalAnswer } from '../../activities/method/answers/answer-canonical.ts';
import { grade } from '../../activities/method/answers/answer-equivalence.ts';
import { gradeOfficially } from '../../activities/method/official/official-grader.ts';
import { percentSense } from '../../activities/method/answers/percent-sense.ts';
import { SHIPPED } from '../conformance/shipped.ts';
import { loadVectors } from '../conformance/vectors.ts';
import { graderCorpus, optionsOf } from './grader-corpus.ts';

const CORPUS = graderCorpus();
/** What people write; the extra vectors are spellings that were made to try the public grader's corners. */
const RECORDED = loadVectors(SHIPPED[0] as URL).grade_answer ?? [];
const UNITS =
  'units are dropped: within one question answers differ in whether they write the unit, hardly ever in the unit';
/** Pairs on which the default grader and the judgement differ, each with its reason. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  '5 m | 5 cm': UNITS,
  '5 cm | 50 mm': UNITS,
  '180^\\circ | \\pi': UNITS,
};
/** Recorded pairs that the public code calls equal and the default grader does not. */
const TAKEN_BACK: Readonly<Record<string, string>> = {
  '12345678901234567890 | 12345678901234567891':
    'two different numbers, which the reference rounds to the same floating-point one',
};
/** Recorded pairs that the public code calls different and the default grader equal. The same value or set, but for the unit. */
const ADDED: readonly string[] = [
  '2/4 | 1/2',
  '1\\,000 | 1000',
  '2^10 | 1024',
  '2^3 | 8',
  '2^{10} | 1024',
  '\\sqrt{2} | 2^{1/2}',
  '\\sqrt{16} | 4',
  '\\sqrt[3]{8} | 2',
  'a+b+c | c+b+a',
  '(1/2, 3) | (2/4, 3)',
  '(0,1)\\cup(2,3) | (2,3)\\cup(0,1)',
  '\\{1,2,3\\} | \\{3,2,1\\}',
  'x=1 or x=2 | 1,2',
  '5 m | 5 cm',
  '5 miles per hour | 5',
  '3 million | 3000000',
  '10^{3} | 1000',
];

const named = (given: string, truth: string): string => `${given} | ${truth}`;

test('the corpus has at least 300 pairs, in both senses, without repetition', () => {
  assert.ok(CORPUS.length >= 300);
  assert.ok(CORPUS.filter(({ equal }) => !equal).length >= 100);
  const keys = CORPUS.map(({ given, truth, question }) => JSON.stringify([given, truth, question]));
  assert.equal(new Set(keys).size, keys.length);
});

test('the default grader agrees with the judgement of every pair of the corpus', (t) => {
  const wrong = CORPUS.filter((pair) => grade(pair.given, pair.truth, 'default', optionsOf(pair)) !== pair.equal);
  t.diagnostic(`${CORPUS.length - wrong.length} of ${CORPUS.length} pairs agree`);
  assert.ok(wrong.length <= CORPUS.length / 100, 'at least 99 % agree');
  assert.deepEqual(wrong.map(({ given, truth }) => named(given, truth)).sort(), Object.keys(EXCEPTIONS).sort());
});

test('the default grader is symmetric on the corpus, and every answer but a blank one equals itself', () => {
  for (const pair of CORPUS) {
    const options = optionsOf(pair);
    const forward = grade(pair.given, pair.truth, 'default', options);
    assert.equal(grade(pair.truth, pair.given, 'default', options), forward, named(pair.truth, pair.given));
    for (const text of [pair.given, pair.truth])
      assert.equal(grade(text, text, 'default', options), text.trim() !== '', text);
  }
});

test('no pair of the corpus is judged rightly by the official grader and wrongly by the default one, but for the named', () => {
  const lost = CORPUS.filter(
    (pair) =>
      gradeOfficially(pair.given, pair.truth) === pair.equal &&
      grade(pair.given, pair.truth, 'default', optionsOf(pair)) !== pair.equal,
  ).map(({ given, truth }) => named(given, truth));
  assert.deepEqual(lost, ['5 m | 5 cm']);
});

test('on the recorded decisions of the public code the default grader departs where it is named, and is wrong on units alone', () => {
  const differing = RECORDED.filter(
    ({ given, truth, given_vs_truth }) => grade(given, truth, 'default') !== given_vs_truth,
  );
  const texts = (official: boolean): string[] =>
    differing
      .filter(({ given_vs_truth }) => given_vs_truth === official)
      .map(({ given, truth }) => named(given, truth));
  assert.deepEqual(texts(true), Object.keys(TAKEN_BACK));
  assert.deepEqual(texts(false), ADDED);
});

test('a percentage is its number, or a fraction where the question asks for one, and never both', () => {
  for (const percentMeans of ['number', 'fraction'] as const) {
    const options = { percentMeans };
    assert.equal(grade('50\\%', '50', 'default', options), percentMeans === 'number');
    assert.equal(grade('50\\%', '1/2', 'default', options), percentMeans === 'fraction');
    assert.equal(grade('50', '0.5', 'default', options), false);
  }
});

const SENSES: readonly (readonly [string, 'number' | 'fraction'])[] = [
  ['What is 3 + 4?', 'number'],
  ['What percent of 80 is 20?', 'number'],
  ['By what percentage did the price fall?', 'number'],
  ['Express the probability as a percent.', 'number'],
  ['Find the probability, in percent, that it rains.', 'number'],
  ['To the nearest whole percent, what is the chance of winning?', 'number'],
  ['A shop gives a 20% discount on a $50 coat. What is the price?', 'number'],
  ['What is the probability that both are red?', 'fraction'],
  ['After a 20% discount, what fraction of the price is left?', 'fraction'],
  ['Write 3/8 as a decimal.', 'fraction'],
  ['What proportion of the 40 students passed?', 'fraction'],
  ['', 'number'],
];

test('the sense of a percent sign follows from what the question asks for', () => {
  for (const [question, sense] of SENSES) assert.equal(percentSense(question), sense, question);
});

test('how an answer was read is reported', () => {
  assert.equal(canonicalAnswer('42').kind, 'exact');
  assert.equal(canonicalAnswer('\\frac{x^2-1}{x-1}').kind, 'exact');
  assert.equal(canonicalAnswer('a long story').kind, 'text');
  assert.equal(canonicalAnswer('9^9^9^9').kind, 'incomparable');
  assert.equal(canonicalAnswer('1/0').kind, 'incomparable');
  assert.equal(canonicalAnswer('9'.repeat(3000)).kind, 'oversized');
  assert.equal(canonicalAnswer('  ').kind, 'empty');
});
