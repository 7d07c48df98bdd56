import assert from 'node:assert/strict';
import { test } from 'node:test';
import { challengerRewards } from '../../activities/method/challenger-reward.ts';
import { getPreset, PRESET_NAMES } from '../../activities/method/presets.ts';
import { createRandom } from '../../activities/method/seeds.ts';
import { computeChallengerRewards } from '../../activities/reward-threads.ts';

const random = createRandom('00000000000000bb');
const items = Array.from({ length: 700 }, (_, i) => ({
  valid: i % 9 !== 0,
  votes: random.below(11),
  total: 10,
  question: Array.from({ length: 12 }, (_, k) => (random.below(4) === 0 ? `w${random.below(30)}` : `t${k}`)).join(' '),
}));

let started = 0;
let running = 0;
process.on('worker', (thread) => {
  started += 1;
  running += 1;
  thread.once('exit', () => (running -= 1));
});

test('threads give what a direct call gives, whether one or several share the work', async () => {
  for (const name of PRESET_NAMES) {
    const preset = getPreset(name);
    const expected = challengerRewards(items, preset, { repetitionWeight: 2 });
    for (const [options, expectedThreads] of [
      [{}, 1],
      [{ threads: 3, splitFrom: 1 }, 4],
    ] as const) {
      const before = started;
      assert.deepEqual(await computeChallengerRewards(items, preset, { repetitionWeight: 2 }, options), expected);
      assert.equal(started - before, expectedThreads);
    }
  }
  assert.equal(running, 0);
});

test('a small batch needs no thread', async () => {
  const before = started;
  const few = items.slice(0, 100);
  assert.deepEqual(await computeChallengerRewards(few, getPreset('paper')), challengerRewards(few, getPreset('paper')));
  assert.equal(started, before);
});

test('the event loop runs on while a batch is computed', async () => {
  let beats = 0;
  const timer = setInterval(() => (beats += 1), 1);
  await computeChallengerRewards(items, getPreset('paper'));
  clearInterval(timer);
  assert.ok(beats > 1);
});

test('an error has the code, the field and the fix of a direct call', async () => {
  const bad = items.map((item, i) => (i === 500 ? { ...item, valid: true, votes: 11 } : item));
  const thrown = (): unknown => {
    try {
      return challengerRewards(bad, getPreset('default'));
    } catch (error) {
      return error;
    }
  };
  const { code, field, fix, message } = thrown() as { code: string; field: string; fix: string; message: string };
  for (const options of [{}, { threads: 2, splitFrom: 1 }]) {
    await assert.rejects(computeChallengerRewards(bad, getPreset('default'), {}, options), {
      name: 'RZeroError',
      code,
      field,
      fix,
      message,
    });
  }
});

test('cancelling ends the call and its threads', async () => {
  const before = started;
  const cancelled = { name: 'RZeroError', code: 'EngineCancelled' };
  const aborted = AbortSignal.abort();
  await assert.rejects(computeChallengerRewards([], getPreset('paper'), {}, { signal: aborted }), cancelled);
  for (const splitFrom of [1, 10_000]) {
    const controller = new AbortController();
    const call = computeChallengerRewards(
      items,
      getPreset('paper'),
      {},
      { signal: controller.signal, threads: 2, splitFrom },
    );
    setImmediate(() => controller.abort());
    await assert.rejects(call, cancelled);
  }
  assert.ok(started > before);
  assert.equal(running, 0);
});
