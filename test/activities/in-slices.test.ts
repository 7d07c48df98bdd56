import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mapInSlices } from '../../activities/in-slices.ts';

function busyFor(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

test('timers get their turn during long work, and the results are those of map, in order', async () => {
  let beats = 0;
  const beat = setInterval(() => (beats += 1), 20);
  const items = Array.from({ length: 40 }, (_, index) => index);
  const results = await mapInSlices(items, (item, index) => {
    busyFor(20);
    return item * 10 + index;
  });
  clearInterval(beat);
  assert.deepEqual(
    results,
    items.map((item, index) => item * 10 + index),
  );
  assert.ok(beats >= 3, `${beats} beats in ${40 * 20} ms`);
});

test('an abort ends it between two slices, with its reason', async () => {
  const controller = new AbortController();
  const reason = new Error('the run was cancelled');
  setTimeout(() => controller.abort(reason), 10);
  let done = 0;
  const work = mapInSlices(
    Array.from({ length: 1_000 }),
    () => {
      busyFor(10);
      done += 1;
    },
    controller.signal,
  );
  await assert.rejects(work, (error) => error === reason);
  assert.ok(done < 500, `${done} of 1000`);
});
