/**
 * Peak of this process's resident memory over a stretch of work. Native calls block the event loop, so nothing here can sample
 * in the middle of one: the operating system's own high-water mark is what sees the peak. It covers host memory only; what a
 * GPU holds is not in it.
 */
import { readFileSync, writeFileSync } from 'node:fs';

export interface PeakMemory {
  /** Looks at the memory in use now; for systems whose high-water mark cannot be set back. */
  sample(): void;
  /** Bytes. */
  read(): number;
}

/** The operating system's side, by itself for the tests. */
export interface MemoryMeter {
  /** Bytes resident now. */
  resident(): number;
  /** Most bytes that were resident since the process started, or since the mark was set back. */
  highWater(): number;
  /** Sets the mark back to what is resident now. @returns false where that is not possible */
  reset(): boolean;
}

/**
 * Where the mark cannot be set back, it is the peak of this stretch if the stretch has raised it; otherwise the peak lies below
 * it, and the largest sample is given, which the truth may exceed.
 */
export function watchPeakMemory(meter: MemoryMeter = SYSTEM): PeakMemory {
  const exact = meter.reset();
  const before = meter.highWater();
  let largest = meter.resident();
  const sample = (): void => {
    largest = Math.max(largest, meter.resident());
  };
  return {
    sample,
    read: () => {
      sample();
      const mark = meter.highWater();
      return exact || mark > before ? Math.max(mark, largest) : largest;
    },
  };
}

const SYSTEM: MemoryMeter = {
  resident: () => process.memoryUsage.rss(),
  highWater: () => {
    // Not `resourceUsage().maxRSS` on Linux: that starts at the size of the process which this one was forked from.
    if (process.platform !== 'linux') return process.resourceUsage().maxRSS * 1024;
    return Number(/^VmHWM:\s*(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0) * 1024;
  },
  reset: () => {
    if (process.platform !== 'linux') return false;
    try {
      // proc(5): 5 sets the peak back to the present size, and does nothing else.
      writeFileSync('/proc/self/clear_refs', '5');
      return true;
    } catch {
      return false;
    }
  },
};
