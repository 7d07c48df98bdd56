/** What running workers share, opened by the first and closed by the last. */
import { RZeroError } from '../activities/errors.ts';

export interface Opened<T> {
  value: T;
  close: () => Promise<void>;
}

/**
 * A counted resource. Temporal does not de-duplicate plugins, so one plugin may be entered by several workers, and twice
 * by one of them (given to its connection and to itself).
 */
export class SharedResource<T> {
  readonly #open: () => Promise<Opened<T>>;
  #users = 0;
  #opening: Promise<Opened<T>> | undefined;
  #opened: Opened<T> | undefined;
  #closing: Promise<void> = Promise.resolve();

  constructor(open: () => Promise<Opened<T>>) {
    this.#open = open;
  }

  /** Runs `use` with the resource open. What `open` throws is thrown to every waiting user; the next one tries afresh. */
  async using(use: () => Promise<void>): Promise<void> {
    this.#users += 1;
    try {
      await this.#ensureOpen();
      await use();
    } finally {
      this.#users -= 1;
      if (this.#users === 0) await this.#close();
    }
  }

  /** @throws RZeroError `Internal` outside of `using`. */
  get current(): T {
    if (this.#opened === undefined) {
      throw new RZeroError('Internal', 'An activity ran while its worker was not running.', {
        fix: 'Start workers with worker.run() or worker.runUntil(), so that the plugin can open its resources.',
      });
    }
    return this.#opened.value;
  }

  async #ensureOpen(): Promise<void> {
    await this.#closing;
    this.#opening ??= this.#open();
    const opening = this.#opening;
    try {
      this.#opened = await opening;
    } catch (error) {
      if (this.#opening === opening) this.#opening = undefined;
      throw error;
    }
  }

  async #close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    this.#opening = undefined;
    if (opened === undefined) return;
    const closing = opened.close();
    // The next `open` waits for this, whatever its end; the failure itself belongs to the caller.
    this.#closing = closing.catch(() => undefined);
    await closing;
  }
}
