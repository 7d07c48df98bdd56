import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../support/properties.ts';
import { getPreset } from '../../activities/method/presets.ts';
import { extractAnswer, vote, voteWith } from '../../activities/method/voting.ts';

const preset = getPreset('default');
const answer = fc.option(
  fc.constantFrom(
    '1/2',
    '0.5',
    '\\frac12',
    '2',
    '2.0',
    '3',
    '(1,2)',
    '{2,1}',
    '1,2',
    'yes',
    'Yes',
    '',
    ' ',
    'no solution',
    '9^9^9^9',
    '5 cm',
    '5',
  ),
  { nil: null },
);

test('the default vote is the same for every order of the answers', () => {
  fc.assert(
    fc.property(
      fc
        .array(answer, { maxLength: 12 })
        .chain((answers) =>
          fc.tuple(fc.constant(answers), fc.shuffledSubarray([...answers.keys()], { minLength: answers.length })),
        ),
      ([answers, order]) => {
        const first = vote(answers, preset, 'labelling');
        const second = vote(
          order.map((i) => answers[i] ?? null),
          preset,
          'labelling',
        );
        assert.deepEqual(
          { ...second, classes: second.classes.map(({ representative, count }) => ({ representative, count })) },
          { ...first, classes: first.classes.map(({ representative, count }) => ({ representative, count })) },
        );
        const members = second.classes.map((group) =>
          group.members.map((k) => order[k] as number).sort((a, b) => a - b),
        );
        assert.deepEqual(
          members,
          first.classes.map((group) => group.members),
        );
      },
    ),
    { numRuns: 300 },
  );
});

test('every answer is in one class or unparsable, and the counts add up', () => {
  fc.assert(
    fc.property(fc.array(answer, { maxLength: 12 }), (answers) => {
      for (const name of ['default', 'paper', 'official-code'] as const) {
        const result = vote(answers, getPreset(name), 'labelling');
        const members = result.classes.flatMap((group) => group.members);
        assert.equal(new Set(members).size, members.length);
        assert.equal(members.length + result.unparsable, answers.length);
        assert.equal(result.votes, result.classes[0]?.count ?? 0);
        assert.equal(result.label === null, result.classes.length === 0);
        assert.ok(result.votes <= result.total);
        assert.equal(result.margin, result.votes - (result.classes[1]?.count ?? 0));
        assert.equal(result.tie, result.classes.length > 1 && result.margin === 0);
        assert.ok(result.incomparable >= 0 && result.incomparable <= answers.length);
        const most = Math.log(Math.max(1, result.classes.length));
        assert.ok(result.entropy >= 0 && result.entropy <= most + 1e-12);
        assert.equal(result.entropy === 0, result.classes.length < 2);
      }
    }),
    { numRuns: 200 },
  );
});

test('completions without a box count in m and do not vote', () => {
  const result = vote([null, null, null, '', '4', '4.0'], preset, 'labelling');
  assert.deepEqual([result.label, result.votes, result.total, result.unparsable, result.tie], ['4', 2, 6, 4, false]);
  const nobody = vote([null, ''], preset, 'labelling');
  assert.deepEqual([nobody.label, nobody.votes, nobody.total, nobody.tie], [null, 0, 2, false]);
  assert.deepEqual(vote([], preset, 'labelling').classes, []);
});

test('a tie is broken by the shorter, then the smaller form, and reported', () => {
  assert.deepEqual(vote(['9', '8', '8', '9'], preset, 'labelling').label, '8');
  assert.equal(vote(['9', '8', '8', '9'], preset, 'labelling').tie, true);
  assert.equal(vote(['100', '9'], preset, 'labelling').label, '9');
});

test('a class is represented by its most frequent spelling', () => {
  assert.equal(vote(['0.5', '\\frac{1}{2}', '1/2', '\\frac{1}{2}'], preset, 'labelling').label, '\\frac{1}{2}');
  assert.equal(vote(['0.5', '1/2'], preset, 'labelling').label, '0.5');
});

test('official votes go to the first-seen spelling', () => {
  const official = getPreset('official-code');
  const result = vote(['9', '8', '8', '9'], official, 'training');
  assert.deepEqual([result.label, result.tie], ['9', true]);
  assert.equal(vote([null, null, '3'], official, 'training').label, 'None');
});

test('official ties go to the class that was opened first, whatever the order of its later members', () => {
  const letters = fc.array(fc.constantFrom('1', '2', '3', '4'), { maxLength: 12 });
  for (const variant of ['official-server', 'official-builder'] as const) {
    fc.assert(
      fc.property(letters, (answers) => {
        const result = voteWith(answers, { variant, grader: 'official' });
        const largest = answers.filter((answer) => result.votes === answers.filter((other) => other === answer).length);
        assert.equal(result.label, largest[0] ?? null);
      }),
    );
  }
});

test('empty answers count in the denominator of the server, not of the builder', () => {
  const answers = ['', '', '11', '11', '12'];
  const server = voteWith(answers, { variant: 'official-server', grader: 'official' });
  const builder = voteWith(answers, { variant: 'official-builder', grader: 'official' });
  assert.deepEqual([server.votes, server.total, server.unparsable], [2, 5, 2]);
  assert.deepEqual([builder.votes, builder.total, builder.unparsable], [2, 3, 2]);
});

test('margin and entropy describe how sure a vote is', () => {
  const even = vote(['1', '2', '3', '4'], preset, 'labelling');
  assert.deepEqual([even.margin, even.tie], [0, true]);
  assert.ok(Math.abs(even.entropy - Math.log(4)) < 1e-12);
  const split = vote(['1', '1', '1', '2', null], preset, 'labelling');
  assert.equal(split.margin, 2);
  // Of the four that voted: - 3/4 ln 3/4 - 1/4 ln 1/4.
  assert.ok(Math.abs(split.entropy - 0.5623351446188083) < 1e-12);
  const sure = vote(['1', '1.0'], preset, 'labelling');
  assert.deepEqual([sure.margin, sure.entropy], [2, 0]);
  const nobody = vote([], preset, 'labelling');
  assert.deepEqual([nobody.margin, nobody.entropy, nobody.incomparable], [0, 0, 0]);
});

test('answers beyond the bounds of the grader are counted as incomparable under every preset', () => {
  const tower = '9^9^9^9';
  const digits = '7'.repeat(5000);
  for (const name of ['default', 'paper', 'official-code'] as const) {
    const result = vote([tower, tower, digits, '4', '', null], getPreset(name), 'labelling');
    assert.equal(result.incomparable, 3, name);
    assert.equal(result.votes, 2, name);
    assert.equal(result.label, tower, name);
  }
});

test('the question decides whether a percent sign divides by a hundred', () => {
  const answers = ['50%', '0.5', '50'];
  const probability = vote(answers, preset, 'labelling', { question: 'What is the probability of heads?' });
  const percentage = vote(answers, preset, 'labelling', { question: 'What percentage of the tosses are heads?' });
  assert.deepEqual(probability.classes[0]?.members, [0, 1]);
  assert.deepEqual(percentage.classes[0]?.members, [0, 2]);
});

test('an answer is extracted by the rules of the preset', () => {
  assert.equal(extractAnswer('\\boxed{1} \\boxed{2', preset), '1');
  assert.equal(extractAnswer('\\boxed{1} \\boxed{2', getPreset('official-code')), null);
  assert.equal(extractAnswer('\\boxed{}', preset), '');
});
