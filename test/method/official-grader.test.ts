import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../support/properties.ts';
import { cpuMilliseconds } from './cpu-time.ts';
import { latexToText } from '../../activities/method/official/latex-to-text.ts';
import { gradeOfficially } from '../../activities/method/official/official-grader.ts';
import { hendrycksForm, prm800kForm, pythonFloat } from '../../activities/method/official/official-normalize.ts';
import { extractAllBoxedOfficial } from '../../activities/method/boxed.ts';

const equal = (given: string, truth: string): void =>
  assert.equal(gradeOfficially(given, truth), true, `${given} = ${truth}`);
const unequal = (given: string, truth: string): void =>
  assert.equal(gradeOfficially(given, truth), false, `${given} ≠ ${truth}`);

test('floats round as in sympy: short decimals add up or not as binary does', () => {
  unequal('0.1+0.2', '0.3');
  equal('0.3', '3/10');
  equal('1.2/0.3', '8/2');
  unequal('1.1^2', '1.21');
  equal('1.05^2', '1.1025');
  unequal('2/3', '0.66666666666666666667');
  equal('(x+0.5)^2', 'x^2+x+0.25');
  equal('1.5\\pi', '\\frac{3\\pi}{2}');
  unequal('x^{0.5}', '\\sqrt{x}');
  equal('\\sqrt{0.25}', '1/2');
  unequal('\\sqrt{0.5}', '\\frac{\\sqrt{2}}{2}');
});

test('names are split into letters as sympy splits them, one by one', () => {
  unequal('1/xy', '1/(x*y)');
  equal('1/xy', '\\frac{1}{x*y}'); // the LaTeX loses its brackets on the way
  equal('1/xy', 'y/x');
  equal('xy^2', 'y^2*x');
  unequal('\\pi\\sqrt{2}', '\\sqrt{2}\\pi');
  equal('\\sqrt{2}\\pi', '\\pi*\\sqrt{2}');
  unequal('n(n-1)!', 'n!');
  equal('n*(n-1)!', 'n!');
  equal('x+05', 'x');
});

test('nested roots, logarithms, powers and factorials are compared by value', () => {
  equal('\\sqrt{3+2\\sqrt{2}}', '1+\\sqrt{2}');
  unequal('\\sqrt{3+2\\sqrt{2}}*x', '(1+\\sqrt{2})*x');
  equal('x+\\sqrt{3+2\\sqrt{2}}', 'x+1+\\sqrt{2}');
  equal('1/(\\sqrt{3}-\\sqrt{2})', '\\sqrt{3}+\\sqrt{2}');
  equal('\\ln(6)', '\\ln(2)+\\ln(3)');
  equal('2^x*2^x', '4^x');
  equal('(n+1)!/n!', 'n+1');
  equal('(5/2)!', '\\frac{15\\sqrt{\\pi}}{8}');
});

test('identities that hold in a part of the complex plane only are none', () => {
  unequal('\\sqrt{x^2}', 'x');
  unequal('\\sqrt{x}\\sqrt{y}', '\\sqrt{xy}');
  unequal('\\frac{1}{\\sqrt{x}}', '\\sqrt{1/x}');
  unequal('\\sqrt{x^2+2x+1}', 'x+1');
  equal('\\sqrt{12x}', '2\\sqrt{3x}');
  equal('(x-y)/(\\sqrt{x}-\\sqrt{y})', '\\sqrt{x}+\\sqrt{y}');
});

test('LaTeX is rendered as pylatexenc renders it', () => {
  for (const [latex, text] of [
    ['\\cot x', 'x'],
    ['\\mbox{a} b', ' b'],
    ['5~\\text{m}', '5\u00a0m'],
    ['\\frac{1}', '%s/%s1'],
    ['\\[x\\]', '\n    x\n'],
    ['\\( \\pi r \\)', 'π r'],
    ['\\mathbb{R}^2 \\ni \\hat\\imath', 'ℝ^2 ∋'],
    ['\\begin{pmatrix}1 & 22\\\\3 & 4\\end{pmatrix}', '[  1 22;  3  4 ]'],
    ['\\begin{cases}x\\\\[2mm]y\\end{cases}', 'x\ny'],
    ['\\sqrt[3]{2}---\\ldots', '√(2)—…'],
    ["f''(x)!`", 'f”(x)¡'],
  ] as const) {
    assert.equal(latexToText(latex), text, latex);
  }
});

test('normal forms know the digits of every script and Python’s ideas of a line', () => {
  assert.equal(prm800kForm('４２'), '42');
  assert.equal(pythonFloat('٣.٥'), 3.5);
  assert.equal(pythonFloat('𝟕'), 7);
  assert.equal(hendrycksForm('\\text{a\u2028b}'), 'a\u2028b');
  assert.equal(hendrycksForm('\\text{a\nb}'), '\\text{ab}');
});

test('an unclosed box loses its last character, not half of one', () => {
  assert.deepEqual(extractAllBoxedOfficial('\\boxed{x𝑥'), ['x']);
  assert.deepEqual(extractAllBoxedOfficial('\\boxed{'), ['']);
});

test('the grader never throws, says the same each time, and agrees with itself', () => {
  const pieces = fc.constantFrom(
    ...'0 1 2 9 . , + - * / ^ ( ) [ ] { } ! = x y n e j pi sqrt( ln( \\frac \\sqrt{ \\pi \\text{ \\left( \\right) ** // 0.1 1e9 \n \\\\'.split(
      ' ',
    ),
  );
  const answers = fc.array(pieces, { maxLength: 14 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(answers, answers, (given, truth) => {
      assert.equal(gradeOfficially(given, truth), gradeOfficially(given, truth));
      assert.equal(gradeOfficially(given, given), true);
    }),
    { numRuns: 400 },
  );
});

test('hostile answers are judged in bounded time', () => {
  const hostile = [
    '9**9**9',
    '99999999!',
    '(x+y+1)**99999999',
    `${'2**'.repeat(500)}x`,
    '(x+y)'.repeat(300),
    `${'('.repeat(2000)}1${')'.repeat(2000)}`,
    '\\frac{'.repeat(300),
    '\\begin{pmatrix}'.repeat(260),
    `${'(x=='.repeat(90)}1${')'.repeat(90)}`,
    '(0.1x+0.2y+0.3)**30',
    `0.${'3'.repeat(3900)}`,
    `${Array.from({ length: 300 }, (_, i) => `sqrt(${i + 2})`).join('+')}+x`,
    `${Array.from({ length: 600 }, (_, i) => `1/${i + 1009}`).join('+')}+x`,
    '(n+399)!/n!',
  ];
  for (const answer of hostile) {
    const milliseconds = cpuMilliseconds(() => {
      gradeOfficially(answer, 'x+1.5');
      gradeOfficially('x+2', answer);
      gradeOfficially(answer, `${answer}+0`);
    });
    assert.ok(milliseconds < 2000, `${answer.slice(0, 20)}: ${milliseconds} ms`);
  }
});
