import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fc } from '../support/properties.ts';
import { cpuMilliseconds } from './cpu-time.ts';
import { extractForMathVerify, mathVerifyCorrect } from '../../activities/method/math-verify/math-verify.ts';

interface Comparison {
  readonly response: string;
  readonly answer: string;
  readonly extracted: string;
  readonly math_verify_correct: boolean;
}

function comparisons(file: string): readonly Comparison[] {
  const text = readFileSync(new URL(`../conformance/${file}`, import.meta.url), 'utf8');
  return (JSON.parse(text) as { eval_math_compare: readonly Comparison[] }).eval_math_compare;
}

/** The verdict on an answer that stands in a box by itself. */
const correct = (boxed: string, answer: string): boolean => mathVerifyCorrect(`\\boxed{${boxed}}`, answer);

for (const file of ['r-zero-vectors.json', 'math-verify-vectors.json']) {
  test(`every extraction and verdict of ${file} is the public code's`, () => {
    const vectors = comparisons(file);
    assert.ok(vectors.length > 0);
    const wrong = vectors.filter(
      ({ response, answer, extracted, math_verify_correct }) =>
        extractForMathVerify(response) !== extracted || mathVerifyCorrect(response, answer) !== math_verify_correct,
    );
    assert.deepEqual(wrong, []);
  });
}

test('the box is the first of its line, in any case, up to the last brace of that line', () => {
  assert.equal(extractForMathVerify('\\boxed{4} and \\boxed{5}.'), '4} and \\boxed{5');
  assert.equal(extractForMathVerify('\\BoXed \n\t{7}'), '7');
  assert.equal(extractForMathVerify('\\boxed{} \\boxed{a'), 'None');
  assert.equal(extractForMathVerify('\\boxed{a\n\\boxed{b}\nc}'), 'b');
  assert.equal(extractForMathVerify('no box, None'), 'None');
});

test('without delimiters only numbers, arithmetic and plain fractions are answers', () => {
  assert.ok(!correct('(1,2)', '(1,2)'));
  assert.ok(!correct('\\sqrt{16}', '\\sqrt{16}'));
  assert.ok(correct('3\\sqrt{2}', '3'));
  assert.ok(correct('1,2', '1.2'));
  assert.ok(correct('\\frac{2}{4}', '0.5'));
  assert.ok(!correct('\\dfrac{1}{2}', '\\dfrac{1}{2}'));
  assert.ok(correct('2^10', '1,024'));
  assert.ok(!correct('2(3)+1', '7'));
  assert.ok(!mathVerifyCorrect('no box', 'None'));
});

test('a percent sign counts only where no backslash stands before it', () => {
  assert.ok(correct('50%', '0.5'));
  assert.ok(!correct('50\\%', '0.5'));
  assert.ok(correct('50\\%', '50'));
  assert.ok(correct('$50\\%$', '0.5'));
});

test('decimals are compared at six places, to the last digit when one side is exact and whole', () => {
  assert.ok(correct('0.3333333', '1/3'));
  assert.ok(!correct('0.33333', '1/3'));
  assert.ok(!correct('18.0000001', '18'));
  assert.ok(correct('18.0000001', '18.0'));
});

test('between delimiters LaTeX is read: values, sets, intervals, equations', () => {
  assert.ok(correct('$\\sqrt{16}$', '$4$'));
  assert.ok(correct('$(x+1)^2$', '$x^2+2x+1$'));
  assert.ok(correct('$\\{3,2,1\\}$', '$1,2,3$'));
  assert.ok(correct('$(1,2)$', '$x\\in(1,2)$'));
  assert.ok(correct('$[2,\\infty)$', '$2x\\ge 4$'));
  assert.ok(!correct('$[0,1]$', '$[0,1)$'));
  assert.ok(correct('$2x-y+1=0$', '$y=2x+1$'));
  assert.ok(correct('$3$', '$x=3$'));
  assert.ok(!correct('$2\\frac{1}{2}$', '$1$'));
  assert.ok(correct('$2\\frac{1}{2}$', '$2.5$'));
});

test('an unreadable text equals its own text only', () => {
  assert.ok(correct('$\\foo x$', '$\\foo x$'));
  assert.ok(!correct('$\\foo x$', '$\\foo y$'));
});

test('any two texts get a verdict', () => {
  const piece = fc.constantFrom(
    ...'$ $$ \\( \\) \\[ \\] \\boxed{ { } ( ) [ ] \\frac \\sqrt \\text{ answer: final_answer_is 1 2.5 -3 x + - * / ^ _ = < , ; % \\% \\pm \\cup \\infty \\sin ! | \\| \\left( \\{ \\} 0 é 😀'
      .split(' ')
      .map((text) => text.replaceAll('_', ' ')),
    ' ',
    '\n',
  );
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(piece, { maxLength: 25 }).map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(text, text, (boxed, answer) => {
      assert.equal(typeof mathVerifyCorrect(`\\boxed{${boxed}}`, answer), 'boolean');
      assert.equal(typeof mathVerifyCorrect(boxed, boxed), 'boolean');
    }),
    { numRuns: 400 },
  );
});

test('hostile texts cost bounded work', () => {
  const million = 1_000_000;
  const hostile: Record<string, string> = {
    'power tower': '9^9^9^9',
    'power tower in LaTeX': '$9^{9^{9^{9}}}$',
    'ten thousand brackets': `$${'('.repeat(10_000)}1${')'.repeat(10_000)}$`,
    'a hundred brackets': `$${'('.repeat(100)}x${')'.repeat(100)}$`,
    'a million digits': '1'.repeat(million),
    'nineteen thousand digits': '1'.repeat(19_000),
    'spaces before nothing': ' '.repeat(19_000),
    'open delimiters': '\\['.repeat(9000),
    dollars: '$x'.repeat(9000),
    'open boxes': '\\boxed{'.repeat(100_000),
    'open boxes on lines of their own': '\\boxed{\n'.repeat(100_000),
    'answers without end': 'answer: 1 = '.repeat(1500),
    bars: `$${'|x'.repeat(140)}|$ `.repeat(60),
    'arithmetic without end': `${'1 + '.repeat(4000)}x`,
    'a large expansion': '$(x+y)^{40}(x-y)^{40}$',
    'nested sums': '$\\sum_{k=1}^{200}\\sum_{j=1}^{200}\\sum_{i=1}^{200} ijk$',
    factorial: '$((9!)!)!$',
    'runs of spaces in LaTeX': `$${' '.repeat(3900)}x$`,
  };
  for (const [name, text] of Object.entries(hostile)) {
    const spent = cpuMilliseconds(() => {
      mathVerifyCorrect(`\\boxed{${text}}`, '5');
      mathVerifyCorrect('\\boxed{5}', text);
      mathVerifyCorrect(`\\boxed{${text}}`, `${text} + 1`);
    });
    assert.ok(spent < 1500, `${name}: ${spent} ms`);
  }
});
