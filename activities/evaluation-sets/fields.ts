/** Fields of the rows of published files, read with a reason where one is not as it should be. */
import { LETTERS, type SetItem } from './item.ts';

/** Says which field of a row is wrong; who reads the file knows where the row stands. */
export class FieldError extends Error {}

export class Row {
  readonly #fields: Readonly<Record<string, unknown>>;

  constructor(value: unknown) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new FieldError('not an object');
    this.#fields = value as Record<string, unknown>;
  }

  /** Null counts as missing. */
  has(name: string): boolean {
    return this.get(name) !== undefined && this.get(name) !== null;
  }

  get(name: string): unknown {
    return Object.hasOwn(this.#fields, name) ? this.#fields[name] : undefined;
  }

  names(): string {
    return Object.keys(this.#fields).slice(0, 12).join(', ') || 'none';
  }
}

/** Text, or a number as it is written; some sets give answers as numbers. */
export function textField(row: Row, name: string): string {
  const text = textOf(row.get(name));
  if (text !== undefined && text.trim() !== '') return text;
  if (!row.has(name)) throw new FieldError(`no field "${name}" (fields: ${row.names()})`);
  throw new FieldError(`"${name}" must be text that is not empty, or a number`);
}

/** @returns at least one text */
export function listField(row: Row, name: string): string[] {
  const value = row.get(name);
  if (!row.has(name)) throw new FieldError(`no field "${name}" (fields: ${row.names()})`);
  const texts = Array.isArray(value) ? value.map(textOf) : [];
  if (texts.length === 0 || texts.some((text) => text === undefined || text.trim() === '')) {
    throw new FieldError(`"${name}" must be a list of texts that are not empty`);
  }
  return texts as string[];
}

export function choiceItem(row: Row, names: { choices: string; letter: string; category: string }): SetItem {
  const question = textField(row, 'question');
  const choices = listField(row, names.choices);
  if (choices.length < 2 || choices.length > LETTERS.length) {
    throw new FieldError(`"${names.choices}" must have 2 to ${LETTERS.length} choices, not ${choices.length}`);
  }
  const answer = textField(row, names.letter).trim();
  const own = LETTERS.slice(0, choices.length);
  if (answer.length !== 1 || !own.includes(answer)) {
    throw new FieldError(`"${names.letter}" must be one of ${own.split('').join(', ')}`);
  }
  return {
    question,
    answer,
    choices,
    ...(row.has(names.category) ? { category: textField(row, names.category) } : {}),
  };
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  const isNumber = (typeof value === 'number' && Number.isFinite(value)) || typeof value === 'bigint';
  return isNumber ? String(value) : undefined;
}
