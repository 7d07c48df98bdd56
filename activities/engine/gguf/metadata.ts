import { GgufError } from './error.ts';
import type { GgufValue } from './header.ts';

/** Metadata of one file, read by key and type. */
export interface Metadata {
  has(key: string): boolean;
  /** @throws GgufError when the key holds something else; undefined when there is none */
  number(key: string): number | undefined;
  text(key: string): string | undefined;
  flag(key: string): boolean | undefined;
  texts(key: string): string[] | undefined;
  numbers(key: string): number[] | undefined;
}

export function readMetadata(values: ReadonlyMap<string, GgufValue>): Metadata {
  const typed =
    <T extends GgufValue>(what: string, is: (value: GgufValue) => boolean) =>
    (key: string): T | undefined => {
      const value = values.get(key);
      if (value === undefined || is(value)) return value as T | undefined;
      throw new GgufError(`has metadata "${key}" that is not ${what}`);
    };
  const list = (type: string) => (value: GgufValue) =>
    Array.isArray(value) && value.every((element) => typeof element === type);
  return {
    has: (key) => values.has(key),
    number: typed('a finite number', Number.isFinite),
    text: typed('a text', (value) => typeof value === 'string'),
    flag: typed('true or false', (value) => typeof value === 'boolean'),
    texts: typed('a list of texts', list('string')),
    numbers: typed('a list of numbers', list('number')),
  };
}

/** @throws GgufError when there is none */
export function required<T>(key: string, value: T | undefined): T {
  if (value === undefined) throw new GgufError(`has no metadata "${key}"`);
  return value;
}
