/**
 * Continuous batching: sequences that have ended leave their rows, waiting ones enter, and the model is never run for a
 * batch that is mostly over. Sequences are in one row for as long as their tokens are the same: a group shares its
 * prompt, and what its members answer alike. Who is where, and when, follows from the sequences and the number of rows
 * alone, not from time, so a request that is repeated runs the very same steps.
 */
import type { Decoder } from './decoder.ts';
import { planEntry } from './prompt-sharing.ts';
import type { HeldPrompt } from './prompt-sharing.ts';
import { continuations, emptyRow, extend, isLive } from './shared-rows.ts';
import type { Fork, Row, Sequence } from './shared-rows.ts';
import type { GenerationWork } from './types.ts';

/** Columns of a cache come in multiples of this; it grows by half of itself. */
const COLUMNS = 16;
/** Free columns to begin with. */
const FREE_COLUMNS = 8;
/** To run new prompts interrupts all rows, so that share of them must be free first. */
const ENTER_SHARE = 1 / 8;
/** To drop rows costs a copy of the cache, so it must save at least this share of them. */
const DROP_SHARE = 1 / 4;
/** To add rows costs the same, so there are some to spare. */
const GROWTH = 9 / 8;

export interface ScheduleOptions {
  /** Most sequences at a time, and so most rows. */
  rows: number;
  /** False when the choice needs no random numbers. */
  random: boolean;
}

export interface Schedule {
  readonly work: GenerationWork;
  /** One step of the model, and before it whatever enters. @returns how many sequences have ended; nothing when all have */
  advance(): number | undefined;
  dispose(): void;
}

