import { setTimeout as sleep } from 'node:timers/promises';
import { Interrupted } from './report-error.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** One Ctrl-C under npm, or one `timeout`, signals twice: the whole process group, and this process once more. */
const SAME_INTERRUPT_MS = 500;

export interface Interrupts {
  /** Aborted with an `Interrupted` as its reason by the first signal. */
  signal: AbortSignal;
  /** Gives the signals back their default effect. */
  release(): void;
}

/**
 * From now on the first Ctrl-C asks for a clean stop, and the second one ends the process at once. What is stored
 * stays stored either way: the next start continues.
 *
 * @param onFirst told once, so that a person sees that the key was heard
 */
export function catchInterrupts(onFirst: () => void): Interrupts {
  const controller = new AbortController();
  let firstAt = 0;
  const handlers = SIGNALS.map((signal) => {
    const handle = (): void => {
      const interrupted = new Interrupted(signal);
      if (controller.signal.aborted) {
        if (Date.now() - firstAt > SAME_INTERRUPT_MS) process.exit(interrupted.exitCode);
        return;
      }
      firstAt = Date.now();
      controller.abort(interrupted);
      onFirst();
    };
    process.on(signal, handle);
    return [signal, handle] as const;
  });
  return {
    signal: controller.signal,
    release() {
      for (const [signal, handle] of handlers) process.off(signal, handle);
    },
  };
}

/**
 * `work`, or the reason of the abort, whichever comes first; not begun at all after the abort. The loser's failure is not
 * left unhandled.
 */
export async function orAborted<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort);
  });
  try {
    return await Promise.race([work(), aborted]);
  } finally {
    if (onAbort) signal.removeEventListener('abort', onAbort);
  }
}

/** Waits, but not beyond the abort, whose reason it throws. Leaves no timer behind. */
export async function pause(signal: AbortSignal, milliseconds: number): Promise<void> {
  try {
    await sleep(milliseconds, undefined, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}
