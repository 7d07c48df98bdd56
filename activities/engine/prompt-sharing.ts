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

export interface Newcomer {
  /** The row that it gets. */
  row: number;
  /** Equal prompts are the same array. */
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
  /** Newcomers whose first token this stage chooses, by index, and the part of each. */
  members: { newcomer: number; part: number }[];
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
  const first: EntryStage = { copies: [], parts: [], members: [] };
  const second: EntryStage = { copies: [], parts: [], members: [] };
  const third: EntryStage = { copies: [], parts: [], members: [] };
  const ready: number[] = [];
  let shared = 0;
  /** Takes over `columns` columns of a row, and runs the rest for all newcomers of one prompt. */
  const run = (stage: EntryStage, next: EntryStage, members: readonly number[], columns: number): void => {
    const [leader, ...others] = members.map((index) => newcomers[index] as Newcomer) as [Newcomer, ...Newcomer[]];
    const part = stage.parts.push({ row: leader.row, from: columns, tokens: leader.prompt.slice(columns) }) - 1;
    for (const newcomer of members) stage.members.push({ newcomer, part });
    for (const { row, prompt } of others) next.copies.push({ from: leader.row, to: row, columns: prompt.length });
    shared += columns + others.length * leader.prompt.length;
  };

  const leaders: Newcomer[] = [];
  for (const members of byPrompt(newcomers)) {
    const leader = newcomers[members[0] as number] as Newcomer;
    const { prompt } = leader;
    const donor = longest(held.map((row) => (row ? Math.min(row.columns, common(row.prompt, prompt)) : 0)));
    if (donor.columns > 0 && donor.columns === prompt.length - 1) {
      for (const newcomer of members) {
        const { row } = newcomers[newcomer] as Newcomer;
        first.copies.push({ from: donor.index, to: row, columns: donor.columns });
      }
      ready.push(...members);
      shared += members.length * donor.columns;
    } else if (donor.columns >= FEWEST_SHARED) {
      first.copies.push({ from: donor.index, to: leader.row, columns: donor.columns });
      run(second, third, members, donor.columns);
    } else {
      const sibling = longest(leaders.map((other) => common(other.prompt, prompt)));
      if (sibling.columns >= FEWEST_SHARED) {
        const { row } = leaders[sibling.index] as Newcomer;
        second.copies.push({ from: row, to: leader.row, columns: sibling.columns });
        run(second, third, members, sibling.columns);
      } else {
        leaders.push(leader);
        run(first, second, members, 0);
      }
    }
  }
  const stages = [first, second, third].filter(({ copies, parts }) => copies.length + parts.length > 0);
  return { stages: stages.flatMap(inCalls), ready, shared };
}

/** The same work in calls of limited size, the longest parts first so that those in a call are of similar length. */
function inCalls({ copies, parts, members }: EntryStage): EntryStage[] {
  if (parts.length === 0) return [{ copies, parts, members }];
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
    members: members.flatMap(({ newcomer, part }) => {
      const at = call.indexOf(part);
      return at < 0 ? [] : [{ newcomer, part: at }];
    }),
  }));
}

/** Indices of newcomers with the same prompt, in order of appearance. */
function byPrompt(newcomers: readonly Newcomer[]): number[][] {
  const groups = new Map<readonly number[], number[]>();
  for (const [index, { prompt }] of newcomers.entries()) {
    const group = groups.get(prompt);
    if (group) group.push(index);
    else groups.set(prompt, [index]);
  }
  return [...groups.values()];
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
