/** Reads fields of a config.json, each with its range; a field out of range is refused by its name. */
import { RZeroError } from '../errors.ts';
import { shown } from './shown.ts';

export type Fields = Readonly<Record<string, unknown>>;

export const CONFIG_FIX = 'Use a folder of a Llama, Qwen2 or Qwen3 model with its Hugging Face config.json.';

export function badField(field: string, message: string): RZeroError {
  return new RZeroError('ModelUnreadable', `config.json: ${field} ${message}.`, { field, fix: CONFIG_FIX });
}

export function positiveInteger(fields: Fields, field: string, fallback?: number): number {
  const value = fields[field] ?? fallback;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1 || value > 2 ** 31 - 1) {
    throw badField(field, `must be a positive integer, not ${shown(value)}`);
  }
  return value;
}

export function positiveNumber(fields: Fields, field: string, fallback?: number): number {
  const value = fields[field] ?? fallback;
  if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0) {
    throw badField(field, `must be a positive number, not ${shown(value)}`);
  }
  return value;
}

export function trueOrFalse(fields: Fields, field: string, fallback: boolean): boolean {
  const value = fields[field] ?? fallback;
  if (typeof value !== 'boolean') throw badField(field, `must be true or false, not ${shown(value)}`);
  return value;
}

export function tokenIds(fields: Fields, field: string, vocabSize: number): number[] {
  const value = fields[field];
  if (value == null) return [];
  const ids: unknown[] = Array.isArray(value) ? value : [value];
  for (const id of ids) {
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id >= vocabSize) {
      throw badField(field, `must be token ids below ${vocabSize}, not ${shown(value)}`);
    }
  }
  return ids as number[];
}
