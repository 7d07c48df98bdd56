import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../support/properties.ts';
import { canonicalAnswer, type AnswerOptions } from '../../activities/method/answers/answer-canonical.ts';
import { grade } from '../../activities/method/answers/answer-equivalence.ts';
import { graderCorpus } from './grader-corpus.ts';

const same = (a: string, b: string, options: AnswerOptions = {}): boolean => grade(a, b, 'default', options);
const options = fc.constantFrom<AnswerOptions>({}, { percentMeans: 'number' }, { percentMeans: 'fraction' });

/** Texts and what each of them means, so that equality of texts can be compared with equality of meanings. */
interface Spelled {
  text: string;
  meaning: string;
}

function gcd(a: number, b: number): number {
  return b === 0 ? Math.abs(a) : gcd(b, a % b);
}

const fractions = fc
  .tuple(
    fc.integer({ min: -400, max: 400 }),
    fc.constantFrom(1, 2, 3, 4, 5, 7, 8, 10, 12, 25),
    fc.integer({ min: 1, max: 6 }),
    fc.nat(11),
  )
  .map(([num, den, factor, style]): Spelled => {
    const common = gcd(num, den);
    const meaning = `${num / common}/${den / common}`;
    const [n, d] = [num * factor, den * factor];
    const whole = Math.trunc(num / den);
    const rest = Math.abs(num) % den;
    const finite = [1, 2, 4, 5, 8, 10, 25].includes(den / common);
    const mixed = whole === 0 || rest === 0 ? `${n}/${d}` : `${whole}\\frac{${rest}}{${den}}`;
    const styles = [
      `${n}/${d}`,
      `\\frac{${n}}{${d}}`,
      `\\dfrac{${n}}{${d}}`,
      `$${n} / ${d}$`,
      `x = \\frac{${n}}{${d}}`,
      `\\left(\\frac{${n}}{${d}}\\right)`,
      `\\boxed{\\tfrac{${n}}{${d}}}`,
      finite ? String(num / den) : `${n}/${d}`,
      mixed,
      `${n}\\cdot\\frac{1}{${d}}`,
      `\\frac{${n}}{${d}} \\text{ cm}`,
      `\\sqrt{${n * n}}\\cdot ${n < 0 ? -1 : 1}/${d}`,
    ];
    return { text: styles[style] as string, meaning };
  });

const surds = fc
  .tuple(
    fc.integer({ min: -5, max: 5 }),
    fc.integer({ min: 1, max: 4 }),
    fc.constantFrom(2, 3, 5, 6, 7),
    fc.integer({ min: 1, max: 3 }),
    fc.nat(5),
  )
  .map(([a, b, c, den, style]): Spelled => {
    const common = gcd(gcd(a, b), den);
    const meaning = `(${a / common}+${b / common}r${c})/${den / common}`;
    const root = `\\sqrt{${c}}`;
    const styles = [
      `\\frac{${a}+${b}${root}}{${den}}`,
      `(${b}*sqrt(${c})+${a})/${den}`,
      `\\frac{${a}}{${den}}+\\frac{${b}}{${den}}${root}`,
      `\\frac{${a}+\\sqrt{${b * b * c}}}{${den}}`,
      `\\frac{${a * c}+${b * c}${root}}{${den * c}}`,
      `\\frac{${a}${root}+${b * c}}{${den}${root}}`,
    ];
    return { text: styles[style] as string, meaning };
  });

/** a x² + b x y + c in several arrangements. */
const polynomials = fc
  .tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: -4, max: 4 }), fc.integer({ min: -4, max: 4 }), fc.nat(5))
  .map(([a, b, c, style]): Spelled => {
    const styles = [
      `${a}x^2+(${b})xy+(${c})`,
      `(${c})+(${b})*y*x+${a}*x**2`,
      `x(${a}x+(${b})y)+(${c})`,
      `\\frac{${2 * a}x^{2}+(${2 * b})xy+(${2 * c})}{2}`,
      `\\frac{${a}x^3+(${b})x^2y+(${c})x}{x}`,
      `${a}(x+1)^2-${2 * a}x-${a}+(${b})yx+(${c})`,
    ];
    return { text: styles[style] as string, meaning: `${a},${b},${c}` };
  });

const intervals = fc
  .tuple(fc.integer({ min: -5, max: 5 }), fc.integer({ min: 1, max: 5 }), fc.boolean(), fc.boolean(), fc.nat(3))
  .map(([low, length, lowClosed, highClosed, style]): Spelled => {
    const high = low + length;
    const [open, close] = [lowClosed ? '[' : '(', highClosed ? ']' : ')'];
    const [below, above] = [lowClosed ? '\\le' : '<', highClosed ? '\\leq' : '<'];
    const styles = [
      `${open}${low},${high}${close}`,
      `\\left${open}${low}, \\frac{${2 * high}}{2}\\right${close}`,
      `${low} ${below} x ${above} ${high}`,
      `${high} ${highClosed ? '\\ge' : '>'} t ${lowClosed ? '>=' : '>'} ${low}`,
    ];
    return { text: styles[style] as string, meaning: `${open}${low},${high}${close}` };
  });

