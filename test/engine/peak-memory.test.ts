import assert from 'node:assert/strict';
import { test } from 'node:test';
import { watchPeakMemory } from '../../activities/engine/peak-memory.ts';
import type { MemoryMeter } from '../../activities/engine/peak-memory.ts';

/** A process whose memory the test decides. */
function process(start: number, canReset: boolean): MemoryMeter & { use(bytes: number): void } {
  let [now, mark] = [start, start];
  return {
    resident: () => now,
    highWater: () => mark,
    reset: () => {
      if (canReset) mark = now;
      return canReset;
    },
    use: (bytes) => {
      now = bytes;
      mark = Math.max(mark, bytes);
    },
  };
}

test('an earlier peak does not count where the mark can be set back, and one between two samples does', () => {
  const meter = process(10, true);
  meter.use(100);
  meter.use(20);
  const peak = watchPeakMemory(meter);
  meter.use(60);
  meter.use(30);
  assert.equal(peak.read(), 60);
});

test('where it cannot, a new high is the peak, and otherwise the largest sample is', () => {
  const meter = process(10, false);
  meter.use(100);
  meter.use(20);
  const below = watchPeakMemory(meter);
  meter.use(60);
  below.sample();
  meter.use(30);
  assert.equal(below.read(), 60);
  const above = watchPeakMemory(meter);
  meter.use(120);
  meter.use(30);
  assert.equal(above.read(), 120);
});

test('memory that was there for a moment is in the peak of this process', () => {
  const peak = watchPeakMemory();
  let bytes = 256 * 2 ** 20;
  Buffer.alloc(bytes, 1);
  bytes = globalThis.process.memoryUsage.rss();
  assert.ok(peak.read() >= Math.max(bytes, 256 * 2 ** 20), `${peak.read()}`);
});
