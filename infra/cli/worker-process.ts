/** The worker as a child process: started again when it dies, given up when it cannot live. */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { NON_RETRYABLE, RZeroError } from '../../activities/errors.ts';
import type { ErrorCode } from '../../activities/errors.ts';
import type { WorkerMessage } from '../worker-main.ts';

export interface WorkerProcessOptions {
  /** DATABASE_URL, TEMPORAL_* and R_ZERO_DATA_DIR for the worker. */
  env: NodeJS.ProcessEnv;
  /** Receives what the worker writes; lines are appended. */
  logFile: string;
  /** A sentence when the worker died and is started again. */
  onNotice: (text: string) => void;
  /** Module of the worker. @default infra/worker-main */
  entry?: string;
  /** Deaths in a row, each within `quickMs` of its start, after which it is given up. @default 5 */
  mostQuickDeaths?: number;
  /** @default 20 000 */
  quickMs?: number;
  /** Pause before the first new start; doubles with every quick death. @default 500 */
  backoffMs?: number;
  /** How long a worker may take until it polls. @default 120 000 */
  readyMs?: number;
}

export interface WorkerProcess {
  /** Pid of the worker that runs now. */
  readonly pid: number | undefined;
  /** How often it was started again. */
  readonly restarts: number;
  /** Resolves when a worker polls its task queues for the first time; rejects with `lost`. */
  readonly ready: Promise<void>;
  /** Rejects when the worker is given up; never resolves. */
  readonly lost: Promise<never>;
  /** Ends the worker: the shard or step at work may finish within the worker's grace time. */
  stop(): Promise<void>;
}

/** Above the worker's own limit for a forced shutdown. */
const STOP_PATIENCE_MS = 40_000;
/** The faults that a new start cannot mend, beside those that no retry can. */
const HOPELESS: ReadonlySet<string> = new Set<ErrorCode>([...NON_RETRYABLE, 'EngineUnavailable', 'SetupFailed']);

/**
 * Starts the worker. `ready` and `lost` reject with the worker's own code when it says why it cannot run, else with
 * `EngineCrashed`.
 */
export function startWorkerProcess(options: WorkerProcessOptions): WorkerProcess {
  return new Supervisor(options);
}

type Failure = Extract<WorkerMessage, { type: 'failed' }>;

class Supervisor implements WorkerProcess {
  restarts = 0;
  readonly lost: Promise<never>;
  readonly ready: Promise<void>;
  readonly #options: WorkerProcessOptions;
  #child: ChildProcess | undefined;
  #stopping = false;
  #ended: Promise<void> = Promise.resolve();
  #announceReady: () => void = () => undefined;
  #announceLost: (error: Error) => void = () => undefined;

  constructor(options: WorkerProcessOptions) {
    this.#options = options;
    this.lost = new Promise((_, reject) => (this.#announceLost = reject));
    // Whoever waits on it gets the failure; nobody has to.
    this.lost.catch(() => undefined);
    this.ready = Promise.race([new Promise<void>((resolve) => (this.#announceReady = resolve)), this.lost]);
    this.ready.catch(() => undefined);
    this.#ended = this.#supervise();
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    child?.kill('SIGTERM');
    const patience = setTimeout(() => child?.kill('SIGKILL'), STOP_PATIENCE_MS);
    await this.#ended;
    clearTimeout(patience);
  }

  async #supervise(): Promise<void> {
    const { mostQuickDeaths = 5, quickMs = 20_000, backoffMs = 500, onNotice } = this.#options;
    let quickDeaths = 0;
    for (;;) {
      const startedAt = Date.now();
      const { how, failure } = await this.#runOnce();
      if (this.#stopping) return;
      quickDeaths = Date.now() - startedAt < quickMs ? quickDeaths + 1 : 1;
      if ((failure && HOPELESS.has(failure.code)) || quickDeaths >= mostQuickDeaths) {
        this.#announceLost(this.#explain(how, failure, quickDeaths));
        return;
      }
      this.restarts += 1;
      onNotice(
        `The worker ${how}${failure ? ` (${failure.code}: ${failure.message})` : ''}; it is started again. ` +
          'Finished shards and steps are stored.',
      );
      await sleep(backoffMs * 2 ** (quickDeaths - 1));
      if (this.#stopping) return;
    }
  }

  /** Runs one worker until it ends. */
  async #runOnce(): Promise<{ how: string; failure: Failure | undefined }> {
    const { logFile, env, readyMs = 120_000 } = this.#options;
    const entry = this.#options.entry ?? workerEntry();
    mkdirSync(dirname(logFile), { recursive: true });
    const log = openSync(logFile, 'a');
    let failure: Failure | undefined;
    let child: ChildProcess;
    try {
      child = fork(entry, {
        env,
        execArgv: workerExecArgv(entry),
        stdio: ['ignore', log, log, 'ipc'],
        // A group of its own: Ctrl-C reaches this process alone, which then lets the step at work end.
        detached: true,
      });
    } finally {
      closeSync(log);
    }
    this.#child = child;
    let slow = false;
    const patience = setTimeout(() => {
      slow = true;
      child.kill('SIGKILL');
    }, readyMs);
    child.on('message', (message: WorkerMessage) => {
      if (message.type === 'failed') failure = message;
      if (message.type !== 'ready') return;
      clearTimeout(patience);
      this.#announceReady();
    });
    const how = await new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(`could not be started (${error.message})`));
      child.once('exit', (code, signal) => resolve(signal ? `was ended by ${signal}` : `ended with exit code ${code}`));
    });
    clearTimeout(patience);
    this.#child = undefined;
    return { how: slow ? `was not ready within ${readyMs / 1000} s` : how, failure };
  }

  #explain(how: string, failure: Failure | undefined, deaths: number): RZeroError {
    const { logFile } = this.#options;
    if (failure) {
      return new RZeroError(failure.code as ErrorCode, failure.message, { fix: `The worker's log is ${logFile}.` });
    }
    return new RZeroError('EngineCrashed', `The worker ${how}, ${deaths} times in a row.`, {
      fix: `Look at the end of ${logFile}, and check the machine with \`npx r-zero doctor\`.`,
    });
  }
}

/** Module of the worker: TypeScript in a checkout, JavaScript in an installed package. */
export function workerEntry(): string {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return fileURLToPath(new URL(`../worker-main.${extension}`, import.meta.url));
}

/** Options of Node that the module needs; found from here, so that the working directory does not matter. */
export function workerExecArgv(entry: string): string[] {
  return entry.endsWith('.ts') ? ['--import', import.meta.resolve('tsx')] : [];
}
