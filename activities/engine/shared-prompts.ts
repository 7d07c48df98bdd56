/**
 * Sequences of a batch that share their prompts, packed so that each prompt is there once: its tokens but the last, and for
 * every sequence that last token with the completion behind it. What is left of a sequence attends to its prompt's keys.
 */
import { groupByLength } from './batch.ts';
import { MASKED } from './model.ts';
import type { ScoreItem } from './types.ts';

/** To share costs some extra operations, so it must leave out this part of all tokens at least. */
const WORTH_SHARING = 0.05;

/** P prompts of S tokens, right-padded. */
export interface SharedPrompts {
  count: number;
  length: number;
  /** [P S] */
  tokens: Int32Array;
  /** [P] tokens of each. */
  lengths: Int32Array;
  /** [B] */
  promptOf: Int32Array;
}

/** @returns nothing of a prompt of one token but pads */
export function packSharedPrompts(items: readonly ScoreItem[]): SharedPrompts {
  const known = new Map<string, number>();
  const distinct: (readonly number[])[] = [];
  const promptOf = Int32Array.from(items, ({ promptTokens }) => {
    const name = promptTokens.join(' ');
    const index = known.get(name) ?? distinct.push(promptTokens.slice(0, -1)) - 1;
    known.set(name, index);
    return index;
  });
  const length = Math.max(1, ...distinct.map((prompt) => prompt.length));
  const tokens = new Int32Array(distinct.length * length);
  for (const [row, prompt] of distinct.entries()) tokens.set(prompt, row * length);
  const lengths = Int32Array.from(distinct, (prompt) => prompt.length);
  return { count: distinct.length, length, tokens, lengths, promptOf };
}

/** Where the T tokens of each sequence stand that follow its prompt, and what they see. */
export interface Placement {
  /** [B T] */
  positions: Int32Array;
  /** [B C], C = S + T: `MASKED` for the pads of the sequence's prompt, 0 elsewhere. */
  pads: Float32Array;
  /** [C]: -1 for the columns of prompts, then 0 to T - 1. */
  order: Int32Array;
}

export function placeBehind({ promptOf, lengths, length }: SharedPrompts, behind: number, most: number): Placement {
  const columns = length + behind;
  const positions = new Int32Array(promptOf.length * behind);
  const pads = new Float32Array(promptOf.length * columns);
  for (const [row, prompt] of promptOf.entries()) {
    const start = lengths[prompt] as number;
    for (let t = 0; t < behind; t++) positions[row * behind + t] = Math.min(start + t, most - 1);
    pads.fill(MASKED, row * columns + start, row * columns + length);
  }
  const order = Int32Array.from({ length: columns }, (_, column) => Math.max(-1, column - length));
  return { positions, pads, order };
}

export function countUp(length: number): Int32Array {
  return Int32Array.from({ length }, (_, index) => index);
}

export interface RolloutPlan {
  /** Of indices. */
  groups: number[][];
  /** Whether the prompts of a group are apart. */
  shared: boolean;
}

/** Groups of at most `size` items, with shared prompts when that is less to compute. A function of prompts and lengths alone. */
export function planRollouts(items: readonly ScoreItem[], size: number): RolloutPlan {
  const whole = groupByLength(
    items.map(({ promptTokens, completionTokens }) => promptTokens.length + completionTokens.length),
    size,
  );
  const split = groupByLength(
    items.map(({ completionTokens }) => completionTokens.length),
    size,
  );
  const longest = (group: readonly number[], length: (item: ScoreItem) => number): number =>
    Math.max(...group.map((index) => length(items[index] as ScoreItem)));
  const wholeTokens = whole.reduce(
    (sum, group) =>
      sum + group.length * (longest(group, (item) => item.promptTokens.length + item.completionTokens.length) - 1),
    0,
  );
  const splitTokens = split.reduce((sum, group) => {
    const prompts = new Map(
      group.map((index) => {
        const { promptTokens } = items[index] as ScoreItem;
        return [promptTokens.join(' '), promptTokens.length - 1];
      }),
    );
    const completions = group.length * longest(group, (item) => item.completionTokens.length);
    return sum + completions + prompts.size * Math.max(...prompts.values());
  }, 0);
  const shared = splitTokens < (1 - WORTH_SHARING) * wholeTokens;
  return { groups: shared ? split : whole, shared };
}
