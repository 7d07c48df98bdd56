/**
 * One key for every spelling of an answer: two answers are equal exactly when their keys are, so equality is reflexive, symmetric
 * and transitive. What that implies, by choice:
 *
 * - Units, currency signs and counted things are dropped: 5 cm = 5 = 5 m, 12 ways = 12. Within one question answers rarely differ in
 *   the unit and often in whether they write it, and 5 cm = 5 = 5 m with 5 cm ≠ 5 m would not be transitive.
 * - 50 % is 50, or 1/2 when `percentMeans` is 'fraction' (see `percentSense`); never both at once.
 * - `x = 3` is 3, `y = 2x + 1` and `2x - y + 1 = 0` are 2x + 1. Bare lists, "or", "and" and braces are sets: order and repetition do
 *   not matter, and a set of one is its element. (1,2), [1,2] and 1,2 differ. `x = 1, y = 2` is (1, 2), by name.
 * - A column vector and an angle-bracketed one are the tuple of their entries. An open interval and a pair look alike and are equal.
 * - `x > 3` is the interval (3, ∞) whatever its variable. Unions are merged.
 * - A lone letter A to J, in brackets or with a full stop or closing bracket, is a multiple-choice letter whatever its case; with a text
 *   behind it the letter alone counts.
 * - Decimals are exact: 0.333 is not 1/3, but 0.333... and 0.(3) are. log is the common logarithm. 101_2 is 5. 3:2 is 3/2.
 * - Variables under a logarithm or a real power stand for positive numbers; sqrt(x^2) is not x.
 *
 * Work is bounded in length, nesting, digits, terms and steps. Beyond the bounds the key is the text itself.
 */
import { Algebra, NotComparable } from '../algebra/algebra.ts';
import { splitLabel } from './answer-labels.ts';
import { matrixKey, nestedListKey } from './answer-matrices.ts';
import { choiceLetter, readColons, readNumeral } from './answer-notations.ts';
import { regionKey } from './answer-relations.ts';
import { splitTopLevel, unwrap } from './answer-structure.ts';
import { cleanAnswer, compact } from './answer-text.ts';
import { readValue, valueKey } from './answer-value.ts';
import { wordKey } from './answer-words.ts';
import { NotAnExpression } from '../algebra/expression-parser.ts';
import type { PercentSense } from './percent-sense.ts';

export type AnswerKind =
  /** Read as a value or a structure of values. */
  | 'exact'
  /** Words. */
  | 'text'
  /** A formula beyond the bounds, compared as text. */
  | 'incomparable'
  /** Longer than `MAX_ANSWER_LENGTH`, compared as text. */
  | 'oversized'
  | 'empty';

export interface CanonicalAnswer {
  key: string;
  kind: AnswerKind;
}

/** Beyond the bounds of the work that one answer may cost: whatever came of it, no value was compared. */
export function isIncomparable({ kind }: CanonicalAnswer): boolean {
  return kind === 'incomparable' || kind === 'oversized';
}

export interface AnswerOptions {
  /** What a percent sign means in the answers to this question. @default 'number' */
  percentMeans?: PercentSense;
}

export const MAX_ANSWER_LENGTH = 2000;
const MAX_PARTS = 200;
const MAX_RATIO = 12;
const MAX_NESTING = 12;
const MAX_PROSE_WORDS = 3;

/** The common case, whose key needs no parser. */
const PLAIN_INTEGER = /^(?:0|-?[1-9]\d{0,14})$/;
const COMMAS = /,(?!\d{3}(?!\d))|(?<!\d),|;|\s(?:or|and)\s/g;

/** The key of an answer, and how it was read. Never throws. */
export function canonicalAnswer(answer: string, options: AnswerOptions = {}): CanonicalAnswer {
  if (PLAIN_INTEGER.test(answer)) return { key: `value:${answer}`, kind: 'exact' };
  if (answer.length > MAX_ANSWER_LENGTH) {
    const trimmed = answer.trim();
    return trimmed === '' ? { key: 'empty', kind: 'empty' } : { key: `raw:${trimmed}`, kind: 'oversized' };
  }
  const text = cleanAnswer(answer, options.percentMeans === 'fraction');
  if (text === '') {
    return answer.trim() === '' ? { key: 'empty', kind: 'empty' } : { key: `raw:${answer.trim()}`, kind: 'text' };
  }
  try {
    return { key: structureKey(text, new Algebra(), 0), kind: 'exact' };
  } catch (error) {
    if (error instanceof NotComparable) return { key: `raw:${compact(text)}`, kind: 'incomparable' };
    if (error instanceof NotAnExpression) return textAnswer(text);
    throw error;
  }
}

function textAnswer(text: string): CanonicalAnswer {
  const key = wordKey(text);
  return { key, kind: key.startsWith('value:') ? 'exact' : 'text' };
}

function structureKey(text: string, algebra: Algebra, depth: number): string {
  if (depth > MAX_NESTING) throw new NotComparable('nesting too deep');
  const letter = choiceLetter(text);
  if (letter !== null) return `choice:${letter}`;
  const notation = notationKey(text, algebra);
  if (notation !== null) return notation;

  const inner = (part: string): string => structureKey(part, algebra, depth + 1);
  const region = regionKey(text, algebra);
  if (region !== null) return region;
  const list = listKey(text, inner);
  if (list !== null) return list;

  const label = splitLabel(text);
  if (label !== null) return label.names === null ? inner(label.rest) : named(label.names, label.rest, inner);

  const signs = text.split(/\\pm(?![a-zA-Z])|\+\/-|^\+-/);
  if (signs.length === 2) return setOf([signs.join('+'), signs.join('-')], inner);

  return bracketKey(text, inner) ?? matrixKey(text, algebra, inner) ?? valueKey(text, algebra);
}