const tuples = fc
  .tuple(fc.array(fractions, { minLength: 2, maxLength: 3 }), fc.boolean())
  .map(([items, spaced]): Spelled => {
    const plain = items.map(({ meaning }) => meaning);
    const texts = plain.map((meaning, i) => (i === 0 ? meaning : `\\frac{${meaning.replace('/', '}{')}}`));
    return { text: `(${texts.join(spaced ? ' , ' : ',')})`, meaning: `tuple ${plain.join(';')}` };
  });

const sets = fc
  .tuple(fc.uniqueArray(fc.integer({ min: -3, max: 9 }), { minLength: 2, maxLength: 4 }), fc.nat(4), fc.nat(3))
  .map(([items, style, turn]): Spelled => {
    const turned = [...items.slice(turn % items.length), ...items.slice(0, turn % items.length)];
    const styles = [
      `\\{${turned.join(',')}\\}`,
      turned.join(', '),
      turned.join(' \\text{ or } '),
      `{${[...turned, turned[0]].join(',')}}`,
      turned.map((item) => `x = ${item}`).join(', '),
    ];
    return { text: styles[style] as string, meaning: `set ${[...items].sort((a, b) => a - b).join(';')}` };
  });

const FAMILIES = { fractions, surds, polynomials, intervals, tuples, sets };

for (const [name, family] of Object.entries(FAMILIES)) {
  test(`two spellings of ${name} are equal exactly when they mean the same`, () => {
    fc.assert(
      fc.property(family, family, (left, right) => {
        assert.equal(same(left.text, right.text), left.meaning === right.meaning, `${left.text} | ${right.text}`);
      }),
      { numRuns: 300 },
    );
  });

  test(`all spellings of one of the ${name} have one key`, () => {
    const keys = new Map<string, { key: string; text: string }>();
    fc.assert(
      fc.property(family, ({ text, meaning }) => {
        const { key } = canonicalAnswer(text);
        const known = keys.get(meaning) ?? { key, text };
        keys.set(meaning, known);
        assert.equal(key, known.key, `${text} | ${known.text}`);
      }),
      { numRuns: 1000 },
    );
  });
}

const corpusTexts = graderCorpus()
  .flatMap(({ given, truth }) => [given, truth])
  .filter((text) => text !== '');
const piece = fc.constantFrom(
  ...'\\frac \\sqrt { } ( ) [ ] ^ _ 1 9 x y \\pi , = < \\cup \\pm ! | \\text{ % . / - + ... ° ½ ² : \\sin \\ln e i \\le'.split(
    ' ',
  ),
  ' or ',
  '\\begin{pmatrix}',
  '\\end{pmatrix}',
  '\\\\',
  '&',
  '\ud800',
  '\u0000',
);
const mutated = fc
  .tuple(fc.constantFrom(...corpusTexts), fc.array(fc.tuple(fc.nat(200), piece, fc.boolean()), { maxLength: 3 }))
  .map(([text, changes]) =>
    changes.reduce((current, [at, insert, remove]) => {
      const place = at % (current.length + 1);
      return current.slice(0, place) + insert + current.slice(place + (remove ? 1 : 0));
    }, text),
  );
const anything = fc.oneof(
  mutated,
  fc.array(piece, { maxLength: 25 }).map((parts) => parts.join('')),
  fc.string(),
  fc.string({ unit: 'binary' }),
);

test('no text makes the default grader throw, and every text but a blank one equals itself', () => {
  fc.assert(
    fc.property(anything, options, (text, how) => {
      assert.equal(same(text, text, how), text.trim() !== '');
      assert.equal(same(text, ` ${text}\n`, how), text.trim() !== '');
    }),
    { numRuns: 2000 },
  );
});

test('equality is symmetric and transitive on mutated answers', () => {
  fc.assert(
    fc.property(fc.array(anything, { minLength: 3, maxLength: 12 }), options, (texts, how) => {
      for (const a of texts) {
        for (const b of texts) {
          assert.equal(same(a, b, how), same(b, a, how));
          if (!same(a, b, how)) continue;
          for (const c of texts) assert.equal(same(a, c, how), same(b, c, how), [a, b, c].join(' | '));
        }
      }
    }),
    { numRuns: 150 },
  );
});

test('canonical keys do not depend on the order of terms and factors', () => {
  const term = fc.constantFrom(
    'x',
    '2y',
    '3',
    '\\sqrt{2}',
    'x^2',
    '\\frac{y}{3}',
    '\\pi',
    'e^{x}',
    '\\ln 2',
    '\\sin y',
  );
  fc.assert(
    fc.property(fc.array(term, { minLength: 2, maxLength: 6 }), fc.nat(), (terms, turn) => {
      const cut = turn % terms.length;
      const turned = [...terms.slice(cut), ...terms.slice(0, cut)];
      for (const operator of [' + ', ' \\cdot ']) assert.ok(same(terms.join(operator), turned.join(operator)));
    }),
    { numRuns: 200 },
  );
});

test('a quotient is reduced whatever its numerator and denominator share', () => {
  const factor = fc
    .tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: -3, max: 3 }), fc.constantFrom('x', 'y', 'xy', 'x^2'))
    .map(([a, b, power]) => `(${a}${power}+y+(${b}))`);
  fc.assert(
    fc.property(factor, factor, factor, (top, bottom, shared) => {
      assert.ok(same(`\\frac{${top}${shared}}{${bottom}${shared}}`, `\\frac{${top}}{${bottom}}`));
    }),
    { numRuns: 100 },
  );
});
