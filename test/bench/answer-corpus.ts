/**
 * Votes as a Solver casts them: for every question one right answer in several spellings, and wrong answers of the same kind.
 * Kinds: integers, fractions, surds, expressions, tuples, words, amounts with units; about two thirds of the answers are right.
 */
import { createRandom } from '../../activities/method/seeds.ts';
import type { SeededRandom } from '../../activities/method/seeds.ts';

/** Spellings of one value. */
type Spellings = readonly string[];

const WORDS = [
  'even',
  'odd',
  'isosceles',
  'no solution',
  'infinitely many',
  'yes',
  'no',
  'Tuesday',
  'parallel',
  'none',
];
const UNITS = ['cm', 'meters', 'hours', 'dollars', 'degrees'];

type Kind = (random: SeededRandom) => Spellings;

const integer: Kind = (random) => {
  const n = random.below(5000) - 400;
  const grouped =
    Math.abs(n) >= 1000
      ? `${n < 0 ? '-' : ''}${Math.floor(Math.abs(n) / 1000)},${String(Math.abs(n) % 1000).padStart(3, '0')}`
      : `${n}.0`;
  return [String(n), String(n), `$${n}$`, grouped, `x = ${n}`, `\\text{${n}}`];
};

const fraction: Kind = (random) => {
  const p = 1 + random.below(30);
  const q = [2, 4, 5, 8, 10, 20, 25, 3, 7, 9][random.below(10)] as number;
  const spellings = [`\\frac{${p}}{${q}}`, `${p}/${q}`, `\\dfrac{${p}}{${q}}`, `\\frac{${2 * p}}{${2 * q}}`];
  return q === 3 || q === 7 || q === 9 ? spellings : [...spellings, String(p / q)];
};

const surd: Kind = (random) => {
  const [a, b] = [2 + random.below(8), [2, 3, 5, 6, 7][random.below(5)] as number];
  return [`${a}\\sqrt{${b}}`, `\\sqrt{${a * a * b}}`, `${a}*sqrt(${b})`, `${a} \\sqrt ${b}`];
};

const ratioOfSurds: Kind = (random) => {
  const [a, b, c] = [1 + random.below(9), [2, 3, 5][random.below(3)] as number, 2 + random.below(5)];
  return [
    `\\frac{${a}+\\sqrt{${b}}}{${c}}`,
    `(${a}+\\sqrt{${b}})/${c}`,
    `\\frac{${a}}{${c}}+\\frac{\\sqrt{${b}}}{${c}}`,
  ];
};

const polynomial: Kind = (random) => {
  const [a, b] = [1 + random.below(9), 1 + random.below(9)];
  return [`x^2+${a + b}x+${a * b}`, `(x+${a})(x+${b})`, `${a * b}+${a + b}x+x^2`, `x^2 + ${a + b} x + ${a * b}`];
};

const multipleOfPi: Kind = (random) => {
  const [a, b] = [1 + random.below(20), 2 + random.below(8)];
  return [`${a}\\pi`, `${a}pi`, `\\pi \\cdot ${a}`, `\\frac{${a * b}\\pi}{${b}}`];
};

const tuple: Kind = (random) => {
  const [a, b, c] = [random.below(20) - 9, random.below(20) - 9, 1 + random.below(9)];
  return [`(${a},${b},${c})`, `(${a}, ${b}, ${c})`, `\\left(${a}, ${b}, ${c}\\right)`, `( ${a},${b}, ${c} )`];
};

const interval: Kind = (random) => {
  const [a, b] = [random.below(9) - 9, 1 + random.below(9)];
  return [`[${a},${b})`, `[${a}, ${b})`, `\\left[${a}, ${b}\\right)`];
};

const word: Kind = (random) => {
  const text = WORDS[random.below(WORDS.length)] as string;
  return [text, `\\text{${text}}`, text.charAt(0).toUpperCase() + text.slice(1), `\\text{ ${text} }`];
};

const amount: Kind = (random) => {
  const [n, unit] = [2 + random.below(300), UNITS[random.below(UNITS.length)] as string];
  return [`${n} ${unit}`, String(n), `${n}\\text{ ${unit}}`, `${n}\\ \\text{${unit}}`];
};

const KINDS: readonly Kind[] = [
  integer,
  integer,
  integer,
  fraction,
  fraction,
  surd,
  ratioOfSurds,
  polynomial,
  multipleOfPi,
  tuple,
  interval,
  word,
  amount,
];

/** `questions` lists of `votes` answers each. */
export function answerCorpus(questions: number, votes: number, seed: string): string[][] {
  const random = createRandom(seed);
  return Array.from({ length: questions }, () => {
    const kind = KINDS[random.below(KINDS.length)] as Kind;
    // How sure the Solver is of this question, and the few wrong answers it wavers between.
    const sure = 2 + random.below(9);
    const right = kind(random);
    const wrong = Array.from({ length: 3 }, () => kind(random));
    return Array.from({ length: votes }, () => {
      const spellings = random.below(10) < sure ? right : (wrong[random.below(wrong.length)] as Spellings);
      // Most answers are written the usual way.
      return spellings[random.below(2) === 0 ? 0 : random.below(spellings.length)] as string;
    });
  });
}