/** @param startDecoding makes a decoder of so many rows and columns */
export function createSchedule(
  sequences: readonly Sequence[],
  { rows: limit, random }: ScheduleOptions,
  startDecoding: (rows: number, columns: number) => Decoder,
): Schedule {
  // What one sequence of a prompt has run, the others find.
  const waiting = [...byPrompt(sequences).values()].flat();
  const most = Math.min(limit, waiting.length);
  const widest = roundUp(Math.max(...sequences.map(({ prompt, limit }) => prompt.length + limit)));
  const first = new Set(waiting.slice(0, most).map(({ prompt }) => prompt));
  let rows = Array.from(first, (): Row => emptyRow());
  let capacity = Math.min(widest, roundUp(Math.max(...Array.from(first, (prompt) => prompt.length)) + FREE_COLUMNS));
  const decoder = startDecoding(rows.length, capacity);
  const work: GenerationWork = {
    steps: 0,
    rowSteps: 0,
    idleRowSteps: 0,
    prefills: 0,
    promptTokens: 0,
    paddingTokens: 0,
    sharedTokens: 0,
  };

  const live = (): Row[] => rows.filter(isLive);
  const idle = (): Row[] => rows.filter((row) => !isLive(row));
  const running = (): number => rows.reduce((sum, row) => sum + row.sequences.length, 0);
  const longestRow = (): number => Math.max(0, ...live().map((row) => row.columns));
  /** Goes on with these rows, to which empty ones are added. */
  const arrange = (kept: readonly Row[], columns: number, added = 0): void => {
    const indices = kept.map((row) => rows.indexOf(row));
    decoder.arrange([...indices, ...Array<number>(added).fill(0)], columns);
    capacity = columns;
    rows = [...kept, ...Array.from({ length: added }, emptyRow)];
    for (const row of rows) row.columns = Math.min(row.columns, capacity);
  };
  /** Sees to so many idle rows. */
  const makeRoom = (count: number): void => {
    const missing = count - idle().length;
    if (missing <= 0) return;
    const next = Math.min(most, Math.max(rows.length + missing, Math.ceil(rows.length * GROWTH)));
    arrange(rows, capacity, next - rows.length);
  };
  const reserve = (columns: number): void => {
    if (columns <= capacity) return;
    arrange(rows, Math.min(widest, roundUp(Math.max(columns, capacity * 1.5))));
  };
  const split = (forks: readonly Fork[]): void => {
    if (forks.length === 0) return;
    makeRoom(forks.length);
    const places = idle();
    const copies = forks.map(({ from, sequences, token }, index) => {
      const { prompt, columns } = from;
      const row = places[index] as Row;
      const copy = { from: rows.indexOf(from), to: rows.indexOf(row), columns };
      Object.assign(row, { sequences, token, prompt, columns });
      return copy;
    });
    decoder.copy(copies);
  };

  /** How many of the waiting may enter now. */
  const entering = (): number => {
    const free = most - running();
    const count = Math.min(free, waiting.length);
    if (free === most || free >= Math.min(waiting.length, most * ENTER_SHARE)) return count;
    // A prompt that some row holds needs no call of the model.
    const held = new Set(rows.map((row) => row.prompt));
    const other = waiting.slice(0, count).findIndex(({ prompt }) => !held.has(prompt));
    return other < 0 ? count : other;
  };
  const enter = (count: number): void => {
    const groups = [...byPrompt(waiting.splice(0, count))];
    const longest = Math.max(longestRow(), ...groups.map(([prompt]) => prompt.length));
    if (roundUp(longest + FREE_COLUMNS) <= capacity / 2) arrange(rows, roundUp(longest + FREE_COLUMNS));
    reserve(longest);
    makeRoom(groups.length);
    const places = idle();
    const newcomers = groups.map(([prompt], index) => ({ row: rows.indexOf(places[index] as Row), prompt }));
    const plan = planEntry(rows.map(heldBy), newcomers);
    for (const [index, [prompt, sequences]] of groups.entries()) {
      Object.assign(places[index] as Row, { sequences, prompt, columns: prompt.length });
      work.sharedTokens += (sequences.length - 1) * prompt.length;
    }
    for (const index of plan.ready) {
      const row = places[index] as Row;
      row.columns -= 1;
      row.token = row.prompt.at(-1) as number;
    }
    const forks: Fork[] = [];
    for (const { copies, parts, newcomers } of plan.stages) {
      if (copies.length > 0) decoder.copy(copies);
      if (parts.length === 0) continue;
      const entered = newcomers.map((index) => places[index] as Row);
      forks.push(...extend(entered, decoder.prefill(parts, ...continuations(entered, random))));
      const lengths = parts.map((part) => part.tokens.length);
      const tokens = lengths.reduce((sum, length) => sum + length, 0);
      work.prefills += 1;
      work.promptTokens += tokens;
      work.paddingTokens += Math.max(...lengths) * lengths.length - tokens;
    }
    work.sharedTokens += plan.shared;
    split(forks);
  };
  /** What others may take over: not the last column, which an idle row without room writes to. */
  const heldBy = ({ prompt, columns }: Row): HeldPrompt => ({
    prompt,
    columns: Math.max(0, Math.min(prompt.length, columns) - 1),
  });
  const drop = (): void => {
    const kept = live();
    if (kept.length > rows.length * (1 - DROP_SHARE)) return;
    arrange(kept, Math.min(capacity, roundUp(longestRow() + FREE_COLUMNS)));
  };

  return {
    work,
    advance: () => {
      const before = running() + waiting.length;
      if (before === 0) return undefined;
      const count = entering();
      if (count > 0) enter(count);
      const active = live().length;
      if (active > 0) {
        if (waiting.length === 0) drop();
        reserve(longestRow() + 1);
        const tokens = new Int32Array(rows.length);
        const columns = new Int32Array(rows.length);
        for (const [index, row] of rows.entries()) {
          tokens[index] = row.token;
          columns[index] = row.columns;
        }
        const choices = decoder.step(tokens, columns, ...continuations(rows, random));
        work.steps += 1;
        work.rowSteps += rows.length;
        work.idleRowSteps += rows.length - active;
        for (const row of rows) if (isLive(row)) row.columns += 1;
        split(extend(rows, choices));
      }
      return before - running() - waiting.length;
    },
    dispose: () => decoder.dispose(),
  };
}

function byPrompt(sequences: readonly Sequence[]): Map<readonly number[], Sequence[]> {
  const groups = new Map<readonly number[], Sequence[]>();
  for (const sequence of sequences) {
    const group = groups.get(sequence.prompt);
    if (group) group.push(sequence);
    else groups.set(sequence.prompt, [sequence]);
  }
  return groups;
}

function roundUp(columns: number): number {
  return Math.ceil(columns / COLUMNS) * COLUMNS;
}
