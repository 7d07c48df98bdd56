import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../support/properties.ts';
import { cpuMilliseconds } from './cpu-time.ts';
import { extractBoxed, extractAllBoxedOfficial, extractBoxedOfficial } from '../../activities/method/boxed.ts';
import { getPreset, PRESET_NAMES } from '../../activities/method/presets.ts';
import { parseChallengerOutput } from '../../activities/method/question-parser.ts';

const preset = getPreset('default');
const reasonOf = (text: string, questionPattern?: RegExp): string | null =>
  parseChallengerOutput(text, preset, questionPattern === undefined ? {} : { questionPattern }).reason;

test('the default parser reads a question block and the box after it', () => {
  assert.deepEqual(parseChallengerOutput('<question> 3+7 </question>\\boxed{10}', preset), {
    status: 'valid',
    reason: null,
    question: '3+7',
    answer: '10',
  });
  const two = parseChallengerOutput(
    '<question>a</question>\\boxed{1}<question>b</question>\\boxed{2} \\boxed{3',
    preset,
  );
  assert.equal(two.question, 'b');
  assert.equal(two.answer, '2');
  assert.equal(parseChallengerOutput('<question>x<question>y</question>\\boxed{2}', preset).question, 'y');
});

test('each defect of an output has its own reason', () => {
  assert.equal(reasonOf('no tags \\boxed{1}'), 'no_question_tags');
  assert.equal(reasonOf('<question>never closed \\boxed{1}'), 'no_question_tags');
  assert.equal(reasonOf('<question>  </question>\\boxed{1}'), 'empty_question');
  assert.equal(reasonOf('<question>q</question> the answer is 4'), 'no_boxed_answer');
  assert.equal(reasonOf('<question>q \\boxed{4}</question>'), 'no_boxed_answer');
  assert.equal(reasonOf('<question>q</question>\\boxed{ }'), 'empty_boxed_answer');
  assert.equal(reasonOf('<question>q</question>\\boxed{1}', /^\d+$/), 'pattern_mismatch');
});

test('a question pattern must match in full and may be stateful', () => {
  const pattern = /[1-9](?:\+[1-9])+/g;
  for (let round = 0; round < 3; round += 1) {
    assert.equal(reasonOf('<question>1+2</question>\\boxed{3}', pattern), null);
    assert.equal(reasonOf('<question>1+2=</question>\\boxed{3}', pattern), 'pattern_mismatch');
  }
});

test('the paper needs the tags only', () => {
  const parsed = parseChallengerOutput('<question>q</question> no box', getPreset('paper'));
  assert.deepEqual(parsed, { status: 'valid', reason: null, question: 'q', answer: null });
});

test('the last balanced box counts, escaped braces are characters', () => {
  assert.equal(extractBoxed('\\boxed{a} and \\boxed{unclosed'), 'a');
  assert.equal(extractBoxed('\\boxed{\\frac{1}{2}} text {'), '\\frac{1}{2}');
  assert.equal(extractBoxed('\\boxed{\\left\\{1,2\\right.}'), '\\left\\{1,2\\right.');
  assert.equal(extractBoxed('\\boxed{\\boxed{9}}'), '9');
  assert.equal(extractBoxed('\\\\boxed{5}'), '5');
  assert.equal(extractBoxed('}}} \\boxed{ 7 } {{{'), '7');
  assert.equal(extractBoxed('none here'), null);
  assert.equal(extractBoxed('\\boxed{}'), '');
});

test('no text makes a parser throw, and what is valid has a question', () => {
  const piece = fc.constantFrom(
    '<question>',
    '</question>',
    '\\boxed{',
    '{',
    '}',
    '\\',
    ' ',
    'q',
    '1',
    '\n',
    '\u0085',
    '\ud83d',
    '<think>',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(piece).map((parts) => parts.join('')),
        fc.string({ unit: 'binary' }),
      ),
      (text) => {
        for (const name of PRESET_NAMES) {
          for (const stage of ['training', 'generation'] as const) {
            const parsed = parseChallengerOutput(text, getPreset(name), { stage });
            assert.equal(parsed.status === 'valid', parsed.reason === null);
            if (parsed.status === 'valid') assert.notEqual(parsed.question, null);
          }
        }
        const boxed = extractBoxed(text);
        if (boxed !== null) assert.ok(text.includes('\\boxed{'));
        extractBoxedOfficial(text);
        extractAllBoxedOfficial(text);
      },
    ),
    { numRuns: 500 },
  );
});

test('parsing a megabyte of half-open tags and boxes is quick', () => {
  for (const unit of ['<question>', '\\boxed{', '<question>\\boxed{', '{', '</question>', '\\boxed{}']) {
    const text = unit.repeat(1_000_000 / unit.length);
    const time = cpuMilliseconds(() => {
      for (const name of PRESET_NAMES) parseChallengerOutput(text, getPreset(name), { stage: 'training' });
    });
    assert.ok(time < 1000, unit);
  }
});
