// The lock under which npm installs. The same rules as file-lock.ts, which cannot be loaded yet: this runs before anything
// is installed, and therefore is plain JavaScript.
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 300;
// Longer than any pause between reading a stale lock and moving it away.
const TAKEOVER_SETTLE_MS = 60;

/**
 * Waits for the lock and takes it. A file whose process is gone, or whose pid belongs to another process by now, is taken
 * over; so is one that nobody could have written: a lock appears complete, by a hard link.
 * @param {string} path
 * @param {{ waitMs: number, onWait: () => void }} options `onWait` is called once, when it has to wait
 * @returns {Promise<{ release: () => void } | { heldBy: number }>} the pid of the holder when it is still held after `waitMs`
 */
export async function takeInstallLock(path, { waitMs, onWait }) {
  const own = { pid: process.pid, startMark: startMarkOf(process.pid), token: randomUUID() };
  if (own.startMark === undefined) throw new Error('this process cannot read its own start time');
  const deadline = Date.now() + waitMs;
  let told = false;
  for (;;) {
    const current = readHolder(path);
    if (current && isAlive(current)) {
      if (Date.now() >= deadline) return { heldBy: current.pid };
      if (!told) onWait();
      told = true;
      await sleep(POLL_MS);
      continue;
    }
    if (current !== undefined) moveAway(path, current?.token);
    if (!place(path, own)) continue;
    // Another process may have read the same stale file and be about to move ours away; it then puts it back.
    if (current !== undefined) await sleep(TAKEOVER_SETTLE_MS);
    if (readHolder(path)?.token === own.token) return { release: () => release(path, own.token) };
  }
}

function release(path, token) {
  if (readHolder(path)?.token === token) rmSync(path, { force: true });
}

/** @returns undefined without a file, null for one that no holder has written */
function readHolder(path) {
  let text;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const holder = JSON.parse(text);
    return typeof holder?.pid === 'number' && typeof holder.token === 'string' ? holder : null;
  } catch {
    // Not written by this code.
    return null;
  }
}

function place(path, holder) {
  const draft = `${path}.${holder.token}`;
  writeFileSync(draft, JSON.stringify(holder));
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Removes a stale lock only when it is still the one that was judged; a fresh one caught by the race goes back. */
function moveAway(path, staleToken) {
  const aside = `${path}.stale-${randomUUID()}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (error.code === 'ENOENT') return;
    throw error;
  }
  try {
    const moved = readHolder(aside);
    if (moved && moved.token !== staleToken) linkSync(aside, path);
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function isAlive({ pid, startMark }) {
  const present = startMarkOf(pid);
  return present !== undefined && present === startMark;
}

/** Boot and start time of a live process: a pid alone is given again, soonest in a container. Undefined without one. */
function startMarkOf(pid) {
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  try {
    if (process.platform !== 'linux') {
      const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
      return line === '' || line.startsWith('Z') ? undefined : line.replace(/^\S+\s+/, '');
    }
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in brackets and may itself hold blanks and brackets.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}:${fields[19]}`;
  } catch {
    // No such process, or it ended while it was being read.
    return undefined;
  }
}
