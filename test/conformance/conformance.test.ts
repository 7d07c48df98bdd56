import assert from 'node:assert/strict';
import { basename } from 'node:path';
import { test } from 'node:test';
import { familiesOf } from './families.ts';
import { SHIPPED } from './shipped.ts';
import { loadVectors } from './vectors.ts';
import { sentenceBleu } from '../../activities/method/repetition/bleu.ts';
import { grade } from '../../activities/method/answers/answer-equivalence.ts';
import { pythonSplit } from '../../activities/method/official/python-text.ts';

for (const file of SHIPPED) {
  for (const { name, cases } of familiesOf(loadVectors(file))) {
    test(`${basename(file.pathname)}: ${name}: all ${cases.length} give what the public code gives`, () => {
      for (const { name: item, check } of cases) {
        try {
          check();
        } catch (error) {
          throw new Error(item, { cause: error });
        }
      }
    });
  }
}

test('a family without a check fails, it does not pass unseen', () => {
  const [family] = familiesOf({ invented: [1, 2, 3] } as object);
  assert.throws(() => family?.cases[0]?.check(), /no check/);
});

test('a missing answer or truth is never equal under the default grader either', () => {
  for (const [given, truth] of [
    [null, '5'],
    ['5', null],
    [null, null],
  ] as const) {
    assert.equal(grade(given, truth, 'default'), false);
  }
});

test('BLEU gives the published sample values', () => {
  const samples: [string, string, number][] = [
    ['Find the sum of all positive integers n.', 'Find the sum of all positive integers m.', 0.8408964152537145],
    ['What is 2+2?', 'What is 2+2?', 0.5623413251903491],
    ['Compute 7!', 'Compute 7!', 0.316227766016838],
    ['Why?', 'Why?', 0.1778279410038923],
    ['', '', 0],
    ['the cat is on the mat', 'the the the the the the the', 0.041095991233501536],
  ];
  for (const [hypothesis, reference, expected] of samples) {
    const actual = sentenceBleu(pythonSplit(hypothesis), pythonSplit(reference));
    assert.ok(Math.abs(actual - expected) < 1e-12, `${hypothesis} | ${reference}: ${actual}`);
  }
});
