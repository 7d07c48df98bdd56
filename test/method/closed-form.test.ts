import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluateClosedForm } from '../../activities/method/closed-form.ts';
import { computed } from '../../activities/oracles/computed.ts';
import { fc } from '../support/properties.ts';

test('closed forms in TeX are evaluated exactly, and nothing else is', () => {
  const cases: [question: string, value: string | null][] = [
    ['What is $\\frac{3}{4} + 4$?', '19/4'],
    ['Compute \\( \\sqrt{16} + 5! \\).', '124'],
    ['\\[\\binom{5}{2} \\cdot 3\\]', '30'],
    ['Evaluate $\\left(\\frac{1}{2}\\right)^{3}$', '1/8'],
    ['What is 2(3 + 4)?', '14'],
    ['Find the value of $2^{10} - 24$.', '1000'],
    ['What is $\\sqrt{2}+\\sqrt{8}$?', '\\sqrt{2}+\\sqrt{8}'],
    ['What is $x + 1$?', null],
    ['What is $\\sin(3)$?', null],
    ['What is $3 + 4$ and $5 + 6$?', null],
    ['Tom has 3 + 4 apples. How many?', null],
    ['A train travels 60 miles in 2 hours. What is its speed?', null],
    ['What is the sum of 3 and 7?', null],
    ['Solve $2 + 2 = x$', null],
    ['What is (3, 4)?', null],
    ['What is 5%?', null],
    ['What is 7?', null],
    ['What is $\\frac{1}{0}$?', null],
    ['$$', null],
    ['', null],
    ['What is $9^{9^{9^{9}}}$?', null],
    [`What is $${'\\sqrt{'.repeat(80)}2${'}'.repeat(80)}$?`, null],
  ];
  for (const [question, value] of cases) assert.equal(evaluateClosedForm(question)?.value ?? null, value, question);
});

test('fractions and roots of random numbers have the value that arithmetic gives them', () => {
  const number = fc.integer({ min: 1, max: 99 });
  fc.assert(
    fc.property(number, number, number, (a, b, c) => {
      const question = `What is $\\frac{${a * c}}{${c}} + \\sqrt{${b * b}}$?`;
      assert.equal(evaluateClosedForm(question)?.value, String(a + b), question);
    }),
  );
});

test('the computed oracle judges labels by value and says where it knows nothing', () => {
  const ask = (question: string, label: string) => computed.ask({ question, label });
  assert.deepEqual(ask('What is 3/4 + 5?', '5.75'), { version: 1, truth: '23/4', agrees: true });
  assert.deepEqual(ask('5+3+3', '12'), { version: 1, truth: '11', agrees: false });
  assert.deepEqual(ask('What is $\\sqrt{2}+\\sqrt{8}$?', '3\\sqrt{2}'), {
    version: 2,
    truth: '\\sqrt{2}+\\sqrt{8}',
    agrees: true,
  });
  assert.equal(ask('Tom has 3 apples and buys 4. How many has he?', '7'), undefined);
});
