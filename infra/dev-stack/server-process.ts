import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { RZeroError } from '../../activities/errors.ts';
import { asStorageError } from '../setup/file-errors.ts';
import { identify, isAlive } from '../setup/process-identity.ts';
import type { ProcessIdentity } from '../setup/process-identity.ts';
import type { ServerAccount } from '../setup/server-account.ts';

export interface ServerCommand {
  program: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  cwd: string;
  logFile: string;
  account?: ServerAccount | undefined;
}

export interface StartedServer {
  identity: ProcessIdentity;
  /** Resolves with a description once the process has ended. */
  ended(): string | undefined;
  /** What the server has logged since it was started. */
  log(): string;
}

const ROTATE_BYTES = 50_000_000;

/** Starts a server in a session of its own, so that neither Ctrl-C nor the end of this process reaches it. */
export async function startServer(command: ServerCommand): Promise<StartedServer> {
  const { logFile, account } = command;
  const logDescriptor = openLog(logFile);
  const logStart = statSync(logFile).size;
  let ended: string | undefined;
  try {
    const child = spawn(command.program, command.args, {
      env: command.env,
      cwd: command.cwd,
      detached: true,
      stdio: ['ignore', logDescriptor, logDescriptor],
      ...(account ? { uid: account.uid, gid: account.gid } : {}),
    });
    child.once('exit', (code, signal) => (ended = signal ? `ended by ${signal}` : `exit code ${code}`));
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    child.unref();
    const identity = identify(child.pid ?? 0);
    const log = () => readFileSync(logFile).subarray(logStart).toString('utf8');
    if (identity) return { identity, ended: () => ended, log };
    // It ended before it could be looked at: its log says why.
    await sleep(50);
    return { identity: { pid: child.pid ?? 0, startMark: 'ended' }, ended: () => ended ?? 'ended at once', log };
  } catch (error) {
    throw new RZeroError(
      'SetupFailed',
      `${command.program} could not be started (${String((error as NodeJS.ErrnoException).code)}).`,
      {
        fix: account
          ? `Root starts it as account ${account.name}; start r-zero as an ordinary user, or set DATABASE_URL.`
          : 'Run r-zero doctor to see what is missing.',
        cause: error,
      },
    );
  } finally {
    closeSync(logDescriptor);
  }
}

function openLog(path: string): number {
  try {
    if (existsSync(path) && statSync(path).size > ROTATE_BYTES) renameSync(path, `${path}.1`);
    return openSync(path, 'a', 0o600);
  } catch (error) {
    throw asStorageError(error, path);
  }
}

/** Waits until `check` holds. Returns false when `timeoutMs` have passed or `stopWhen` says that waiting is useless. */
export async function waitUntil(
  check: () => Promise<boolean>,
  options: { timeoutMs: number; stopWhen?: () => boolean; onSlow?: (seconds: number) => void },
): Promise<boolean> {
  const started = Date.now();
  let nextNotice = 5_000;
  for (;;) {
    if (await check()) return true;
    const elapsed = Date.now() - started;
    if (elapsed > options.timeoutMs || options.stopWhen?.() === true) return false;
    if (elapsed > nextNotice) {
      options.onSlow?.(Math.round(elapsed / 1000));
      nextNotice += 5_000;
    }
    await sleep(elapsed < 2_000 ? 40 : 150);
  }
}

export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): void {
  if (!isAlive(identity)) return;
  try {
    process.kill(identity.pid, signal);
  } catch (error) {
    // It ended between the look and the signal.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Asks a process to end, with a harder signal each time its patience runs out. Returns whether it ended. */
export async function endProcess(
  identity: ProcessIdentity,
  steps: readonly { signal: NodeJS.Signals; waitMs: number }[],
): Promise<boolean> {
  for (const { signal, waitMs } of steps) {
    signalProcess(identity, signal);
    if (await waitUntil(async () => !isAlive(identity), { timeoutMs: waitMs })) return true;
  }
  return !isAlive(identity);
}
