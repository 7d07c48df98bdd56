import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Names one process for good: a pid alone is given again, soonest in a container, where numbers start low. */
export interface ProcessIdentity {
  pid: number;
  /** Boot and start time of the process as the kernel counts them; compared as text, never read. */
  startMark: string;
}

/** The start mark of a live process; undefined when there is none, or when it is a zombie waiting to be reaped. */
export function startMarkOf(pid: number): string | undefined {
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  return process.platform === 'linux' ? linuxStartMark(pid) : posixStartMark(pid);
}

export function identify(pid: number): ProcessIdentity | undefined {
  const startMark = startMarkOf(pid);
  return startMark === undefined ? undefined : { pid, startMark };
}

/** True when exactly this process still runs. */
export function isAlive(identity: ProcessIdentity): boolean {
  return startMarkOf(identity.pid) === identity.startMark;
}

function linuxStartMark(pid: number): string | undefined {
  let stat: string;
  let bootId: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    // No such process, or it ended while it was being read.
    return undefined;
  }
  // The second field is the program's name in brackets and may itself hold blanks and brackets.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state] = fields;
  const startTicks = fields[19];
  if (startTicks === undefined || state === 'Z' || state === 'X') return undefined;
  return `${bootId}:${startTicks}`;
}

function posixStartMark(pid: number): string | undefined {
  try {
    const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    const [state = '', ...started] = line.split(/\s+/);
    return state === '' || state.startsWith('Z') ? undefined : started.join(' ');
  } catch {
    // `ps` exits non-zero when the pid is unknown.
    return undefined;
  }
}

/**
 * Pids of live processes whose working directory is `directory`. Postgres processes keep their cluster as working
 * directory, so this finds the backends that a killed postmaster left behind. Empty where /proc does not exist.
 */
export function processesWorkingIn(
  directory: string,
  list: () => string[],
  readLink: (path: string) => string,
): number[] {
  return list()
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readLink(`/proc/${pid}/cwd`) === directory && startMarkOf(pid) !== undefined;
      } catch {
        // Another user's process, or one that ended meanwhile: neither is ours.
        return false;
      }
    });
}
