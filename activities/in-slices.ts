/**
 * Long synchronous work on the worker's thread, a slice at a time: no heartbeat leaves while the thread is busy, and an activity
 * that is not heard of for half a minute is taken for dead. On a busy machine a second of processor time may take ten.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Far below the interval of heartbeats, far above the cost of a turn. */
const SLICE_MS = 100;

/**
 * `items.map(work)`, with everything else on the thread getting its turn in between.
 *
 * @param signal aborts between two slices, with its reason
 */
export async function mapInSlices<T, R>(
  items: readonly T[],
  work: (item: T, index: number) => R,
  signal?: AbortSignal,
): Promise<R[]> {
  const results: R[] = [];
  let end = performance.now() + SLICE_MS;
  for (const [index, item] of items.entries()) {
    results.push(work(item, index));
    if (performance.now() < end) continue;
    await nextTurn();
    signal?.throwIfAborted();
    end = performance.now() + SLICE_MS;
  }
  return results;
}
