/**
 * A decoder without a model: rows hold token ids, and the next token is a function of what a row holds and of the draw. It
 * fails where a real one would compute on columns that hold nothing, or something else than the sequence.
 */
import type { Decoder } from '../../../activities/engine/decoder.ts';
import type { Choice, Choices } from '../../../activities/engine/sampling.ts';

const VOCABULARY = 1000;

/** Of how many tokens one may follow others; below that, sequences of one beginning stay the same for a while. */
export const SURE = 2;
const UNSURE = 2 ** 32;

/** What follows these tokens. */
export function nextToken(tokens: readonly number[], draw: number, possible = UNSURE): Choice {
  let hash = Math.floor(draw * possible) >>> 0;
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

function choicesOf(sequences: Int32Array, choose: (place: number, index: number) => Choice): Choices {
  const choices = Array.from(sequences, choose);
  return { tokens: choices.map(({ token }) => token), logprobs: choices.map(({ logprob }) => logprob) };
}

export function fakeDecoder(rows: number, columns: number, possible = UNSURE): { decoder: Decoder; calls: Calls } {
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
      return choicesOf(sequences, (part, index) => {
        const { row, from, tokens } = parts[part]!;
        return nextToken(read(row, from + tokens.length), draws[index]!, possible);
      });
    },
    step: (tokens, into, sequences, draws) => {
      calls.steps.push(tokens.length);
      if (tokens.length !== cache.length) throw new RangeError(`${tokens.length} tokens for ${cache.length} rows`);
      // A row without room loses its last column.
      for (const [row, token] of tokens.entries()) put(row, Math.min(into[row]!, capacity - 1), token);
      return choicesOf(sequences, (row, index) => {
        if (into[row]! >= capacity) throw new RangeError(`column ${into[row]} of ${capacity}`);
        return nextToken(read(row, into[row]! + 1), draws[index]!, possible);
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
