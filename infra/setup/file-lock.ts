import { randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RZeroError } from '../../activities/errors.ts';
import { identify, isAlive } from './process-identity.ts';
import type { ProcessIdentity } from './process-identity.ts';

/** Who holds a lock. `since` is an ISO time, for people; liveness is decided by `owner` alone. */
export interface LockHolder {
  owner: ProcessIdentity;
  since: string;
  token: string;
}

export interface FileLock {
  readonly path: string;
  readonly holder: LockHolder;
  /** Gives the lock back. Harmless when repeated, and when somebody else owns the path by now. */
  release(): void;
}

export type LockAttempt = { lock: FileLock } | { heldBy: LockHolder };

// Longer than any pause between reading a stale lock and moving it away.
const TAKEOVER_SETTLE_MS = 60;

/**
 * Tries once to take the lock at `path`. The file appears complete, by a hard link, so no reader sees half of it. A
 * lock whose owner is dead, or whose pid now belongs to another process, is taken over.
 */
export async function tryLock(path: string): Promise<LockAttempt> {
  mkdirSync(dirname(path), { recursive: true });
  const owner = identify(process.pid);
  if (!owner) throw new RZeroError('Internal', 'This process cannot read its own start time.');
  const holder: LockHolder = { owner, since: new Date().toISOString(), token: randomUUID() };

  for (let attempt = 0; attempt < 50; attempt++) {
    const current = readHolder(path);
    if (current !== undefined && current !== 'unreadable' && isAlive(current.owner)) return { heldBy: current };
    if (current !== undefined) moveStaleAway(path, current === 'unreadable' ? undefined : current.token);
    if (!placeLock(path, holder)) continue;
    // Another process may have read the same stale file and be about to move ours away; it then puts it back.
    if (current !== undefined) await sleep(TAKEOVER_SETTLE_MS);
    const settled = readHolder(path);
    if (settled !== undefined && settled !== 'unreadable' && settled.token === holder.token)
      return { lock: makeLock(path, holder) };
  }
  throw new RZeroError('StackBusy', `The lock ${path} changes hands all the time.`, {
    fix: 'Wait for the other processes to finish and try again.',
  });
}

/** Waits for the lock up to `waitMs`, then fails with `StackBusy` naming the holder. `onWait` is called once, when it has to wait. */
export async function waitForLock(
  path: string,
  options: { waitMs: number; onWait?: (holder: LockHolder) => void },
): Promise<FileLock> {
  const deadline = Date.now() + options.waitMs;
  let told = false;
  for (;;) {
    const attempt = await tryLock(path);
    if ('lock' in attempt) return attempt.lock;
    if (!told) options.onWait?.(attempt.heldBy);
    told = true;
    if (Date.now() >= deadline) {
      throw new RZeroError(
        'StackBusy',
        `Process ${attempt.heldBy.owner.pid} has held ${path} since ${attempt.heldBy.since}.`,
        {
          fix: `Wait for it to finish, or end it with: kill ${attempt.heldBy.owner.pid}`,
        },
      );
    }
    await sleep(100 + Math.random() * 100);
  }
}

function makeLock(path: string, holder: LockHolder): FileLock {
  return {
    path,
    holder,
    release() {
      const current = readHolder(path);
      if (current !== undefined && current !== 'unreadable' && current.token === holder.token)
        rmSync(path, { force: true });
    },
  };
}

function placeLock(path: string, holder: LockHolder): boolean {
  const draft = `${path}.${holder.token}`;
  try {
    writeFileSync(draft, JSON.stringify(holder), { mode: 0o600 });
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Removes the stale lock only when it is still the one that was judged; a fresh one caught by the race goes back. */
function moveStaleAway(path: string, staleToken: string | undefined): void {
  const aside = `${path}.stale-${randomUUID()}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return;
    throw error;
  }
  const moved = readHolder(aside);
  const isTheJudgedOne = moved === 'unreadable' || moved?.token === staleToken;
  try {
    if (!isTheJudgedOne) linkSync(aside, path);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function readHolder(path: string): LockHolder | 'unreadable' | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const value = JSON.parse(text) as Partial<LockHolder>;
    const complete =
      typeof value.owner?.pid === 'number' &&
      typeof value.owner.startMark === 'string' &&
      typeof value.token === 'string';
    return complete ? (value as LockHolder) : 'unreadable';
  } catch {
    // Not written by this code (it links complete files only): nobody can prove to hold it.
    return 'unreadable';
  }
}

function errorCode(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}
