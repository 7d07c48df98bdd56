/** Notations that look like something else: letters of a multiple choice, times of day, ratios, numerals in another base. */
import { gcd } from '../algebra/rational.ts';

const LETTER_CHOICE = /^(?:(?:option|choice)\s+)?(?:\(\s*([a-j])\s*\)|([a-j])\s*[.):]|([a-df-hj]|E|I))$/i;
const CHOICE_WITH_TEXT = /^(?:(?:option|choice)\s+)?(?:\(([A-J])\)\s*|([A-J])[.):]\s+)[^\s,;)=]/;

/** The letter of a choice: `A`, `(a)`, `A.`, `(A) 5`, `option B`. */
export function choiceLetter(text: string): string | null {
  const match = LETTER_CHOICE.exec(text) ?? CHOICE_WITH_TEXT.exec(text);
  return match === null ? null : (match[1] ?? match[2] ?? match[3] ?? '').toUpperCase();
}

export type Colons = { kind: 'time'; hour: number; minute: number } | { kind: 'ratio'; parts: string[] };

/**
 * `3:20 pm`, `15:20`, `3:2`, `1:2:3`, `3 to 2`. Two numbers are a time where they cannot be a ratio in lowest terms that someone would
 * write: 4:10 is a time and not 2:5, while 3:20 is the ratio (and, read as a time, differs from every other time).
 */
export function readColons(text: string): Colons | null {
  const clock = /^(\d{1,2})(?:\s?:\s?(\d{2}))?(?:\s?([ap])\.?\s?m\.?)?$/i.exec(text);
  const half = clock?.[3]?.toLowerCase();
  if (clock !== null && (clock[2] !== undefined || half !== undefined)) {
    const [written, minute] = [Number(clock[1]), Number(clock[2] ?? 0)];
    const hour = half === undefined ? written : (written % 12) + (half === 'p' ? 12 : 0);
    const coprime = gcd(BigInt(hour), BigInt(minute)) === 1n && minute >= 10;
    if (hour <= 24 && minute < 60 && (!coprime || hour === 0)) return { kind: 'time', hour, minute };
    if (hour <= 24 && minute < 60) return { kind: 'ratio', parts: [String(hour), String(minute)] };
  }
  const words = /^(\d+) to (\d+)$/.exec(text);
  if (words !== null) return { kind: 'ratio', parts: [words[1] as string, words[2] as string] };
  return null;
}

const BASE_WORDS = new Map('two three four five six seven eight nine ten'.split(' ').map((word, i) => [word, i + 2]));
const NUMERAL =
  /^(?:\(([\dA-F]{1,60})\)|([\dA-F]{1,60}))\s?(?:_\s?(?:\{\s?(\d{1,2}|[a-z]{3,5})\s?\}|(\d))|base (\d{1,2}|[a-z]{3,5}))$/i;

/** 101_2, 101_{two}, (101)_2, 101 base 2: the number meant, in decimal. Null for anything else, `A_1` among it. */
export function readNumeral(text: string): string | null {
  const match = NUMERAL.exec(text);
  if (match === null) return null;
  const digits = (match[1] ?? match[2] ?? '').toUpperCase();
  const name = match[3] ?? match[4] ?? match[5] ?? '';
  const base = BASE_WORDS.get(name) ?? Number(name);
  if (!(base >= 2 && base <= 16) || (!/\d/.test(digits) && digits.length < 2)) return null;
  let value = 0n;
  for (const digit of digits) {
    const worth = Number.parseInt(digit, 16);
    if (worth >= base) return null;
    value = value * BigInt(base) + BigInt(worth);
  }
  return value.toString();
}
