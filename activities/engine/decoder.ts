/** Sequences that are continued together, one token at a time. */
import type { Choice, ChoiceParams } from './sampling.ts';

export interface DecodeRequest {
  /** One for each sequence; equal ones are run once. */
  prompts: readonly (readonly number[])[];
  params: ChoiceParams;
  /** Most new tokens of any sequence. */
  maxTokens: number;
}

export interface Decoder {
  /** Runs the prompts and chooses the first token of each sequence. @param draws uniform in [0, 1), one a sequence */
  start(draws: Float64Array): Choice[];
  /** The next ones. @param tokens the last token of each sequence, which joins its context */
  step(tokens: Int32Array, draws: Float64Array): Choice[];
  /** Goes on with these sequences, in this order. */
  keep(rows: readonly number[]): void;
  dispose(): void;
}

/** Distinct prompts, left-padded to the longest. */
export interface PromptBatch {
  /** P */
  count: number;
  /** T */
  length: number;
  /** [P T] */
  tokens: Int32Array;
  /** [P T], negative for pad columns. */
  positions: Int32Array;
  /** [P] */
  padding: number[];
  /** Of each sequence. */
  promptOf: number[];
}

export function packPrompts(prompts: readonly (readonly number[])[]): PromptBatch {
  const distinct: (readonly number[])[] = [];
  const known = new Map<string, number>();
  const promptOf = prompts.map((prompt) => {
    const name = prompt.join(' ');
    const index = known.get(name) ?? distinct.push(prompt) - 1;
    known.set(name, index);
    return index;
  });
  const count = distinct.length;
  const length = Math.max(...distinct.map((prompt) => prompt.length));
  const padding = distinct.map((prompt) => length - prompt.length);
  const tokens = new Int32Array(count * length);
  const positions = new Int32Array(count * length);
  for (const [row, prompt] of distinct.entries()) {
    const pads = padding[row] as number;
    tokens.set(prompt, row * length + pads);
    for (let column = 0; column < length; column++) positions[row * length + column] = column - pads;
  }
  return { count, length, tokens, positions, padding, promptOf };
}

/** Position of the next token of a sequence. A finished one may outlast its context; where it then points is no matter. */
export function nextPosition(columns: number, pads: number, maxPositions: number): number {
  return Math.min(columns - pads, maxPositions - 1);
}
