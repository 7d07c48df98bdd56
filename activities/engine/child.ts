/** One engine child process: calls as promises, cancelling, and a typed error for every way in which it can end. */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { extname } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { RZeroError } from '../errors.ts';
import { withoutSecrets } from '../redact.ts';
import { engineEnvironment } from './environment.ts';
import { outOfMemory, speaksOfMemory } from './memory-words.ts';
import { fromWireError } from './protocol.ts';
import { watchStandstill } from './standstill.ts';
import type { Calls, FromHost, HostOptions, Method } from './protocol.ts';
import type { CallOptions } from './types.ts';

const KEPT_LINES = 20;
const STOP_GRACE_MS = 1000;
/** A process started by the child, a profiler for example, may hold its output open. */
const DRAIN_MS = 1000;

export type ChildEvent =
  | { kind: 'started'; pid: number }
  | { kind: 'ended'; pid: number; exitCode: number | null; signal: NodeJS.Signals | null }
  | { kind: 'log'; line: string };

export interface ChildOptions {
  host: HostOptions;
  cancelGraceMs: number;
  /** A call under way without any processor time for this long is given up with its process. */
  standstillMs: number;
  onEvent?: (event: ChildEvent) => void;
}

export interface Child {
  readonly alive: boolean;
  call<M extends Method>(method: M, input: Calls[M]['input'], options?: CallOptions): Promise<Calls[M]['output']>;
  /** Ends the process; calls under way fail with `EngineCancelled`. */
  stop(): Promise<void>;
}

interface Pending {
  resolve(output: unknown): void;
  reject(error: unknown): void;
  onProgress: CallOptions['onProgress'];
  signal: AbortSignal | undefined;
}

export function startChild({ host, cancelGraceMs, standstillMs, onEvent }: ChildOptions): Child {
  const child = forkHost(host);
  const pending = new Map<number, Pending>();
  const lines: string[] = [];
  let nextId = 1;
  let alive = true;
  /** Set when this side decided that the process must end, and why. */
  let ending: 'stop' | 'cancel' | 'memory' | 'standstill' | undefined;

  const settle = (id: number): Pending | undefined => {
    const call = pending.get(id);
    pending.delete(id);
    if (pending.size === 0) setReferenced(child, false);
    return call;
  };
  /** What a call gets that finds the process gone. */
  const gone = (): RZeroError => (ending ? endedOnPurpose(ending) : endError(child.exitCode, child.signalCode, lines));
  const failAll = (errorFor: (call: Pending) => RZeroError): void => {
    for (const id of pending.keys()) {
      const call = settle(id);
      call?.reject(errorFor(call));
    }
  };

  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue;
    createInterface({ input: stream, crlfDelay: Infinity }).on('line', (line) => {
      lines.push(line);
      if (lines.length > KEPT_LINES) lines.shift();
      onEvent?.({ kind: 'log', line });
    });
  }
  child.on('spawn', () => onEvent?.({ kind: 'started', pid: child.pid ?? 0 }));
  child.on('error', (error) => {
    if (child.pid !== undefined) return;
    alive = false;
    failAll(() => unavailable(error));
  });
  child.on('message', (message: FromHost) => {
    if (message.kind === 'progress') pending.get(message.id)?.onProgress?.(message.progress);
    else if (message.kind === 'result') settle(message.id)?.resolve(message.output);
    else {
      // The process ends after this one; the next call starts another.
      if (message.error.code === 'EngineOutOfMemory') {
        alive = false;
        ending ??= 'memory';
      }
      settle(message.id)?.reject(fromWireError(message.error));
    }
  });
  const unwatch = watchStandstill(child.pid ?? 0, {
    isBusy: () => pending.size > 0,
    limitMs: standstillMs,
    onStandstill: () => kill('standstill'),
  });
  const ended = whenEnded(child).then(({ exitCode, signal }) => {
    alive = false;
    unwatch();
    failAll((call) => (ending === 'stop' || call.signal?.aborted ? cancelled(call.signal?.reason) : gone()));
    onEvent?.({ kind: 'ended', pid: child.pid ?? 0, exitCode, signal });
  });

  const kill = (reason?: 'cancel' | 'standstill'): void => {
    ending ??= reason;
    alive = false;
    child.kill('SIGKILL');
  };

  return {
    get alive() {
      return alive;
    },
    call: (method, input, options = {}) =>
      new Promise((resolve, reject) => {
        const { signal, onProgress } = options;
        if (signal?.aborted) return reject(cancelled(signal.reason));
        if (!alive) return reject(gone());
        const id = nextId++;
        let grace: NodeJS.Timeout | undefined;
        const onAbort = (): void => {
          if (child.connected) child.send({ kind: 'cancel', id });
          grace = setTimeout(() => {
            kill('cancel');
            // The end is certain: a caller who cancels need not wait until the system has taken all memory back.
            settle(id)?.reject(cancelled(signal?.reason));
          }, cancelGraceMs);
        };
        const done = (): void => {
          clearTimeout(grace);
          signal?.removeEventListener('abort', onAbort);
        };
        signal?.addEventListener('abort', onAbort, { once: true });
        setReferenced(child, true);
        pending.set(id, {
          signal,
          onProgress,
          resolve: (output) => {
            done();
            resolve(output as never);
          },
          reject: (error) => {
            done();
            reject(error);
          },
        });
        child.send({ kind: 'call', id, method, input }, (error) => {
          // A broken channel is reported by the end of the process, with its reason.
          if (error && child.exitCode === null && child.signalCode === null) kill();
        });
      }),
    stop: async () => {
      ending ??= 'stop';
      alive = false;
      setReferenced(child, true);
      if (child.connected) child.disconnect();
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_GRACE_MS);
      await ended;
      clearTimeout(timer);
    },
  };
}

