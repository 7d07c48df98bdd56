/**
 * A decoder without a model: rows hold token ids, and the next token is a function of what a row holds and of the draw. It
 * fails where a real one would compute on columns that hold nothing, or something else than the sequence.
 */
import type { Decoder } from '../../../activities/engine/decoder.ts';
import type { Choice } from '../../../activities/engine/sampling.ts';

const VOCABULARY = 1000;

/** What follows these tokens. */
export function nextToken(tokens: readonly number[], draw: number): Choice {
  let hash = Math.floor(draw * 2 ** 32) >>> 0;
  for (const token of tokens) hash = Math.imul(hash ^ (token + 0x9e37), 0x85ebca6b) ^ (hash >>> 13);
  return { token: (hash >>> 0) % VOCABULARY, logprob: -((hash >>> 0) % 7) };
}

export interface Calls {
  copies: number;
  prefills: { tokens: number; parts: number }[];
  /** Rows of each step. */
  steps: number[];
  /** Columns that the cache had room for, at each call that changed it. */
  capacities: number[];
  disposed: boolean;
}

export function fakeDecoder(rows: number, columns: number): { decoder: Decoder; calls: Calls } {
  const calls: Calls = { copies: 0, prefills: [], steps: [], capacities: [columns], disposed: false };
  let capacity = columns;
  let cache: (number | undefined)[][] = Array.from({ length: rows }, () => []);
  const read = (row: number, count: number): number[] =>
    Array.from({ length: count }, (_, column) => {
      const token = cache[row]![column];
      if (token === undefined) throw new RangeError(`row ${row} holds nothing in column ${column} of ${count}`);
      return token;
    });
  const put = (row: number, column: number, token: number): void => {
    if (column >= capacity) throw new RangeError(`column ${column} of ${capacity}`);
    cache[row]![column] = token;
  };
  const decoder: Decoder = {
    copy: (copies) => {
      calls.copies += copies.length;
      const contents = copies.map(({ from, columns: count }) => read(from, count));
      for (const [index, { to }] of copies.entries()) cache[to] = contents[index]!;
    },
    prefill: (parts, sequences, draws) => {
      calls.prefills.push({ parts: parts.length, tokens: parts.reduce((sum, { tokens }) => sum + tokens.length, 0) });
      for (const { row, from, tokens } of parts) {
        if (tokens.length === 0) throw new RangeError(`nothing of row ${row} is left to run`);
        cache[row] = read(row, from);
        for (const [index, token] of tokens.entries()) put(row, from + index, token);
      }
      return sequences.map((part, index) => {
        const { row, from, tokens } = parts[part]!;
        return nextToken(read(row, from + tokens.length), draws[index]!);
      });
    },
    step: (tokens, into, draws) => {
      calls.steps.push(tokens.length);
      if (tokens.length !== cache.length) throw new RangeError(`${tokens.length} tokens for ${cache.length} rows`);
      return Array.from(tokens, (token, row) => {
        // A row without room loses its last column.
        const column = Math.min(into[row]!, capacity - 1);
        put(row, column, token);
        if (into[row]! >= capacity) return { token: 0, logprob: 0 };
        return nextToken(read(row, column + 1), draws[row]!);
      });
    },
    arrange: (kept, next) => {
      capacity = next;
      calls.capacities.push(next);
      cache = kept.map((row) => cache[row]!.slice(0, next));
    },
    dispose: () => {
      calls.disposed = true;
    },
  };
  return { decoder, calls };
}
