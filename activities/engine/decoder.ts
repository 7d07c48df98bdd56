/**
 * Sequences that are continued together: rows of a key-value cache whose column c holds position c of the row's sequence.
 * Who takes which row, and when, is the schedule's business (schedule.ts).
 */
import type { Choices, ChoiceParams } from './sampling.ts';

export interface DecodeRequest {
  params: ChoiceParams;
  /** Rows to begin with, all empty. */
  rows: number;
  /** Columns to make room for. */
  columns: number;
}

/** Tokens that continue what a row holds already. */
export interface PromptPart {
  row: number;
  /** Columns that are there. */
  from: number;
  tokens: readonly number[];
}

/** Row `to` gets the first columns of row `from`. */
export interface RowCopy {
  from: number;
  to: number;
  columns: number;
}

export interface Decoder {
  /** All at once: no copy sees what another has written. */
  copy(copies: readonly RowCopy[]): void;
  /**
   * Runs parts of prompts, and chooses the next token of each sequence.
   *
   * @param sequences the part that each continues
   * @param draws uniform in [0, 1), one a sequence
   */
  prefill(parts: readonly PromptPart[], sequences: Int32Array, draws: Float64Array): Choices;
  /**
   * Puts a token into every row, and chooses the next one of each sequence.
   *
   * @param tokens the last token of each row, which joins its context
   * @param columns where it goes, one column after those in use; in a row without room, into its last one
   * @param sequences the row that each continues
   * @param draws as above
   */
  step(tokens: Int32Array, columns: Int32Array, sequences: Int32Array, draws: Float64Array): Choices;
  /** Goes on with these rows, in this order and as often, and room for as many columns; what lies beyond is lost. */
  arrange(rows: readonly number[], columns: number): void;
  dispose(): void;
}

/** Parts of prompts side by side, right-padded to the longest. */
export interface PartBatch {
  /** P */
  count: number;
  /** T */
  length: number;
  /** Columns of the rows that the parts look at: as far as the furthest part goes. */
  columns: number;
  /** [P T] */
  tokens: Int32Array;
  /** [P T]; those of pads go on counting, and end with the context. */
  positions: Int32Array;
  /** [P] column before the part. */
  starts: Int32Array;
  /** [P] index of each part's last token in `tokens`. */
  last: Int32Array;
}

export function packParts(parts: readonly PromptPart[], maxPositions: number): PartBatch {
  const count = parts.length;
  const length = Math.max(...parts.map((part) => part.tokens.length));
  const tokens = new Int32Array(count * length);
  const positions = new Int32Array(count * length);
  for (const [index, part] of parts.entries()) {
    tokens.set(part.tokens, index * length);
    for (let t = 0; t < length; t++) positions[index * length + t] = Math.min(part.from + t, maxPositions - 1);
  }
  return {
    count,
    length,
    columns: Math.max(...parts.map((part) => part.from + part.tokens.length)),
    tokens,
    positions,
    starts: Int32Array.from(parts, (part) => part.from),
    last: Int32Array.from(parts, (part, index) => index * length + part.tokens.length - 1),
  };
}