function forkHost(host: HostOptions): ChildProcess {
  const extension = extname(fileURLToPath(import.meta.url));
  const file = fileURLToPath(new URL(`./host${extension}`, import.meta.url));
  // It reads model files, which somebody else wrote, and needs no database, server or hub.
  const { NODE_TEST_CONTEXT: _, ...env } = withoutSecrets(process.env);
  return fork(file, [JSON.stringify(host)], {
    execArgv: loaderArguments(extension),
    env: { ...engineEnvironment(host.threads), ...env },
    serialization: 'advanced',
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
}

/** What this process was started with, as far as it helps to load the same kind of files. */
function loaderArguments(extension: string): string[] {
  const kept: string[] = [];
  const withValue = new Set(['--import', '--require', '-r', '--loader', '--experimental-loader', '--conditions', '-C']);
  for (let index = 0; index < process.execArgv.length; index++) {
    const argument = process.execArgv[index] as string;
    if (withValue.has(argument)) kept.push(argument, process.execArgv[++index] ?? '');
    else if (
      /^--(import|require|loader|experimental-loader|conditions|max-old-space-size|enable-source-maps)\b/.test(argument)
    ) {
      kept.push(argument);
    }
  }
  if (extension === '.ts' && !kept.some((argument) => argument.includes('tsx'))) {
    kept.push('--import', import.meta.resolve('tsx'));
  }
  return kept;
}

/** While a call is under way the process keeps this one alive; at rest it does not. */
function setReferenced(child: ChildProcess, referenced: boolean): void {
  const streams = [child.stdout, child.stderr] as unknown as ({ ref?(): void; unref?(): void } | null)[];
  for (const handle of [child, child.channel, ...streams]) {
    if (referenced) handle?.ref?.();
    else handle?.unref?.();
  }
}

/**
 * After the exit, and after all that was written and sent before it has been read. (The event 'close' would say that,
 * but Node does not emit it when this side was the one to disconnect.)
 */
async function whenEnded(child: ChildProcess): Promise<{ exitCode: number | null; signal: NodeJS.Signals | null }> {
  const exited = new Promise<{ exitCode: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }));
  });
  const disconnected = new Promise<void>((resolve) => child.once('disconnect', resolve));
  const drained = [child.stdout, child.stderr].map(
    (stream) => new Promise<void>((resolve) => (stream ? stream.once('close', resolve) : resolve())),
  );
  const result = await exited;
  await Promise.race([Promise.all([disconnected, ...drained]), sleep(DRAIN_MS, undefined, { ref: false })]);
  return result;
}

function endError(exitCode: number | null, signal: NodeJS.Signals | null, lines: readonly string[]): RZeroError {
  const how = signal ? `by ${signal}` : `with exit code ${exitCode}`;
  const last = lines.length > 0 ? ` Its last lines: ${lines.slice(-5).join(' | ')}` : '';
  const killed = signal === 'SIGKILL' || exitCode === 137;
  if (speaksOfMemory(lines.join('\n')))
    return outOfMemory(`The engine process ended ${how} for lack of memory.${last}`);
  if (killed) {
    // By the system for lack of memory, or by anybody's hand: no field is to blame yet.
    const guess = `The engine process ended ${how}, most often because the machine ran out of memory.${last}`;
    return new RZeroError('EngineOutOfMemory', guess, {
      fix: 'If it happens again, lower microBatch or batchSize, or give the machine more memory.',
    });
  }
  return new RZeroError('EngineCrashed', `The engine process ended ${how}.${last}`, {
    fix: 'Open the model again from its last checkpoint.',
  });
}

const PURPOSES = {
  stop: 'when the engine was closed',
  cancel: 'to cancel a call',
  memory: 'to give back its memory',
  standstill: 'because it stood still: it was stopped, or is stuck in a driver or on a disk',
} as const;

function endedOnPurpose(purpose: keyof typeof PURPOSES): RZeroError {
  return new RZeroError('EngineCrashed', `The engine process of this model was ended ${PURPOSES[purpose]}.`, {
    fix: 'Open the model again from its last checkpoint.',
  });
}

function cancelled(cause: unknown): RZeroError {
  return new RZeroError('EngineCancelled', 'The call was cancelled.', cause === undefined ? {} : { cause });
}

function unavailable(cause: unknown): RZeroError {
  return new RZeroError('EngineUnavailable', 'The engine process cannot be started.', {
    fix: 'Run `npx r-zero doctor`.',
    cause,
  });
}