function notationKey(text: string, algebra: Algebra): string | null {
  const numeral = readNumeral(text);
  if (numeral !== null) return `value:${numeral}`;
  const colons = readColons(text);
  if (colons?.kind === 'time') return `time:${colons.hour}:${String(colons.minute).padStart(2, '0')}`;
  const parts = colons?.parts ?? (text.includes(':') ? splitTopLevel(text, /:/g) : []);
  if (parts.length < 2 || text.includes('=') || /[a-zA-Z]{3}/.test(text.replace(/\\[a-zA-Z]+/g, ''))) return null;
  if (parts.length > MAX_RATIO) throw new NotComparable('too many parts');
  const values = parts.map((part) => readValue(part.trim(), algebra));
  const [first] = values;
  if (first === undefined || values.some((value) => algebra.isZero(value))) throw new NotComparable('ratio with zero');
  const scaled = values.map((value) => algebra.key(algebra.divide(first, value)));
  return scaled.length === 2 ? `value:${scaled[1]}` : `ratio:${scaled.join('|')}`;
}

function keysOf(parts: readonly string[], inner: (part: string) => string): string[] {
  if (parts.length > MAX_PARTS) throw new NotComparable('too many parts');
  return parts.map((part) => inner(part.trim()));
}

function setKey(keys: readonly string[]): string {
  const distinct = [...new Set(keys)].sort();
  return distinct.length === 1 ? (distinct[0] as string) : `set:{${distinct.join('|')}}`;
}

function setOf(parts: readonly string[], inner: (part: string) => string): string {
  return setKey(keysOf(parts, inner));
}

/** A bare list; null when the text is a single item. `x = 1, y = 2` is a pair by name, `x = 1, x = 2` does not need the names. */
function listKey(text: string, inner: (part: string) => string): string | null {
  const alternatives = splitTopLevel(text, /;|\sor\s/g).map((part) => part.trim());
  if (alternatives.length > 1 && alternatives.every((part) => namesOf(items(part)) !== null))
    return setKey(alternatives.map((part) => namedList(items(part), inner)));
  const parts = items(text);
  if (parts.length < 2) {
    if (parts.length === 0) throw new NotAnExpression('separators only');
    return parts[0] === text ? null : inner(parts[0] as string);
  }
  if (namesOf(parts) !== null) return namedList(parts, inner);
  return setOf(parts, (part) => wordsOr(part, inner));
}

function items(text: string): string[] {
  return splitTopLevel(text, COMMAS)
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** An item of a list may be a word or two: red, dark blue. */
function wordsOr(part: string, inner: (part: string) => string): string {
  try {
    return inner(part);
  } catch (error) {
    if (!(error instanceof NotAnExpression) || part.split(' ').length > MAX_PROSE_WORDS) throw error;
    return wordKey(part);
  }
}

/** The names of a list in which every item has one and all differ. */
function namesOf(parts: readonly string[]): string[] | null {
  if (parts.length < 2) return null;
  const labels = parts.map((part) => splitLabel(part));
  const names = labels.map((label) => (label === null || label.names !== null ? null : label.name));
  if (names.some((name) => name === null)) return null;
  const distinct = new Set(names);
  if (distinct.size === 1) return null;
  if (distinct.size < names.length) throw new NotAnExpression('a name given twice');
  return names as string[];
}

function namedList(parts: readonly string[], inner: (part: string) => string): string {
  const names = namesOf(parts) as string[];
  const values = keysOf(parts, (part) => inner(splitLabel(part)?.rest ?? part));
  return tupleByName(names, values);
}

function tupleByName(names: readonly string[], values: readonly string[]): string {
  const order = names.map((name, i) => [name, values[i] as string] as const).sort(([a], [b]) => (a < b ? -1 : 1));
  return `tuple:(${order.map(([, value]) => value).join('|')})`;
}

/** (x, y) = (1, 2). */
function named(names: readonly string[], rest: string, inner: (part: string) => string): string {
  const wrapped = unwrap(rest);
  const parts = wrapped?.open === '(' ? partsInside(wrapped.inside) : [];
  return parts.length === names.length ? tupleByName(names, keysOf(parts, inner)) : inner(rest);
}

/** Inside brackets every comma separates, unless those with a space behind them show which ones do. */
function partsInside(inside: string): string[] {
  return splitTopLevel(inside, /,\s/.test(inside) ? /,(?!\d{3}(?!\d))|(?<!\d),|;/g : /,|;/g);
}

/** (a,b), [a,b), {a,b}, \{a,b\}. A pair of round or plain braces around one item only groups. */
function bracketKey(text: string, inner: (part: string) => string): string | null {
  const wrapped = unwrap(text);
  if (wrapped === null) return null;
  const { open, close, inside } = wrapped;
  const parts = partsInside(inside);
  if (open === '{') {
    if (inside.trim() === '') return 'text:no solution';
    // Braces around one value may be TeX's; a set of one and its element are one answer.
    return parts.length === 1 ? inner(inside.trim()) : setOf(parts, inner);
  }
  if (parts.length === 1) return open === '(' && close === ')' ? inner(inside.trim()) : null;
  if (/^\d{1,3}(,\d{3})+$/.test(inside.trim()) && open === '(' && close === ')') return inner(inside.trim());
  const keys = keysOf(parts, inner);
  return nestedListKey(open, close, keys) ?? `tuple:${open}${keys.join('|')}${close}`;
}
