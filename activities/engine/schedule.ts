/**
 * Continuous batching: sequences that have ended leave their rows, waiting ones enter, and the model is never run for a
 * batch that is mostly over. Who is where, and when, follows from the sequences and the number of rows alone, not from
 * time, so a request that is repeated runs the very same steps.
 */
import type { Decoder } from './decoder.ts';
import { planEntry } from './prompt-sharing.ts';
import type { HeldPrompt } from './prompt-sharing.ts';
import { uniform } from './random.ts';
import type { PhiloxKey } from './random.ts';
import type { Choice } from './sampling.ts';
import type { StopWatch } from './stop-pattern.ts';
import type { Completion, GenerationWork } from './types.ts';

/** Columns of a cache come in multiples of this; it grows by half of itself. */
const COLUMNS = 16;
/** Free columns to begin with. */
const FREE_COLUMNS = 8;
/** To run new prompts interrupts all rows, so that share of them must be free first. */
const ENTER_SHARE = 1 / 8;
/** To drop rows costs a copy of the cache, so it must save at least this share of them. */
const DROP_SHARE = 1 / 4;

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

export interface ScheduleOptions {
  /** Most rows. */
  rows: number;
  /** False when the choice needs no random numbers. */
  random: boolean;
}

interface Row {
  /** Nothing once it has ended. */
  sequence: Sequence | undefined;
  /** What the row's columns begin with, even when the sequence has ended. */
  prompt: readonly number[];
  /** Columns in use. */
  columns: number;
  /** Joins them with the next step. */
  token: number;
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
  { rows: most, random }: ScheduleOptions,
  startDecoding: (rows: number, columns: number) => Decoder,
): Schedule {
  const waiting = inGroups(sequences);
  const widest = roundUp(Math.max(...sequences.map(({ prompt, limit }) => prompt.length + limit)));
  let rows: Row[] = Array.from({ length: Math.min(most, sequences.length) }, () => ({
    sequence: undefined,
    prompt: [],
    columns: 0,
    token: 0,
  }));
  const begins = Math.max(...waiting.slice(0, rows.length).map(({ prompt }) => prompt.length));
  let capacity = Math.min(widest, roundUp(begins + FREE_COLUMNS));
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

  const live = (): Row[] => rows.filter((row) => row.sequence);
  const longestRow = (): number => Math.max(0, ...live().map((row) => row.columns));
  const arrange = (kept: readonly number[], columns: number): void => {
    decoder.arrange(kept, columns);
    capacity = columns;
    rows = kept.map((index) => rows[index] as Row);
    for (const row of rows) row.columns = Math.min(row.columns, capacity);
  };
  const reserve = (columns: number): void => {
    if (columns <= capacity) return;
    arrange([...rows.keys()], Math.min(widest, roundUp(Math.max(columns, capacity * 1.5))));
  };
  const drawOf = ({ key, completion }: Sequence): number => (random ? uniform(key, completion.tokens.length) : 0);
  /** @returns whether the sequence has ended */
  const extend = (row: Row, { token, logprob }: Choice): boolean => {
    const { completion, limit, ends } = row.sequence as Sequence;
    completion.tokens.push(token);
    completion.logprobs.push(logprob);
    row.token = token;
    if (ends(token)) completion.finishReason = 'stop';
    else if (completion.tokens.length < limit) return false;
    row.sequence = undefined;
    return true;
  };

  /** How many of the waiting may enter now. */
  const entering = (): number => {
    const free = rows.length - live().length;
    const count = Math.min(free, waiting.length);
    if (free === rows.length || free >= Math.min(waiting.length, rows.length * ENTER_SHARE)) return count;
    // A prompt that some row holds needs no call of the model.
    const held = new Set(rows.map((row) => row.prompt));
    const other = waiting.slice(0, count).findIndex(({ prompt }) => !held.has(prompt));
    return other < 0 ? count : other;
  };
  const enter = (count: number): number => {
    const places = rows.flatMap((row, index) => (row.sequence ? [] : [index])).slice(0, count);
    const entered = waiting.splice(0, count);
    const longest = Math.max(longestRow(), ...entered.map(({ prompt }) => prompt.length));
    if (roundUp(longest + FREE_COLUMNS) <= capacity / 2) arrange([...rows.keys()], roundUp(longest + FREE_COLUMNS));
    reserve(longest);
    const newcomers = entered.map(({ prompt }, index) => ({ row: places[index] as number, prompt }));
    const plan = planEntry(rows.map(heldBy), newcomers);
    for (const [index, sequence] of entered.entries()) {
      const { prompt } = sequence;
      Object.assign(rows[places[index] as number] as Row, { sequence, prompt, columns: prompt.length });
    }
    for (const index of plan.ready) {
      const row = rows[places[index] as number] as Row;
      row.columns -= 1;
      row.token = row.prompt.at(-1) as number;
    }
    let ended = 0;
    for (const { copies, parts, members } of plan.stages) {
      if (copies.length > 0) decoder.copy(copies);
      if (parts.length === 0) continue;
      const draws = Float64Array.from(members, ({ newcomer }) => drawOf(entered[newcomer] as Sequence));
      const choices = decoder.prefill(
        parts,
        members.map((member) => member.part),
        draws,
      );
      for (const [index, { newcomer }] of members.entries()) {
        ended += Number(extend(rows[places[newcomer] as number] as Row, choices[index] as Choice));
      }
      const lengths = parts.map((part) => part.tokens.length);
      const tokens = lengths.reduce((sum, length) => sum + length, 0);
      work.prefills += 1;
      work.promptTokens += tokens;
      work.paddingTokens += Math.max(...lengths) * lengths.length - tokens;
    }
    work.sharedTokens += plan.shared;
    return ended;
  };
  /** What others may take over: not the last column, which an idle row without room writes to. */
  const heldBy = ({ prompt, columns }: Row): HeldPrompt => ({
    prompt,
    columns: Math.max(0, Math.min(prompt.length, columns) - 1),
  });
  const drop = (): void => {
    const kept = rows.flatMap((row, index) => (row.sequence ? [index] : []));
    if (kept.length > rows.length * (1 - DROP_SHARE)) return;
    arrange(kept, Math.min(capacity, roundUp(longestRow() + FREE_COLUMNS)));
  };

  return {
    work,
    advance: () => {
      const count = entering();
      let ended = count > 0 ? enter(count) : 0;
      const active = live().length;
      if (active === 0) return count > 0 ? ended : undefined;
      if (waiting.length === 0) drop();
      reserve(longestRow() + 1);
      const choices = decoder.step(
        Int32Array.from(rows, (row) => row.token),
        Int32Array.from(rows, (row) => row.columns),
        Float64Array.from(rows, ({ sequence }) => (sequence ? drawOf(sequence) : 0)),
      );
      work.steps += 1;
      work.rowSteps += rows.length;
      work.idleRowSteps += rows.length - active;
      for (const [index, row] of rows.entries()) {
        if (!row.sequence) continue;
        row.columns += 1;
        ended += Number(extend(row, choices[index] as Choice));
      }
      return ended;
    },
    dispose: () => decoder.dispose(),
  };
}

/** Sequences of the same prompt one after the other: what one of them has run, the others find. */
function inGroups(sequences: readonly Sequence[]): Sequence[] {
  const groups = new Map<readonly number[], Sequence[]>();
  for (const sequence of sequences) {
    const group = groups.get(sequence.prompt);
    if (group) group.push(sequence);
    else groups.set(sequence.prompt, [sequence]);
  }
  return [...groups.values()].flat();
}

function roundUp(columns: number): number {
  return Math.ceil(columns / COLUMNS) * COLUMNS;
}
