/** A stack of our own for as long as a command runs: lock, servers, schema, worker; put away again whatever happens. */
import { join } from 'node:path';
import type pg from 'pg';
import { openPool } from '../../db/client.ts';
import { migrate } from '../../db/migrate.ts';
import { connect } from '../client.ts';
import type { ConnectedClient } from '../client.ts';
import { acquireStackLock, isSetupEvent, startStack, stopStack } from '../dev-stack/index.ts';
import type { OnStackEvent, Stack } from '../dev-stack/index.ts';
import { stackPaths } from '../dev-stack/stack-state.ts';
import { terminalReporter } from '../setup/progress.ts';
import { provisionNatives } from '../setup/provision.ts';
import type { TemporalTarget } from '../temporal-connection.ts';
import { workerEnvironment } from './endpoints.ts';
import { catchInterrupts, orAborted } from './interrupts.ts';
import type { Terminal } from './terminal.ts';
import { startWorkerProcess } from './worker-process.ts';
import type { WorkerProcess } from './worker-process.ts';

export interface SessionOptions {
  dataDir: string;
  terminal: Terminal;
  /** False when no worker will be asked for: TensorFlow is not fetched then. @default true */
  needsWorker?: boolean;
  /** Variables for the worker, beside those of this process. */
  workerSettings?: NodeJS.ProcessEnv;
}

export interface StackSession {
  readonly stack: Stack;
  readonly pool: pg.Pool;
  /** Aborted by Ctrl-C, SIGTERM or SIGHUP. */
  readonly signal: AbortSignal;
  readonly workerLog: string;
  /** A client of this stack's Temporal; closed with the session. */
  temporal(): Promise<ConnectedClient>;
  /** Starts the worker, unless one runs, and waits until it polls. */
  worker(): Promise<WorkerProcess>;
  /** Rejects when the worker had to be given up; never resolves. */
  readonly lost: Promise<never>;
  /** Starts servers that have died again; `pool`, client and worker are new when one had to move to another port. */
  heal(): Promise<void>;
  /** Where notices go; a live display takes them over while it draws. */
  notice: (text: string) => void;
}

/**
 * Fails with `StackBusy` when another command owns the data directory, with what `provisionNatives`, `startStack` and
 * `migrate` fail with, and with `Interrupted` after a clean stop.
 */
export async function withStack<T>(options: SessionOptions, work: (session: StackSession) => Promise<T>): Promise<T> {
  const lock = await acquireStackLock(options.dataDir);
  try {
    // Before Ctrl-C is caught: a download that nobody waits for any more ends at once.
    await provisionNatives(
      ['postgres', 'temporal', ...(options.needsWorker === false ? [] : ['tensorflow' as const])],
      {
        report: terminalReporter(options.terminal.stream),
      },
    );
  } catch (error) {
    lock.release();
    throw error;
  }
  const session = new Session(options);
  try {
    const outcome = await settle(async () => {
      await session.open();
      return await orAborted(session.signal, () => work(session));
    });
    const closing = await settle(() => session.close());
    // Whatever else went wrong while it was being stopped, the stop was asked for; and what failed first explains the rest.
    if (outcome.status === 'rejected') throw session.signal.aborted ? session.signal.reason : outcome.reason;
    if (closing.status === 'rejected') throw closing.reason;
    return outcome.value;
  } finally {
    lock.release();
    session.release();
  }
}

async function settle<T>(work: () => Promise<T>): Promise<PromiseSettledResult<T>> {
  const [outcome] = await Promise.allSettled([work()]);
  return outcome;
}

/** Stack events as lines; a download draws its bar. */
export function stackReporter(terminal: Terminal): OnStackEvent {
  const setup = terminalReporter(terminal.stream);
  return (event) => {
    if (isSetupEvent(event)) setup(event);
    else if (event.state === 'ready' || event.state === 'stopped') terminal.note(`✓ ${event.message}`);
    else terminal.note(`  ${event.message}`);
  };
}

class Session implements StackSession {
  readonly workerLog: string;
  readonly signal: AbortSignal;
  readonly lost: Promise<never>;
  notice: (text: string) => void;
  readonly #options: SessionOptions;
  readonly #report: OnStackEvent;
  readonly #interrupts;
  #stack: Stack | undefined;
  #pool: pg.Pool | undefined;
  #client: ConnectedClient | undefined;
  #worker: WorkerProcess | undefined;
  #healing: Promise<void> = Promise.resolve();
  #announceLost: (error: unknown) => void = () => undefined;

