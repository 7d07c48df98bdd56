import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decideInThread } from '../../activities/gate-thread.ts';
import { decideIteration } from '../../activities/method/gate/gate-iteration.ts';
import { getPreset } from '../../activities/method/presets.ts';
import { createRandom } from '../../activities/method/seeds.ts';

const random = createRandom('00000000000000cc');
const text = (words: number): string => Array.from({ length: words }, () => `word${random.below(2000)}`).join(' ');
const held = Array.from({ length: 2000 }, () => text(40));
const input = {
  questions: Array.from({ length: 300 }, (_, id) => ({
    id,
    question: id % 10 === 0 ? held[id]! : text(30),
    label: '3',
    votes: 5,
    total: 10,
    tie: false,
  })),
  earlier: [],
  heldOut: [],
  sets: [{ name: 'set', questions: held }],
  policy: getPreset('default').gate,
};

let started = 0;
process.on('worker', () => (started += 1));

test('much text is compared on another thread, with the decisions of a direct call, while the event loop runs on', async () => {
  let beats = 0;
  const timer = setInterval(() => (beats += 1), 1);
  const decisions = await decideInThread(input);
  clearInterval(timer);
  assert.deepEqual([started, beats > 1], [1, true]);
  assert.deepEqual(decisions, decideIteration(input));
  assert.equal(decisions.filter(({ reason }) => reason === 'held_out').length, 30);
});

test('little text needs no thread', async () => {
  const before = started;
  const few = { ...input, sets: [{ name: 'set', questions: held.slice(0, 20) }] };
  assert.deepEqual(await decideInThread(few), decideIteration(few));
  assert.equal(started, before);
});
