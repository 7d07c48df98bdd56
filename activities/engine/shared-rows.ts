/** Rows of a batch, each of which computes for all sequences whose tokens are the same so far. */
import { uniform } from './random.ts';
import type { PhiloxKey } from './random.ts';
import type { Choices } from './sampling.ts';
import type { StopWatch } from './stop-pattern.ts';
import type { Completion } from './types.ts';

/** One sequence while it grows. */
export interface Sequence {
  /** Equal prompts are the same array. */
  readonly prompt: readonly number[];
  readonly key: PhiloxKey;
  /** Most new tokens, by the request and by the model's context. */
  readonly limit: number;
  readonly ends: StopWatch;
  readonly completion: Completion;
}

export interface Row {
  /** Those whose tokens so far are the row's; none once all have ended. */
  sequences: Sequence[];
  /** What the row's columns begin with, even when its sequences have ended. */
  prompt: readonly number[];
  /** Columns in use. */
  columns: number;
  /** Joins them with the next step. */
  token: number;
}

/** Sequences that go on with another token than the rest of their row. */
export interface Fork {
  from: Row;
  sequences: Sequence[];
  token: number;
}

export function emptyRow(): Row {
  return { sequences: [], prompt: [], columns: 0, token: 0 };
}

export function isLive({ sequences }: Row): boolean {
  return sequences.length > 0;
}

/**
 * Of each sequence of these rows: which of them it continues, and its random number.
 *
 * @param random false when the choice needs none
 */
export function continuations(rows: readonly Row[], random: boolean): [Int32Array, Float64Array] {
  const count = rows.reduce((sum, row) => sum + row.sequences.length, 0);
  const [rowOf, draws] = [new Int32Array(count), new Float64Array(count)];
  let next = 0;
  for (const [index, row] of rows.entries()) {
    for (const { key, completion } of row.sequences) {
      rowOf[next] = index;
      draws[next++] = random ? uniform(key, completion.tokens.length) : 0;
    }
  }
  return [rowOf, draws];
}

/** Gives the sequences of these rows their tokens. @returns those that leave their row for one of their own */
export function extend(rows: readonly Row[], { tokens, logprobs }: Choices): Fork[] {
  const forks: Fork[] = [];
  let next = 0;
  for (const row of rows) {
    const stay: Sequence[] = [];
    const before = forks.length;
    for (const sequence of row.sequences) {
      const { completion, limit, ends } = sequence;
      const token = tokens[next] as number;
      completion.tokens.push(token);
      completion.logprobs.push(logprobs[next++] as number);
      if (ends(token)) completion.finishReason = 'stop';
      else if (completion.tokens.length < limit) {
        if (stay.length === 0) row.token = token;
        if (token === row.token) stay.push(sequence);
        else addTo(forks, before, { from: row, token, sequences: [sequence] });
      }
    }
    row.sequences = stay;
  }
  return forks;
}

/** Joins a fork with one of the same token, if there is one from `first` on. */
function addTo(forks: Fork[], first: number, fork: Fork): void {
  for (let index = first; index < forks.length; index++) {
    const other = forks[index] as Fork;
    if (other.token === fork.token) return void other.sequences.push(...fork.sequences);
  }
  forks.push(fork);
}
