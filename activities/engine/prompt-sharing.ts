/**
 * How sequences enter a cache in which rows already hold prompts. What a prompt begins with is taken over from a row that
 * has it, instead of being run again: equal prompts are run once, and a common beginning (examples, a system prompt) once.
 * A pure function of token ids.
 */
import type { PromptPart, RowCopy } from './decoder.ts';
import { PREFILL_TOKENS } from './memory-budget.ts';

/** Shorter beginnings are run again: to continue one takes a call of its own. */
const FEWEST_SHARED = 16;
/** Most tokens in one call, pads included: what a call holds in memory grows with them. */
const CALL_TOKENS = PREFILL_TOKENS;
/** As many pads cost more than a call of their own. */
const MOST_PADS = 256;

/** What enters has prompts that differ from each other. */
export interface Newcomer {
  /** The row that it gets. */
  row: number;
  prompt: readonly number[];
}

/** Of a row of the cache. */
export interface HeldPrompt {
  prompt: readonly number[];
  /** Its first columns that others may take over. */
  columns: number;
}

/** Copies, then a call of the model. */
export interface EntryStage {
  copies: RowCopy[];
  /** None in a stage of copies alone. */
  parts: PromptPart[];
  /** Of each part, the newcomer by index. */
  newcomers: number[];
}

export interface EntryPlan {
  stages: EntryStage[];
  /** Newcomers, by index, all of whose prompt but the last token is taken over: that one is for the next step. */
  ready: number[];
  /** Tokens that were taken over and not run. */
  shared: number;
}

/** @param held by row; nothing where a row holds nothing of use */
export function planEntry(held: readonly (HeldPrompt | undefined)[], newcomers: readonly Newcomer[]): EntryPlan {
  const first: EntryStage = { copies: [], parts: [], newcomers: [] };
  const second: EntryStage = { copies: [], parts: [], newcomers: [] };
  const ready: number[] = [];
  let shared = 0;
  const leaders: Newcomer[] = [];
  for (const [index, newcomer] of newcomers.entries()) {
    const { row, prompt } = newcomer;
    const run = (stage: EntryStage, from: number): void => {
      stage.parts.push({ row, from, tokens: prompt.slice(from) });
      stage.newcomers.push(index);
      shared += from;
    };
    const donor = longest(held.map((other) => (other ? Math.min(other.columns, common(other.prompt, prompt)) : 0)));
    if (donor.columns > 0 && donor.columns === prompt.length - 1) {
      first.copies.push({ from: donor.index, to: row, columns: donor.columns });
      ready.push(index);
      shared += donor.columns;
    } else if (donor.columns >= FEWEST_SHARED) {
      first.copies.push({ from: donor.index, to: row, columns: donor.columns });
      run(second, donor.columns);
    } else {
      const sibling = longest(leaders.map((other) => common(other.prompt, prompt)));
      if (sibling.columns >= FEWEST_SHARED) {
        const leader = leaders[sibling.index] as Newcomer;
        second.copies.push({ from: leader.row, to: row, columns: sibling.columns });
        run(second, sibling.columns);
      } else {
        leaders.push(newcomer);
        run(first, 0);
      }
    }
  }
  const stages = [first, second].filter(({ copies, parts }) => copies.length + parts.length > 0);
  return { stages: stages.flatMap(inCalls), ready, shared };
}

/** The same work in calls of limited size, the longest parts first so that those in a call are of similar length. */
function inCalls({ copies, parts, newcomers }: EntryStage): EntryStage[] {
  if (parts.length === 0) return [{ copies, parts, newcomers }];
  const lengthOf = (part: number): number => (parts[part] as PromptPart).tokens.length;
  const order = [...parts.keys()].sort((a, b) => lengthOf(b) - lengthOf(a) || a - b);
  const calls: number[][] = [];
  for (const [index, part] of order.entries()) {
    const call = calls.at(-1);
    const longest = call ? lengthOf(call[0] as number) : 0;
    const pads = (longest - lengthOf(part)) * (order.length - index);
    if (call && longest * (call.length + 1) <= CALL_TOKENS && pads <= MOST_PADS) call.push(part);
    else calls.push([part]);
  }
  return calls.map((call, index) => ({
    copies: index === 0 ? copies : [],
    parts: call.map((part) => parts[part] as PromptPart),
    newcomers: call.map((part) => newcomers[part] as number),
  }));
}

/** Tokens that both begin with; the last token of `prompt` is not counted: something must be left to run. */
function common(other: readonly number[], prompt: readonly number[]): number {
  const most = Math.min(other.length, prompt.length - 1);
  if (other === prompt) return most;
  let count = 0;
  while (count < most && other[count] === prompt[count]) count++;
  return count;
}

/** The first of the largest. */
function longest(columns: readonly number[]): { index: number; columns: number } {
  let index = 0;
  for (let i = 1; i < columns.length; i++) if ((columns[i] as number) > (columns[index] as number)) index = i;
  return { index, columns: columns[index] ?? 0 };
}
