import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../support/properties.ts';
import { cpuMilliseconds } from './cpu-time.ts';
import { NearDuplicateIndex, WordRanks } from '../../activities/method/gate/near-duplicates.ts';
import type { RationalBound } from '../../activities/method/presets.ts';
import { questionForm, type QuestionForm } from '../../activities/method/gate/question-form.ts';

/** The definition, pair by pair: the same skeleton, and |A ∩ B| / |A ∪ B| at the threshold or above. */
function isNear(a: QuestionForm, b: QuestionForm, { numerator, denominator }: RationalBound): boolean {
  if (a.skeleton !== b.skeleton) return false;
  const common = a.words.filter((word) => b.words.includes(word)).length;
  const union = a.words.length + b.words.length - common;
  return union === 0 || common * denominator >= union * numerator;
}

const form = fc.record({
  exact: fc.constant(''),
  skeleton: fc.constantFrom('', '3 +'),
  words: fc.array(fc.constantFrom(...'abcdefghijklmnop'.split('')), { maxLength: 24 }).map((words) => {
    const seen = new Map<string, number>();
    return words.map((word) => {
      const count = (seen.get(word) ?? 0) + 1;
      seen.set(word, count);
      return count === 1 ? word : `${word}#${count}`;
    });
  }),
});
const threshold = fc.oneof(
  fc.constantFrom({ numerator: 4, denominator: 5 }, { numerator: 1, denominator: 1 }, { numerator: 1, denominator: 2 }),
  fc.integer({ min: 1, max: 100 }).map((numerator) => ({ numerator, denominator: 100 })),
);

test('the join finds exactly what comparing all pairs finds, and of that the first', () => {
  fc.assert(
    fc.property(fc.array(form, { maxLength: 40 }), fc.array(form, { maxLength: 20 }), threshold, (texts, asked, t) => {
      const index = new NearDuplicateIndex(t, new WordRanks([texts, asked]));
      for (const one of texts) index.add(one);
      for (const one of asked) {
        const expected = texts.findIndex((other) => isNear(one, other, t));
        const found = index.first(one);
        assert.equal(found?.position ?? -1, expected);
        if (!found || found.union === 1) continue;
        const common = one.words.filter((word) => texts[expected]!.words.includes(word)).length;
        assert.deepEqual(
          [found.common, found.union],
          [common, one.words.length + texts[expected]!.words.length - common],
        );
      }
    }),
    { numRuns: 500 },
  );
});

test('a similarity of exactly the threshold is near, a hair less is not', () => {
  const words = (count: number, from = 0): QuestionForm => ({
    exact: '',
    skeleton: '',
    words: Array.from({ length: count }, (_, k) => `w${from + k}`),
  });
  const near = (a: QuestionForm, b: QuestionForm, numerator: number, denominator: number): boolean => {
    const index = new NearDuplicateIndex({ numerator, denominator }, new WordRanks([[a, b]]));
    index.add(a);
    return index.first(b) !== undefined;
  };
  assert.equal(near(words(10), words(8), 8, 10), true);
  assert.equal(near(words(10), words(8), 801, 1000), false);
  assert.equal(near(words(9), words(9, 1), 8, 10), true);
  assert.equal(near(words(8), words(8, 1), 8, 10), false);
  assert.equal(near(words(0), words(0), 1, 1), true);
  assert.equal(near(words(0), words(1), 1, 100), false);
});

test('8,000 questions are compared with 40,000 earlier ones without comparing all pairs', () => {
  // The same 40 words but for some, all with the same numbers: a Challenger that has settled on one template.
  let state = 1;
  const random = (bound: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
  const template = (): QuestionForm =>
    questionForm(
      Array.from(
        { length: 40 },
        (_, k) =>
          `a${random(10) === 0 ? random(5000).toString(2).replaceAll('1', 'e').replaceAll('0', 'o') : `eio${'u'.repeat(k)}`}`,
      ).join(' '),
    );
  const texts = Array.from({ length: 40_000 }, template);
  const asked = Array.from({ length: 8_000 }, template);
  const spent = cpuMilliseconds(() => {
    const index = new NearDuplicateIndex({ numerator: 4, denominator: 5 }, new WordRanks([texts, asked]));
    for (const one of texts) index.add(one);
    for (const one of asked) index.first(one);
  });
  assert.ok(spent < 30_000, `${spent} ms`);
});
