/** Signals to processes that tests have started. */
import { readFileSync, readdirSync } from 'node:fs';

/** @returns false when it had ended by itself */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    return false;
  }
}

/** Processes that a worker has forked and that name themselves an engine. */
export function enginesOf(worker: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const [, fields] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(/\) /);
        return (
          Number(fields?.split(' ')[1]) === worker &&
          readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('r-zero-engine')
        );
      } catch {
        return false;
      }
    })
    .map(Number);
}
