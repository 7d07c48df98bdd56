import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSeed, uniform } from '../../activities/engine/random.ts';
import { createSchedule } from '../../activities/engine/schedule.ts';
import type { Sequence } from '../../activities/engine/shared-rows.ts';
import type { Completion } from '../../activities/engine/types.ts';
import { fc } from '../support/properties.ts';
import { SURE, fakeDecoder, nextToken } from './support/fake-decoder.ts';
import type { Calls } from './support/fake-decoder.ts';
import { seedOf } from './support/models.ts';

interface Wish {
  prompt: readonly number[];
  limit: number;
}

const STOP = new Set(Array.from({ length: 30 }, (_, index) => index * 33));

/** Equal prompts become the same array, as the sampler hands them over. */
function sequencesOf(wishes: readonly Wish[], stopTokens: ReadonlySet<number>): Sequence[] {
  const prompts = new Map<string, readonly number[]>();
  return wishes.map(({ prompt, limit }, index) => {
    const name = prompt.join();
    prompts.set(name, prompts.get(name) ?? prompt);
    const completion: Completion = { tokens: [], logprobs: [], finishReason: 'length' };
    const ends = (token: number): boolean => stopTokens.has(token);
    return { prompt: prompts.get(name)!, limit, ends, key: parseSeed(seedOf(index)), completion };
  });
}

function runAll(wishes: readonly Wish[], rows: number, stopTokens: ReadonlySet<number> = STOP, possible?: number) {
  const sequences = sequencesOf(wishes, stopTokens);
  let calls: Calls | undefined;
  const schedule = createSchedule(sequences, { rows, random: true }, (count, columns) => {
    const fake = fakeDecoder(count, columns, possible);
    calls = fake.calls;
    return fake.decoder;
  });
  let done = 0;
  for (let ended = schedule.advance(); ended !== undefined; ended = schedule.advance()) done += ended;
  schedule.dispose();
  assert.equal(done, wishes.length);
  return { completions: sequences.map(({ completion }) => completion), calls: calls!, work: schedule.work };
}

/** One sequence after the other, without rows and columns. */
function alone({ prompt, limit }: Wish, index: number, stopTokens: ReadonlySet<number>, possible?: number): Completion {
  const key = parseSeed(seedOf(index));
  const completion: Completion = { tokens: [], logprobs: [], finishReason: 'length' };
  while (completion.tokens.length < limit) {
    const draw = uniform(key, completion.tokens.length);
    const { token, logprob } = nextToken([...prompt, ...completion.tokens], draw, possible);
    completion.tokens.push(token);
    completion.logprobs.push(logprob);
    if (stopTokens.has(token)) return { ...completion, finishReason: 'stop' };
  }
  return completion;
}

/** Prompts that share beginnings of all lengths, equal ones among them. */
const wishes = fc.array(
  fc.record({
    prompt: fc
      .tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 60 }), fc.array(fc.nat(9), { maxLength: 25 }))
      .map(([kind, length, rest]) => [kind, ...Array.from({ length }, (_, i) => (i * 7) % 90), ...rest]),
    limit: fc.integer({ min: 1, max: 120 }),
  }),
  { minLength: 1, maxLength: 40 },
);

test('any sequences in any number of rows come out as one after the other', () => {
  fc.assert(
    fc.property(wishes, fc.integer({ min: 1, max: 12 }), fc.boolean(), fc.boolean(), (all, rows, stops, sure) => {
      const stopTokens = stops ? STOP : new Set<number>();
      const possible = sure ? SURE : undefined;
      // Groups of up to three.
      const items = all.flatMap((wish) => Array<Wish>(1 + (wish.limit % 3)).fill(wish));
      const { completions, calls } = runAll(items, rows, stopTokens, possible);
      assert.deepEqual(
        completions,
        items.map((wish, index) => alone(wish, index, stopTokens, possible)),
      );
      assert.ok(calls.disposed);
      assert.ok(Math.max(0, ...calls.steps) <= rows);
    }),
    { numRuns: 300 },
  );
});

test('who shares a batch decides nothing but the order of work', () => {
  const all = Array.from({ length: 30 }, (_, i) => ({ prompt: [1, 2, i % 4], limit: 1 + ((i * 37) % 60) }));
  const expected = runAll(all, 30).completions;
  for (const rows of [1, 2, 7, 16]) assert.deepEqual(runAll(all, rows).completions, expected);
});

/** 5 to 200 tokens, in no order. */
const unequal = (count: number): Wish[] =>
  Array.from({ length: count }, (_, i) => ({ prompt: [i, 1, 2, 3], limit: 5 + ((i * 7919) % 196) }));

test('rows of very unequal sequences are hardly ever idle', () => {
  const all = unequal(128);
  const { work, calls } = runAll(all, 16, new Set());
  const useful = all.reduce((sum, { limit }) => sum + limit - 1, 0);
  assert.equal(work.rowSteps - work.idleRowSteps, useful);
  assert.equal(
    calls.steps.reduce((sum, rows) => sum + rows, 0),
    work.rowSteps,
  );
  assert.ok(work.rowSteps < 1.06 * useful, `${work.rowSteps} rows computed for ${useful}`);
  // A batch after the other, each until its longest sequence ends.
  let batched = 0;
  for (let from = 0; from < all.length; from += 16) {
    batched += 16 * (Math.max(...all.slice(from, from + 16).map(({ limit }) => limit)) - 1);
  }
  assert.ok(batched > 1.6 * work.rowSteps, `${batched} by batches`);
});

