import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../support/properties.ts';
import { grade } from '../../activities/method/answers/answer-equivalence.ts';

const EQUAL: readonly (readonly string[])[] = [
  [
    '1/2',
    '0.5',
    '.5',
    '2/4',
    '\\frac12',
    '\\frac{1}{2}',
    '\\dfrac{2}{4}',
    '$\\frac{1}{2}$',
    '0.50',
    'x = 1/2',
    '\\left(\\frac{1}{2}\\right)',
    '½',
  ],
  ['7/2', '3.5', '3 1/2', '3\\frac{1}{2}', '3\\frac12', '7 / 2'],
  ['-1/2', '-\\frac{1}{2}', '\\frac{-1}{2}', '\\frac{1}{-2}', '−0.5'],
  ['1000', '1,000', '1{,}000', '1\\,000', '1e3', '10^3', '10^{3}', '\\$1,000', '1000 dollars', '1 thousand'],
  [
    '4',
    '\\sqrt{16}',
    'sqrt(16)',
    '2^2',
    '|-4|',
    '\\boxed{4}',
    'four',
    '4.',
    '\\text{4}',
    '4 \\text{ cm}',
    '4cm',
    '4 m',
  ],
  ['2\\sqrt{2}', '\\sqrt{8}', '2*sqrt(2)', '\\frac{4}{\\sqrt{2}}', '8^{1/2}', '√8'],
  ['\\sqrt{2}-1', '\\frac{1}{1+\\sqrt{2}}', '-1+\\sqrt2'],
  ['\\frac{3\\pi}{4}', '\\frac{3}{4}\\pi', '3pi/4', '0.75π'],
  ['x^2+2x+1', '(x+1)^2', '(1+x)(x+1)', 'x*x + 2*x + 1', 'f(x) = (x+1)^2'],
  ['x+1', '(x^2-1)/(x-1)', '\\frac{x^2-1}{x-1}'],
  ['2+3i', '3i+2', '(2+3i)'],
  [
    '(1,2)',
    '( 1 , 2 )',
    '\\left(1, \\frac{4}{2}\\right)',
    '\\begin{pmatrix}1\\\\2\\end{pmatrix}',
    '\\begin{bmatrix} 1 \\\\ 2 \\end{bmatrix}',
    '\\langle 1,2 \\rangle',
  ],
  ['\\{1,2\\}', '\\{2,1\\}', '1,2', '2, 1', '1 and 2', 'x=1 or x=2', '1;2', '\\{1,2,2\\}'],
  ['\\pm 3', '3,-3', '-3 \\text{ or } 3'],
  ['(0,1)\\cup(2,3)', '(2,3)\\cup(0,1)', '(2,3) \\cup (0,1)'],
  ['(3,\\infty)', 'x > 3', '3 < x', 'x>3'],
  ['[0,1)', '0 \\le x < 1', '1 > x \\geq 0'],
  ['A', '(A)', 'a', '\\text{(A)}', 'A.', '(a)', '\\textbf{(A)}'],
  ['no solution', 'No solutions', '\\text{No solution}', '\\emptyset', 'none', '∅'],
  ['\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}', '\\begin{bmatrix} 1 & 2 \\\\ 3 & 4 \\end{bmatrix}', '[[1,2],[3,4]]'],
  ['50\\%', '50', '50%', '50 percent', '50^\\circ', '50 degrees'],
  ['1/6', '0.1\\overline{6}'],
  ['120', '5!', '\\binom{10}{3}', '2^3 \\cdot 3 \\cdot 5'],
  ['60', '60 miles per hour', '60 mi/hr'],
  ['x^2+y^2=1', 'y^2+x^2=1', '2x^2+2y^2=2', 'x^2+y^2-1=0'],
  ['Paris', 'paris', '\\text{Paris}', 'the Paris'],
];

const DIFFERENT: readonly (readonly [string, string])[] = [
  ['1/3', '0.333'],
  ['12345678901234567890', '12345678901234567891'],
  ['(1,2)', '[1,2]'],
  ['(1,2)', '(2,1)'],
  ['(1,2)', '1,2'],
  ['50%', '0.5'],
  ['7', '8'],
  ['x = 1, y = 2', 'x = 2, y = 1'],
  ['\\binom{5}{2}', '52'],
  ['yes', 'no'],
  ['A', 'B'],
  ['casino owner', 'piano key'],
  ['-3', '3'],
  ['\\sqrt{2}', '1.41421356'],
  ['\\pi', '3.14159'],
  ['sqrt(x^2)', 'x'],
  ['1/0', '0'],
  ['2^{10}', '210'],
];

test('spellings of one value are equal, spellings of different families are not', () => {
  EQUAL.forEach((family, f) => {
    for (const left of family) {
      for (const right of family) assert.ok(grade(left, right, 'default'), `${left} = ${right}`);
      EQUAL.forEach((other, g) => {
        if (f !== g) for (const right of other) assert.ok(!grade(left, right, 'default'), `${left} ≠ ${right}`);
      });
    }
  });
});

test('near misses are not equal', () => {
  for (const [left, right] of DIFFERENT) assert.ok(!grade(left, right, 'default'), `${left} ≠ ${right}`);
});

test('no text makes either grader throw', () => {
  const latex = fc.array(
    fc.constantFrom(
      '\\frac',
      '\\sqrt',
      '{',
      '}',
      '(',
      ')',
      '[',
      ']',
      '^',
      '_',
      '1',
      '9',
      'x',
      '\\pi',
      ',',
      '=',
      '<',
      '\\cup',
      '\\pm',
      '!',
      '|',
      ' or ',
      '\\text{',
      '%',
      '.',
      '/',
      '-',
      '\\begin{pmatrix}',
      '\\end{pmatrix}',
      '\\\\',
      '&',
      '²',
      '½',
      '\ud800',
      '\u0000',
    ),
    { maxLength: 30 },
  );
  fc.assert(
    fc.property(
      fc.oneof(
        latex.map((parts) => parts.join('')),
        fc.string(),
        fc.string({ unit: 'binary' }),
      ),
      fc.string(),
      (a, b) => {
        for (const by of ['default', 'official'] as const) {
          assert.equal(typeof grade(a, b, by), 'boolean');
          assert.equal(typeof grade(b, a, by), 'boolean');
        }
        assert.equal(grade(a, a, 'default'), a.trim() !== '');
      },
    ),
    { numRuns: 1000 },
  );
});
