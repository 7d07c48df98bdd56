import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cpuMilliseconds } from './cpu-time.ts';
import { canonicalAnswer } from '../../activities/method/answer-canonical.ts';
import { grade } from '../../activities/method/answer-equivalence.ts';

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
  ['(1,2)', '( 1 , 2 )', '\\left(1, \\frac{4}{2}\\right)'],
  ['\\{1,2\\}', '\\{2,1\\}', '1,2', '2, 1', '1 and 2', 'x=1 or x=2', '1;2', '\\{1,2,2\\}'],
  ['\\pm 3', '3,-3', '-3 \\text{ or } 3'],
  ['(0,1)\\cup(2,3)', '(2,3)\\cup(0,1)', '(2,3) \\cup (0,1)'],
  ['(3,\\infty)', 'x > 3', '3 < x', 'x>3'],
  ['[0,1)', '0 \\le x < 1', '1 > x \\geq 0'],
  ['A', '(A)', 'a', '\\text{(A)}', 'A.', '(a)', '\\textbf{(A)}'],
  ['no solution', 'No solutions', '\\text{No solution}', '\\emptyset', 'none', '∅'],
  ['\\begin{pmatrix}1\\\\2\\end{pmatrix}', '\\begin{bmatrix} 1 \\\\ 2 \\end{bmatrix}'],
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

const number = fc.oneof(fc.integer({ min: -999, max: 999 }), fc.integer({ min: -9, max: 9 }));
const spelledRational = fc
  .tuple(number, fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 5 }), fc.nat(6))
  .map(([num, den, factor, style]) => {
    const [n, d] = [num * factor, den * factor];
    const text = [
      `${n}/${d}`,
      `\\frac{${n}}{${d}}`,
      `\\dfrac{${n}}{${d}}`,
      `$${n}/${d}$`,
      `x = \\frac{${n}}{${d}}`,
      `${n} / ${d}`,
      `\\left(\\frac{${n}}{${d}}\\right)`,
    ];
    return { text: text[style] as string, num, den };
  });
const atom = fc.constantFrom(
  '1',
  '2',
  '3',
  '1/2',
  '0.5',
  'x',
  'y',
  '\\sqrt{2}',
  'sqrt(8)',
  '\\pi',
  'i',
  '(1,2)',
  '{2,1}',
  'A',
  'yes',
  'x=2',
  '5 cm',
  '9^9^9^9',
  '',
  'None',
);
const formula = fc
  .array(fc.tuple(atom, fc.constantFrom('+', '-', '*', '/', '^', ',', ' ', '=')), { maxLength: 4 })
  .map((parts) =>
    parts.map(([operand, operator], i) => (i === parts.length - 1 ? operand : `${operand}${operator}`)).join(''),
  );

test('the default grader decides equality of fractions exactly, however they are written', () => {
  fc.assert(
    fc.property(spelledRational, spelledRational, (a, b) => {
      assert.equal(grade(a.text, b.text, 'default'), a.num * b.den === b.num * a.den, `${a.text} | ${b.text}`);
    }),
    { numRuns: 400 },
  );
});

test('the default grader is reflexive, symmetric and transitive', () => {
  fc.assert(
    fc.property(formula, formula, formula, (a, b, c) => {
      if (a.trim() !== '') assert.ok(grade(a, a, 'default'));
      assert.equal(grade(a, b, 'default'), grade(b, a, 'default'));
      if (grade(a, b, 'default') && grade(b, c, 'default')) assert.ok(grade(a, c, 'default'));
    }),
    { numRuns: 500 },
  );
});

test('canonical keys do not depend on the order of terms and factors', () => {
  const term = fc.constantFrom('x', '2y', '3', '\\sqrt{2}', 'x^2', '\\frac{y}{3}', '\\pi');
  fc.assert(
    fc.property(fc.array(term, { minLength: 2, maxLength: 6 }), fc.integer(), (terms, turn) => {
      const cut = Math.abs(turn) % terms.length;
      const turned = [...terms.slice(cut), ...terms.slice(0, cut)];
      for (const operator of [' + ', ' \\cdot '])
        assert.ok(grade(terms.join(operator), turned.join(operator), 'default'));
    }),
    { numRuns: 100 },
  );
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

const HOSTILE: Readonly<Record<string, string>> = {
  'tower of powers': '9^9^9^9',
  'ten thousand brackets': '('.repeat(10_000),
  'nine hundred nested brackets': `${'('.repeat(900)}1${')'.repeat(900)}`,
  'a megabyte of digits': '9'.repeat(1_000_000),
  'two thousand digits': '9'.repeat(1990),
  'factorial of a factorial': '((9!)!)!',
  'large binomial': '\\binom{1000000}{500000}',
  'sum of many fractions': Array.from({ length: 250 }, (_, i) => `1/${1000 + i}`).join('+'),
  'power of a long sum': '(a+b+c+d+e+f+g+h)^{40}',
  'many roots in a denominator': `1/(${Array.from({ length: 20 }, (_, i) => `\\sqrt{${i + 2}}`).join('+')})`,
  'fractions without arguments': '\\frac'.repeat(300),
  'unclosed texts': '\\text{'.repeat(300),
  'nested tuples': '(1,'.repeat(400),
  'powers of two': '2^'.repeat(900),
  'unit words': `5 ${'m s '.repeat(45)}`,
  relations: 'x<'.repeat(900),
  'exponent out of range': '1e999999',
  'long radicand': `\\sqrt{${'9'.repeat(590)}}`,
};

test('hostile answers are decided within 50 ms and equal themselves', () => {
  grade('(x+1)^2', 'x^2+2x+1', 'official'); // first calls compile
  canonicalAnswer('(x+1)^2/\\sqrt{2}');
  for (const [name, text] of Object.entries(HOSTILE)) {
    const decisions = [
      () => grade(text, '1.5', 'official'),
      () => grade('1.5', text, 'official'),
      () => grade(text, '1.5', 'default'),
    ];
    decisions.forEach((decide, k) => {
      const fastest = Math.min(...[0, 1, 2].map(() => cpuMilliseconds(decide)));
      assert.ok(fastest < 50, `${name}, decision ${k}: ${fastest} ms`);
    });
    assert.ok(grade(text, text, 'default'), name);
  }
});

test('answers beyond the bounds are reported as such', () => {
  assert.equal(canonicalAnswer('9^9^9^9').kind, 'incomparable');
  assert.equal(canonicalAnswer('9'.repeat(3000)).kind, 'oversized');
  assert.equal(canonicalAnswer('  ').kind, 'empty');
  assert.equal(canonicalAnswer('42').kind, 'exact');
  assert.equal(canonicalAnswer('a long story').kind, 'text');
});