test('the cache grows no wider than the sequences that are in it ask for, and shrinks again', () => {
  const long: Wish = { prompt: [1], limit: 900 };
  const short = Array.from({ length: 60 }, (_, i) => ({ prompt: [2, i], limit: 20 }));
  const { calls } = runAll([long, ...short, ...short], 4, new Set());
  assert.ok(Math.max(...calls.capacities) <= 912);
  const after = runAll([...short, { prompt: [1], limit: 300 }, ...short, ...unequal(40)], 4, new Set()).calls
    .capacities;
  const widest = after.indexOf(Math.max(...after));
  assert.ok(Math.min(...after.slice(widest)) <= Math.max(...after) / 2, after.join());
  assert.ok(Math.max(...runAll(short, 4, new Set()).calls.capacities) <= 48);
});

test('what a narrower cache has cut off, or an idle row has written over, is not taken over', () => {
  const long = Array.from({ length: 180 }, (_, i) => i);
  const filler = (i: number): Wish => ({ prompt: [900 + i, 1, 2], limit: i < 2 ? 4 : i < 10 ? 12 : 30 });
  // Row 28 of 32 holds the long prompt when it ends with rows 0 and 1. Three free rows are too few for new prompts, but one
  // more of the last group enters: the cache is made narrower while the long row stays.
  const group = Array.from({ length: 4 }, () => ({ prompt: [990, 1, 2], limit: 30 }));
  const first = [...Array.from({ length: 28 }, (_, i) => filler(i)), { prompt: long, limit: 4 }, ...group];
  for (let length = 20; length < 180; length += 5) {
    const further = Array.from({ length: 6 }, (_, i) => ({ prompt: [...long.slice(0, length), 700 + i, 1], limit: 3 }));
    const all = [...first, ...further];
    const { completions, calls, work } = runAll(all, 32, new Set());
    assert.deepEqual(
      completions,
      all.map((wish, index) => alone(wish, index, new Set())),
    );
    const capacities = calls.capacities.filter((capacity, index, all) => capacity !== all[index - 1]);
    assert.deepEqual(capacities.slice(0, 2), [192, 16]);
    // What the cache has lost is run once more, at least.
    assert.ok(work.promptTokens >= 28 * 3 + 180 + 3 + Math.max(0, length - 15) + 6 * 2, `${work.promptTokens}`);
  }
});

test('a prompt is run once for its whole group, whenever its members enter', () => {
  const prompts = Array.from({ length: 6 }, (_, i) => Array.from({ length: 12 }, (_, t) => 100 * i + t));
  // Item by item and prompt by prompt, in less rows than a group has members.
  for (const rows of [3, 5, 8, 64]) {
    for (const order of ['groups', 'rounds']) {
      const all = Array.from({ length: 60 }, (_, i) => ({
        prompt: prompts[order === 'groups' ? Math.floor(i / 10) : i % 6]!,
        limit: 1 + ((i * 13) % 40),
      }));
      const { work } = runAll(all, rows, new Set());
      // The last token of a prompt is run again for those that enter later: it is their first step.
      assert.equal(work.promptTokens, 6 * 12, `${rows} rows, ${order}`);
      assert.ok(work.sharedTokens >= 54 * 11);
    }
  }
});

test('what sequences of a group answer alike is run once', () => {
  const all = Array.from({ length: 64 }, (_, i) => ({ prompt: [i >> 4, 1, 2], limit: 6 }));
  for (const rows of [8, 24, 64]) {
    const { completions, work } = runAll(all, rows, new Set(), SURE);
    const begun = new Set<string>();
    for (const [index, { tokens }] of completions.entries()) {
      for (let count = 1; count < tokens.length; count++) begun.add(`${index >> 4}: ${tokens.slice(0, count).join()}`);
    }
    const computed = work.rowSteps - work.idleRowSteps;
    // All at once, each beginning is run a single time; in turns, once a turn.
    assert.ok(computed < 0.7 * 64 * 5, `${computed} rows in turns of ${rows}`);
    if (rows === 64) assert.equal(computed, begun.size);
  }
});

test('what different prompts begin with is run once', () => {
  const examples = Array.from({ length: 100 }, (_, i) => i);
  const all = Array.from({ length: 40 }, (_, i) => ({ prompt: [...examples, 500 + i, 600 + i], limit: 6 }));
  for (const rows of [4, 16, 40]) {
    const { work, calls } = runAll(all, rows, new Set());
    assert.equal(work.promptTokens, 100 + 40 * 2, `${rows} rows`);
    assert.equal(work.sharedTokens, 39 * 100);
    assert.deepEqual(calls.prefills.slice(0, 2), [
      { parts: 1, tokens: 102 },
      { parts: rows - 1, tokens: 2 * (rows - 1) },
    ]);
  }
});
