/** Answers in words. */
import { compact } from './answer-text.ts';
import { format, fraction, type Rational } from '../algebra/rational.ts';

const ONES =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(
    ' ',
  );
const TENS = 'twenty thirty forty fifty sixty seventy eighty ninety'.split(' ');
const NUMBER_WORDS = new Map<string, string>([
  ...ONES.map((word, value) => [word, String(value)] as const),
  ...TENS.flatMap((ten, t) =>
    ONES.slice(0, 10).map((one, value) => [value === 0 ? ten : `${ten} ${one}`, String(10 * (t + 2) + value)] as const),
  ),
  ['one hundred', '100'],
]);

const PARTS = new Map<string, number>(
  ['half halves', 'third thirds', 'quarter quarters fourth fourths', 'fifth fifths', 'sixth sixths', 'seventh sevenths']
    .concat(['eighth eighths', 'ninth ninths', 'tenth tenths'])
    .flatMap((names, i) => names.split(' ').map((name) => [name, i + 2] as const)),
);

/** `four`, `twenty-one`, `two thirds`, as a whole number or `numerator/denominator`; null for other words. */
function numberInWords(words: string): [bigint, bigint] | null {
  const whole = NUMBER_WORDS.get(words);
  if (whole !== undefined) return [BigInt(whole), 1n];
  const cut = words.lastIndexOf(' ');
  const part = PARTS.get(words.slice(cut + 1));
  const count = cut === -1 ? '1' : NUMBER_WORDS.get(words.slice(0, cut));
  return part === undefined || count === undefined || (cut === -1 && words !== 'half')
    ? null
    : [BigInt(count), BigInt(part)];
}

const SYNONYMS = new Map<string, string>(
  (
    [
      [
        'no solution',
        'no solutions,none,there is no solution,there are no solutions,empty set,emptyset,varnothing,no answer,has no solution',
      ],
      ['no real solution', 'no real solutions,there are no real solutions,there is no real solution,no real roots'],
      ['does not exist', 'dne,undefined,limit does not exist'],
      ['infinitely many', 'infinitely many solutions,infinite solutions'],
      ['all real numbers', 'all reals,all real,any real number,every real number,set of all real numbers,real numbers'],
    ] as const
  ).flatMap(([name, others]) => [name, ...others.split(',')].map((phrase) => [phrase, name] as const)),
);

/** The key of an answer in words: a number, or words without case, punctuation and articles. With signs among them all but space matters. */
export function wordKey(text: string): string {
  const lower = text.toLowerCase();
  const words = lower
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
    .split(' ')
    .filter((word) => !['the', 'a', 'an'].includes(word))
    .join(' ');
  const number = lower.startsWith('-') ? null : numberInWords(words);
  if (number !== null) return `value:${format(fraction(...number) as Rational)}`;
  return `text:${SYNONYMS.get(words) ?? plainKey(lower, words)}`;
}

function plainKey(lower: string, words: string): string {
  return words === '' || /^-|[\d=<>^_+*/\\|()[\]{}:]/.test(lower) ? compact(lower) : words;
}
