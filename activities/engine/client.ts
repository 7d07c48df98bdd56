import { RZeroError } from '../errors.ts';
import { startChild } from './child.ts';
import type { Child, ChildEvent } from './child.ts';
import { memoryLimitOf } from './memory-budget.ts';
import type { HostOptions } from './protocol.ts';
import type { CallOptions, Engine, ModelLease } from './types.ts';

/** A child process with its own number of threads, started when it is needed. */
interface Slot {
  child: () => Child;
  during: <T>(work: () => Promise<T>) => Promise<T>;
  /** A lease of this child was opened. @returns to be called when it is closed */
  hold: (owner: Child) => () => void;
  stop: () => Promise<void>;
}

/** `memoryLimitBytes` is by default what `R_ZERO_ENGINE_MEMORY_MIB` says. */
export interface TfjsEngineOptions extends HostOptions {
  /** The child process starting, ending or writing a line to its standard error. */
  onEvent?: (event: ChildEvent) => void;
  /** The child process ends after this long without a call and without an open lease. @default 300 */
  idleExitSeconds?: number;
  /** How long a cancelled call may take to stop between two batches before the child process is killed. @default 600 */
  cancelGraceMs?: number;
  /** A call under way without any processor time for this long is given up, with its process. On Linux. @default 300 */
  standstillSeconds?: number;
}

/**
 * The engine in a child process, started with the first call: the caller's event loop stays free, cancelling works at any
 * time, and running out of memory or a native crash is an ordinary error. A lease of a process that has ended fails with
 * `EngineCrashed`; open the model again from its last checkpoint.
 *
 * TensorFlow takes its number of threads when it is loaded, so models that ask for different numbers get a process each.
 */
export function createTfjsEngine(options: TfjsEngineOptions = {}): Engine {
  const slots = new Map<number | undefined, Slot>();
  const slotOf = (threads = options.threads): Slot => {
    const known = slots.get(threads);
    if (known) return known;
    const slot = createSlot(threads === undefined ? options : { ...options, threads });
    slots.set(threads, slot);
    return slot;
  };
  return {
    describe: ({ threads, ...call } = {}) => {
      const { during, child } = slotOf(threads);
      return during(() => child().call('describe', {}, call));
    },
    open: ({ threads, ...source }, call) => {
      const { during, child, hold } = slotOf(threads);
      return during(async () => {
        const owner = child();
        const state = await owner.call('open', { source }, call);
        return createLease(owner, state, during, hold(owner));
      });
    },
    close: async () => {
      await Promise.all([...slots.values()].map((slot) => slot.stop()));
    },
  };
}

function createSlot(options: TfjsEngineOptions): Slot {
  const { onEvent, idleExitSeconds = 300, cancelGraceMs = 600, standstillSeconds = 300, ...given } = options;
  const limit = given.memoryLimitBytes ?? memoryLimitOf(process.env);
  const host: HostOptions = { ...given, ...(limit === undefined ? {} : { memoryLimitBytes: limit }) };
  let current: Child | undefined;
  let idleTimer: NodeJS.Timeout | undefined;
  let busy = 0;
  let openLeases = 0;

  const child = (): Child => {
    if (current?.alive) return current;
    openLeases = 0;
    current = startChild({
      host,
      cancelGraceMs,
      standstillMs: standstillSeconds * 1000,
      ...(onEvent ? { onEvent } : {}),
    });
    return current;
  };
  const rest = (): void => {
    clearTimeout(idleTimer);
    if (busy > 0 || openLeases > 0) return;
    const idle = current;
    idleTimer = setTimeout(() => {
      if (current === idle) current = undefined;
      void idle?.stop();
    }, idleExitSeconds * 1000);
    idleTimer.unref();
  };
  const during = async <T>(work: () => Promise<T>): Promise<T> => {
    clearTimeout(idleTimer);
    busy++;
    try {
      return await work();
    } finally {
      busy--;
      rest();
    }
  };

  return {
    child,
    during,
    hold: (owner) => {
      if (owner === current) openLeases++;
      return () => {
        if (owner === current) openLeases--;
      };
    },
    stop: async () => {
      clearTimeout(idleTimer);
      const ending = current;
      current = undefined;
      openLeases = 0;
      await ending?.stop();
    },
  };
}

function createLease(
  owner: Child,
  state: { lease: number; modelId: string; maxSequenceLength: number },
  during: <T>(work: () => Promise<T>) => Promise<T>,
  onClose: () => void,
): ModelLease {
  const { lease } = state;
  let { modelId } = state;
  let open = true;
  const call = <T>(work: () => Promise<T>): Promise<T> => {
    if (open) return during(work);
    return Promise.reject(
      new RZeroError('EngineRequestInvalid', 'This model lease is closed.', { fix: 'Open the model again.' }),
    );
  };
  return {
    get modelId() {
      return modelId;
    },
    maxSequenceLength: state.maxSequenceLength,
    sample: (request, options?: CallOptions) => call(() => owner.call('sample', { lease, request }, options)),
    score: (items, { temperature, batchSize, ...options } = {}) =>
      call(() => {
        const settings = {
          ...(temperature === undefined ? {} : { temperature }),
          ...(batchSize === undefined ? {} : { batchSize }),
        };
        return owner.call('score', { lease, items, settings }, options);
      }),
    trainStep: (items, settings, options) =>
      call(async () => {
        const result = await owner.call('trainStep', { lease, items, options: settings }, options);
        modelId = result.modelId;
        return result.metrics;
      }),
    publish: (options) => call(() => owner.call('publish', { lease }, options)),
    checkpoint: (root, options) => call(() => owner.call('checkpoint', { lease, root }, options)),
    close: async () => {
      if (!open) return;
      open = false;
      onClose();
      // Nothing to free in a process that is gone.
      if (owner.alive) await during(() => owner.call('closeLease', { lease }).catch(ignoreEnd));
    },
  };
}

function ignoreEnd(error: unknown): void {
  const ended =
    error instanceof RZeroError && ['EngineCrashed', 'EngineCancelled', 'EngineOutOfMemory'].includes(error.code);
  if (!ended) throw error;
}
