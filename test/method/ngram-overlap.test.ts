/** Which generated questions share runs of words with evaluation questions. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ngramMatches } from '../../activities/method/gate/ngram-overlap.ts';
import { createRandom } from '../../activities/method/seeds.ts';
import { fc } from '../support/properties.ts';

const words = (from: number, count: number): string =>
  Array.from({ length: count }, (_, index) => `w${from + index}`).join(' ');

const matchOf = (question: string, ...texts: string[]) => ngramMatches([question], texts).get(0);

describe('n-gram overlap', () => {
  test('is a shared run of 13 words, in any case and with any punctuation, and no shorter run of a long question', () => {
    const text = words(100, 40);
    assert.deepEqual(matchOf(`${words(0, 30)}. ${words(105, 13).toUpperCase()}!`, 'other', text)?.index, 1);
    assert.equal(matchOf(`${words(0, 30)} ${words(105, 12)}`, text), undefined);
  });

  test('is 70 % of the runs of 8 words of a short one', () => {
    const text = `before ${words(0, 12)} after`;
    // 5 of 5 runs, 5 of 7, 5 of 8.
    assert.deepEqual(matchOf(words(0, 12), text), { index: 0, overlap: 1 });
    assert.equal(matchOf(`${words(0, 12)} x y`, text)?.overlap, 5 / 7);
    assert.equal(matchOf(`${words(0, 12)} x y z`, text), undefined);
  });

  test('is nothing to questions of fewer than 8 words, however alike', () => {
    assert.equal(matchOf('What is 3 plus 4, please?', 'What is 3 plus 4, please?'), undefined);
    assert.deepEqual(ngramMatches([null, ''], ['text']), new Map());
  });

  test('agrees with looking at every pair of runs', () => {
    const text = (length: number) =>
      fc.array(fc.constantFrom('a', 'b', 'C', '7'), { maxLength: length }).map((own) => own.join(' '));
    fc.assert(
      fc.property(fc.array(text(24), { maxLength: 4 }), fc.array(text(40), { maxLength: 4 }), (questions, texts) => {
        const runs = (of: string, length: number): string[] => {
          const own = of.toLowerCase().split(' ').filter(Boolean);
          return Array.from({ length: Math.max(0, own.length - length + 1) }, (_, at) =>
            own.slice(at, at + length).join(' '),
          );
        };
        const expected = new Map<number, { index: number; overlap: number }>();
        questions.forEach((question, number) => {
          const own = runs(question, 8);
          texts.forEach((other, index) => {
            const theirs = new Set(runs(other, 8));
            const long = new Set(runs(other, 13));
            const overlap = own.filter((run) => theirs.has(run)).length / own.length;
            const isMatch = own.length > 0 && (overlap >= 0.7 || runs(question, 13).some((run) => long.has(run)));
            if (isMatch && !expected.has(number)) expected.set(number, { index, overlap });
          });
        });
        assert.deepEqual(ngramMatches(questions, texts), expected);
      }),
      { numRuns: 300 },
    );
  });

  test('of a thousand questions with 20,000 long texts takes seconds, not minutes', () => {
    const random = createRandom('00000000000000aa');
    const text = (length: number, kinds: number): string =>
      Array.from({ length }, () => `v${random.below(kinds)}`).join(' ');
    const questions = Array.from({ length: 1_000 }, () => text(40, 5_000));
    const texts = Array.from({ length: 20_000 }, () => text(60, 10_000));
    texts[12_345] += ` ${questions[77]!}`;
    const started = process.cpuUsage();
    const found = ngramMatches(questions, texts);
    const { user, system } = process.cpuUsage(started);
    assert.deepEqual([...found], [[77, { index: 12_345, overlap: 1 }]]);
    assert.ok(user + system < 10e6, `${(user + system) / 1e6} s`);
  });
});
