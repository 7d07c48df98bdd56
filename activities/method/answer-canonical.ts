/**
 * One key for every spelling of an answer: two answers are equal exactly when their keys are, so equality is reflexive, symmetric
 * and transitive. What that implies, by choice:
 *
 * - Units, percent and currency signs are dropped: 5 cm = 5 = 5 m and 50 % = 50, never 0.5. Within one question answers rarely
 *   differ in the unit and often in whether they write it, and 5 cm = 5 = 5 m with 5 cm ≠ 5 m would not be transitive.
 * - `x = 3` is 3. Bare lists, "or", "and" and braces are sets: order and repetition do not matter. (1,2), [1,2] and 1,2 differ.
 * - A lone letter A to J, in brackets or with a full stop or closing bracket, is a multiple-choice letter whatever its case.
 * - Decimals are exact: 0.333 is not 1/3.
 *
 * Work is bounded in length, nesting, digits, terms and steps. Beyond the bounds the key is the text itself.
 */
import { Algebra, NotComparable } from './algebra.ts';
import { cleanAnswer, spellOutNumbers, stripUnits, wordKey } from './answer-text.ts';
import { ExpressionParser, NotAnExpression } from './expression-parser.ts';
import { splitTopLevel, unwrap } from './answer-structure.ts';

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

export const MAX_ANSWER_LENGTH = 2000;
const MAX_PARTS = 200;
const MAX_NESTING = 12;