  constructor(options: SessionOptions) {
    const { dataDir, terminal } = options;
    this.#options = options;
    this.#report = stackReporter(terminal);
    this.workerLog = join(stackPaths(dataDir).logs, 'worker.log');
    this.notice = (text) => terminal.note(`! ${text}`);
    this.#interrupts = catchInterrupts(() => {
      terminal.note();
      terminal.note('  Stopping; Ctrl-C again ends it at once.');
    });
    this.signal = this.#interrupts.signal;
    this.lost = new Promise((_, reject) => (this.#announceLost = reject));
    this.lost.catch(() => undefined);
  }

  get stack(): Stack {
    if (!this.#stack) throw new Error('The stack is not open.');
    return this.#stack;
  }

  get pool(): pg.Pool {
    if (!this.#pool) throw new Error('The stack is not open.');
    return this.#pool;
  }

  async open(): Promise<void> {
    this.#stack = await startStack({ dataDir: this.#options.dataDir, onEvent: this.#report });
    this.#pool = openPool(this.#stack.databaseUrl);
    this.signal.throwIfAborted();
    const { applied } = await migrate(this.#pool);
    if (applied > 0)
      this.#options.terminal.note(`✓ The database schema r_zero is up to date (${applied} migrations applied).`);
    this.signal.throwIfAborted();
  }

  async temporal(): Promise<ConnectedClient> {
    this.#client ??= await connect(this.#target());
    return this.#client;
  }

  async worker(): Promise<WorkerProcess> {
    if (this.#worker) {
      await this.#worker.ready;
      return this.#worker;
    }
    this.#worker = startWorkerProcess({
      env: workerEnvironment(
        {
          databaseUrl: this.stack.databaseUrl,
          dataDir: this.#options.dataDir,
          temporal: this.#target(),
        },
        { ...process.env, ...this.#options.workerSettings },
      ),
      logFile: this.workerLog,
      onNotice: (text) => this.notice(text),
    });
    this.#worker.lost.catch(this.#announceLost);
    await this.#worker.ready;
    return this.#worker;
  }

  heal(): Promise<void> {
    this.#healing = this.#heal();
    return this.#healing;
  }

  async #heal(): Promise<void> {
    const before = this.stack;
    this.#stack = await startStack({
      dataDir: this.#options.dataDir,
      onEvent: (event) => {
        if (!isSetupEvent(event) && event.state !== 'reused') this.notice(event.message);
      },
    });
    const databaseMoved = before.databaseUrl !== this.#stack.databaseUrl;
    const temporalMoved = before.temporalAddress !== this.#stack.temporalAddress;
    if (databaseMoved) {
      await this.#pool?.end();
      this.#pool = openPool(this.#stack.databaseUrl);
    }
    if (temporalMoved) {
      await this.#client?.close();
      this.#client = undefined;
    }
    if ((databaseMoved || temporalMoved) && this.#worker) {
      await this.#worker.stop();
      this.#worker = undefined;
      await this.worker();
    }
  }

  async close(): Promise<void> {
    const { terminal } = this.#options;
    // A server that is just being started must be up before it can be stopped.
    const outcomes: PromiseSettledResult<unknown>[] = await Promise.allSettled([this.#healing]);
    if (this.#worker) {
      if (this.signal.aborted) terminal.note('  Stopping the worker; the shard or step at work may end first.');
      outcomes.push(...(await Promise.allSettled([this.#worker.stop()])));
    }
    outcomes.push(...(await Promise.allSettled([this.#client?.close(), this.#pool?.end()])));
    // Also after a start that failed half-way: the other server must not be left behind.
    outcomes.push(
      ...(await Promise.allSettled([stopStack({ dataDir: this.#options.dataDir, onEvent: this.#report })])),
    );
    const failed = outcomes.slice(1).find((outcome) => outcome.status === 'rejected');
    if (failed) throw failed.reason;
  }

  release(): void {
    this.#interrupts.release();
  }

  #target(): TemporalTarget {
    const { external, temporalAddress, temporalNamespace } = this.stack;
    return external.temporal ? {} : { address: temporalAddress, namespace: temporalNamespace };
  }
}
