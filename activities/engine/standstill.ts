/** Notices a process that does nothing although it was asked to: stopped by a signal, stuck in a driver or on a dead file system. */
import { readFileSync } from 'node:fs';

/** In a row, so that a pause of this process itself, or of the machine, is not taken for one of the other's. */
const LOOKS = 5;

/**
 * Calls `onStandstill` once when the process has had no processor time at all for this long while it was busy. Hours of work
 * in one native call are no standstill. Where the system does not tell the time of a process (other than Linux), nothing is ever noticed.
 *
 * @returns ends the watch
 */
export function watchStandstill(
  pid: number,
  { isBusy, limitMs, onStandstill }: { isBusy: () => boolean; limitMs: number; onStandstill: () => void },
): () => void {
  let before: number | undefined;
  let looks = 0;
  const timer = setInterval(() => {
    const ticks = isBusy() ? processorTicks(pid) : undefined;
    looks = ticks !== undefined && ticks === before ? looks + 1 : 0;
    before = ticks;
    if (looks < LOOKS) return;
    clearInterval(timer);
    onStandstill();
  }, limitMs / LOOKS).unref();
  return () => clearInterval(timer);
}

/** User and system time of all its threads, in ticks of the system's clock. */
function processorTicks(pid: number): number | undefined {
  try {
    // The name of the program, in brackets, may hold spaces and brackets itself.
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return Number(fields[11]) + Number(fields[12]);
  } catch {
    return undefined;
  }
}