const LETTER_CHOICE = /^(?:\(\s*([a-j])\s*\)|([a-j])\s*[.):]|([a-df-hj]|E|I))$/i;
const CHOICE_WITH_TEXT = /^(?:\(([A-J])\)|([A-J])[.)])\s+\S/;
/** `x =`, `f(x) =`, `x_1 =`, `\theta =`, `AB =`, `total area =`, `x \in`. */
const LABEL =
  /^(\\?[a-zA-Z][a-zA-Z ]{0,30}(?:_(?:\{\w{1,6}\}|\w))?'?(?:\([a-z](?:,\s*[a-z])*\))?)\s*(?:=(?!=)|\\in(?![a-zA-Z])|:)\s*(?=\S)/;
/** The common case, whose key needs no parser. */
const PLAIN_INTEGER = /^(?:0|-?[1-9]\d{0,14})$/;
const RELATION = /\\(?:leqslant|leq|le|geqslant|geq|ge|lt|gt)(?![a-zA-Z])|<=|>=|<|>/g;

/** The key of an answer, and how it was read. Never throws. */
export function canonicalAnswer(answer: string): CanonicalAnswer {
  if (PLAIN_INTEGER.test(answer)) return { key: `value:${answer}`, kind: 'exact' };
  if (answer.length > MAX_ANSWER_LENGTH) {
    const trimmed = answer.trim();
    return trimmed === '' ? { key: 'empty', kind: 'empty' } : { key: `raw:${trimmed}`, kind: 'oversized' };
  }
  const text = cleanAnswer(answer);
  if (text === '') {
    return answer.trim() === '' ? { key: 'empty', kind: 'empty' } : { key: `raw:${answer.trim()}`, kind: 'text' };
  }
  try {
    return { key: structureKey(text, new Algebra(), 0), kind: 'exact' };
  } catch (error) {
    if (error instanceof NotComparable) return { key: `raw:${text.replace(/\s+/g, '')}`, kind: 'incomparable' };
    if (error instanceof NotAnExpression) return textAnswer(text);
    throw error;
  }
}

function textAnswer(text: string): CanonicalAnswer {
  const key = wordKey(text);
  return /^\d+$/.test(key) ? { key: `value:${key}`, kind: 'exact' } : { key: `text:${key}`, kind: 'text' };
}

function structureKey(text: string, algebra: Algebra, depth: number): string {
  if (depth > MAX_NESTING) throw new NotComparable('nesting too deep');
  const choice = LETTER_CHOICE.exec(text) ?? CHOICE_WITH_TEXT.exec(text);
  if (choice !== null) return `choice:${(choice[1] ?? choice[2] ?? choice[3] ?? '').toUpperCase()}`;

  const list = listKey(text, algebra, depth);
  if (list !== null) return list;

  const label = LABEL.exec(text);
  if (label !== null && !text.slice(label[0].length).includes('='))
    return structureKey(text.slice(label[0].length), algebra, depth + 1);

  const signs = text.split(/\\pm(?![a-zA-Z])|\+\/-|\+-/);
  if (signs.length === 2) return setOf([signs.join('+'), signs.join('-')], algebra, depth);

  const union = splitTopLevel(text, /\\cup(?![a-zA-Z])|(?<=[)\]])\s*[Uu]\s*(?=[([])/g);
  if (union.length > 1) return `union:{${keysOf(union, algebra, depth).sort().join('|')}}`;

  return (
    bracketKey(text, algebra, depth) ??
    matrixKey(text, algebra, depth) ??
    relationKey(text, algebra) ??
    valueKey(text, algebra)
  );
}

function keysOf(parts: readonly string[], algebra: Algebra, depth: number): string[] {
  if (parts.length > MAX_PARTS) throw new NotComparable('too many parts');
  return parts.map((part) => structureKey(part.trim(), algebra, depth + 1));
}

function setOf(parts: readonly string[], algebra: Algebra, depth: number): string {
  const keys = [...new Set(keysOf(parts, algebra, depth))].sort();
  return keys.length === 1 ? (keys[0] as string) : `set:{${keys.join('|')}}`;
}

/** A bare list; null when the text is a single item. `x = 1, y = 2` keeps its names, `x = 1, x = 2` does not need them. */
function listKey(text: string, algebra: Algebra, depth: number): string | null {
  const parts = splitTopLevel(text, /,(?!\d{3}(?!\d))|(?<!\d),|;|\s(?:or|and)\s/g).map((part) => part.trim());
  if (parts.length < 2) return null;
  const items = parts.filter((part) => part !== '');
  if (items.length === 0) throw new NotAnExpression('separators only');
  const names = items.map((part) => LABEL.exec(part)?.[1]?.trim());
  const distinct = new Set(names.filter((name) => name !== undefined));
  if (distinct.size > 1 && names.every((name) => name !== undefined)) {
    const keys = keysOf(items, algebra, depth);
    return `named:{${keys
      .map((key, i) => `${names[i]}=${key}`)
      .sort()
      .join('|')}}`;
  }
  return setOf(items, algebra, depth);
}

/** (a,b), [a,b), {a,b}, \{a,b\}. A pair of round or plain braces around one item only groups. */
function bracketKey(text: string, algebra: Algebra, depth: number): string | null {
  const wrapped = unwrap(text);
  if (wrapped === null) return null;
  const { open, close, inside } = wrapped;
  const parts = splitTopLevel(inside, /,|;/g);
  if (open === '{') {
    if (inside.trim() === '') return 'text:no solution';
    // Braces around one value may be TeX's; a set of one and its element are one answer.
    return parts.length === 1 ? structureKey(inside.trim(), algebra, depth + 1) : setOf(parts, algebra, depth);
  }
  if (parts.length === 1) return open === '(' && close === ')' ? structureKey(inside.trim(), algebra, depth + 1) : null;
  const grouped = parts.every((part) => /^\s*\d{1,3}\s*$/.test(part)) && /^\d{1,3}(,\d{3})+$/.test(inside.trim());
  if (grouped && open === '(' && close === ')') return structureKey(inside.trim(), algebra, depth + 1);
  return `tuple:${open}${keysOf(parts, algebra, depth).join('|')}${close}`;
}

/** Matrices and vectors of every bracket style. */
function matrixKey(text: string, algebra: Algebra, depth: number): string | null {
  const body = /^\\begin\{([bpBvV]?matrix|array)\}(?:\{[lcr|]*\})?(.*)\\end\{\1\}$/s.exec(text)?.[2];
  if (body === undefined) return null;
  const rows = body
    .split(/\\\\/)
    .filter((row) => row.trim() !== '')
    .map((row) => keysOf(row.split('&'), algebra, depth).join('|'));
  return `matrix:[${rows.join(';')}]`;
}

/** x > 3 is the interval (3, inf); a <= x < b is [a, b). Null for text without an order relation. */
function relationKey(text: string, algebra: Algebra): string | null {
  const operators = text.match(RELATION) ?? [];
  if (operators.length === 0 || operators.length > 2) return null;
  const sides = text.split(RELATION).map((side) => side.trim());
  const normal = operators.map((operator) => {
    const strict = /^(?:<|>|\\lt|\\gt)$/.test(operator);
    return { below: /^(?:<|\\l)/.test(operator), strict };
  });
  const isName = (side: string | undefined): boolean =>
    side !== undefined && /^(?:[a-zA-Z]|\\[a-z]+)$/.test(side) && side !== 'e' && side !== '\\pi' && side !== '\\infty';
  const key = (side: string | undefined): string => valueKey(side ?? '', algebra);
  const [first, second] = normal;
  if (sides.length === 2 && first !== undefined) {
    if (isName(sides[1]) && !isName(sides[0])) return interval([key(sides[0]), first.strict], null, first.below);
    if (isName(sides[0]) && !isName(sides[1])) return interval([key(sides[1]), first.strict], null, !first.below);
    return null;
  }
  if (first === undefined || second === undefined || first.below !== second.below || !isName(sides[1])) return null;
  return interval([key(sides[0]), first.strict], [key(sides[2]), second.strict], first.below);
}

/** From the bound that is met first when reading, and the other one; `ascending` says that the first is the lower. */
function interval(near: [string, boolean], far: [string, boolean] | null, ascending: boolean): string {
  const open: [string, boolean] = [ascending ? 'value:1*inf' : 'value:-1*inf', true];
  const [low, high] = ascending ? [near, far ?? open] : [far ?? open, near];
  return `tuple:${low[1] ? '(' : '['}${low[0]}|${high[0]}${high[1] ? ')' : ']'}`;
}

function valueKey(text: string, algebra: Algebra): string {
  // A word of its own is a word, not a product of its letters.
  if (/^[a-zA-Z]{2,}$/.test(text) && !/^(?:pi|inf|infinity)$/.test(text)) throw new NotAnExpression(text);
  const plain = spellOutNumbers(stripUnits(text));
  const sides = plain.split('=');
  if (sides.length > 2) {
    const last = sides.at(-1)?.trim() ?? '';
    return valueKey(last, algebra);
  }
  const [left, right] = sides.map((side) => new ExpressionParser(side, algebra).parse());
  if (left === undefined) throw new NotAnExpression('nothing to read');
  return right === undefined
    ? `value:${algebra.key(left)}`
    : `equation:${algebra.equationKey(algebra.subtract(left, right))}`;
}
