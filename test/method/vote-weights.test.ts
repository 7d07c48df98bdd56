import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../support/properties.ts';
import { getPreset, PRESET_NAMES } from '../../activities/method/presets.ts';
import { meanLogprob, VOTE_WEIGHTINGS, weighVote } from '../../activities/method/vote-weights.ts';
import type { VoteWeighting, WeighableAnswer } from '../../activities/method/vote-weights.ts';
import { vote } from '../../activities/method/voting.ts';

interface Given extends WeighableAnswer {
  extracted: string | null;
}

const answer: fc.Arbitrary<Given> = fc.record({
  extracted: fc.option(fc.constantFrom('1/2', '0.5', '2', '3', '', 'yes'), { nil: null }),
  tokens: fc.integer({ min: 1, max: 40 }),
  meanLogprob: fc.double({ min: -400, max: 0, noNaN: true }),
});
const answers = fc.array(answer, { maxLength: 10 });
const weighting = fc.constantFrom<VoteWeighting>('length', 'confidence');
const preset = getPreset('default');

const count = (given: readonly Given[], name = preset) =>
  vote(
    given.map(({ extracted }) => extracted),
    name,
    'labelling',
  );
const weigh = (given: readonly Given[], rule: VoteWeighting) => weighVote(count(given), given, rule);

test('weights move the label and nothing that is counted', () => {
  fc.assert(
    fc.property(answers, weighting, fc.constantFrom(...PRESET_NAMES), (given, rule, name) => {
      const counted = count(given, getPreset(name));
      const result = weighVote(counted, given, rule);
      const plain = ({ representative, count: n, members }: (typeof result.classes)[number]) =>
        JSON.stringify([representative, n, members]);
      assert.deepEqual(result.classes.map(plain).toSorted(), counted.classes.map(plain).toSorted());
      for (const field of ['total', 'unparsable', 'incomparable', 'entropy'] as const)
        assert.equal(result[field], counted[field]);
      const [first, ...others] = result.classes;
      assert.equal(result.label, first?.representative ?? null);
      // p̂ is the share of the answers that agree with the label.
      assert.equal(result.votes, first?.count ?? 0);
      assert.ok(others.every(({ weight }) => weight! <= first!.weight!));
      if (first) {
        const total = result.classes.reduce((sum, { weight }) => sum + weight!, 0);
        assert.ok(Math.abs(total - 1) < 1e-12, String(total));
      }
    }),
  );
});

test('a weighted vote is the same for every order of the answers', () => {
  const shuffled = answers.chain((given) =>
    fc.tuple(fc.constant(given), fc.shuffledSubarray(given, { minLength: given.length })),
  );
  fc.assert(
    fc.property(shuffled, weighting, ([given, other], rule) => {
      const shape = (list: readonly Given[]) => {
        const { label, votes, tie, classes } = weigh(list, rule);
        return {
          label,
          votes,
          tie,
          classes: classes.map(({ representative, weight }) => ({ representative, weight })),
        };
      };
      assert.deepEqual(shape(other), shape(given));
    }),
  );
});

test('answers of equal weight are counted, and so are all without weighting', () => {
  fc.assert(
    fc.property(answers, fc.constantFrom(...VOTE_WEIGHTINGS), (given, rule) => {
      const even = given.map((each) => ({ ...each, tokens: 7, meanLogprob: -0.5 }));
      const counted = count(even);
      const { label, votes, tie } = weigh(even, rule);
      assert.deepEqual([label, votes, tie], [counted.label, counted.votes, counted.tie]);
      assert.equal(weighVote(counted, even, 'none'), counted);
    }),
  );
});

test('an answer whose confidence was not stored leaves the vote as it was counted', () => {
  const given: Given[] = [
    { extracted: '4', tokens: 3, meanLogprob: -0.01 },
    { extracted: '5', tokens: 3, meanLogprob: null },
    { extracted: '5', tokens: 3, meanLogprob: -2 },
  ];
  assert.deepEqual(weigh(given, 'confidence'), count(given));
  // One that does not vote has no say in it.
  const silent = given.map((each) => (each.meanLogprob === null ? { ...each, extracted: null } : each));
  assert.equal(weigh(silent, 'confidence').label, '4');
});

test('a sure minority outweighs guesses, a longer one outweighs shorter ones', () => {
  const worked: Given = { extracted: '14', tokens: 20, meanLogprob: -0.05 };
  const guess: Given = { extracted: '12', tokens: 4, meanLogprob: -0.6 };
  for (const rule of ['length', 'confidence'] as const) {
    const result = weigh([guess, worked, guess, guess], rule);
    assert.deepEqual([result.label, result.votes, result.total, result.margin], ['14', 1, 4, -2]);
  }
  // Twice as many tokens that are as probable are no surer.
  assert.equal(weigh([{ ...worked, tokens: 40 }, guess, guess], 'confidence').label, '14');
  const [heavy, light] = weigh([worked, guess], 'confidence').classes;
  assert.ok(Math.abs(heavy!.weight! / light!.weight! - Math.exp(5.5)) < 1e-6);
});

test('the mean log-probability is one of tokens', () => {
  assert.equal(meanLogprob([-1, -2, -6]), -3);
  assert.equal(meanLogprob([]), null);
});
