import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../support/properties.ts';
import { cpuMilliseconds } from './cpu-time.ts';
import { questionForm } from '../../activities/method/gate/question-form.ts';

const key = (text: string): string => {
  const { skeleton, words } = questionForm(text);
  return JSON.stringify([skeleton, words.toSorted()]);
};

test('white space, punctuation, case of words, LaTeX spacing and delimiters make no difference', () => {
  const same: [string, string][] = [
    ['What is 3 + 4?', 'What is 3+4'],
    ['What is 3 + 4?', 'Compute  $3+4$.'],
    ['Find the value of \\(3+4\\).', 'Evaluate: 3+4 ='],
    ['3+7=', '3+7'],
    ['Evaluate \\left(\\dfrac{1}{2}\\right)^{2}', 'evaluate (\\frac{1}{2})^2'],
    ['$x\\,y \\times z$', 'x y × z'],
    ['A train leaves Boston.', 'a train leaves boston'],
    ['Let x \\leq 3', 'let x ≤ 3'],
    ['apples, pears; plums', 'apples pears plums'],
    ['a 12-sided, well-known shape', 'a 12 sided well known shape'],
    ['5 − 3', '5 - 3'],
    ['Sum the integers', 'sum the integer'],
    ['What a square!', 'what a square'],
    ['f′(x)', "f'(x)"],
    ['{x}^{10}', 'x^10'],
  ];
  for (const [a, b] of same) assert.equal(key(a), key(b), `${a} | ${b}`);
});

test('numbers, operators, variables, names of points and words of meaning do make a difference', () => {
  const different: [string, string][] = [
    ['3+7+2', '3+2+7'],
    ['3+7+2', '3+72'],
    ['3.5', '3 5'],
    ['5!', '5'],
    ['ratio 3:4', 'ratio 3 4'],
    ['a + A', 'a + a'],
    ["f'(x)", 'f(x)'],
    ['2^{34}', '2^{3}4'],
    ['\\frac{a}{b+c}', '\\frac{a}{b}+c'],
    ['\\Delta', '\\delta'],
    ['angle ABC', 'angle ACB'],
    ['find xy', 'find xz'],
    ['3-xy', '3xy'],
    ['x - sin x', 'x sin x'],
    ['the sum of the roots', 'the product of the roots'],
    ['at least one', 'at most one'],
    ['an even number', 'an odd number'],
    ['two apples', 'three apples'],
    ['5 minutes', '5 hours'],
    ['5 cm', '5 mm'],
    ['5 is what percent of 20', 'what is 5 percent of 20'],
    ['n!', 'n'],
    ['求和', '求积'],
    ['\\{1, 2\\}', '(1, 2)'],
  ];
  for (const [a, b] of different) assert.notEqual(questionForm(a).skeleton, questionForm(b).skeleton, `${a} | ${b}`);
});

test('the exact form looks through white space and Unicode composition, at nothing else', () => {
  const exact = (text: string): string => questionForm(text).exact;
  assert.equal(exact(' What\tis\n 3 + 4?\u00a0'), exact('What is 3 + 4?'));
  assert.equal(exact('caf\u0065\u0301'), exact('café'));
  assert.notEqual(exact('What is 3+4?'), exact('What is 3 + 4?'));
  assert.notEqual(exact('what'), exact('What'));
});

test('repeated words are told apart by number', () => {
  assert.deepEqual(questionForm('rose rose tulip Roses').words, ['rose', 'rose#2', 'rose#3', 'tulip']);
});

test('any text has a form, and the same text the same form', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' })), (text) => {
      assert.deepEqual(questionForm(text), questionForm(`  ${text} `.trim()));
    }),
  );
});

test('hostile texts take linear time', () => {
  for (const part of ['{', '{}', '\\', "a'", 'A', 'a ', '1.', '-', "x'-", '\\left', 'é\u0301', '= ']) {
    const text = part.repeat(400_000 / part.length);
    assert.ok(cpuMilliseconds(() => questionForm(text)) < 5000, part);
  }
});
