/** A small file system in memory, to be filled to the last byte. Needs the right to mount. */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const BALLAST = '.ballast';

export interface MemoryDisk {
  readonly path: string;
  fill(): void;
  free(): void;
  unmount(): void;
}

/** @param owner of the mounted folder. @default root */
export function mountMemoryDisk(path: string, mebibytes: number, owner?: { uid: number; gid: number }): MemoryDisk {
  mkdirSync(path, { recursive: true });
  const who = owner ? `,uid=${owner.uid},gid=${owner.gid}` : '';
  const { status, stderr } = spawnSync('mount', [
    '-t',
    'tmpfs',
    '-o',
    `size=${mebibytes}m,mode=700${who}`,
    'tmpfs',
    path,
  ]);
  if (status !== 0) throw new Error(`No file system can be mounted: ${String(stderr)}`);
  const ballast = join(path, BALLAST);
  return {
    path,
    fill: () => {
      const file = openSync(ballast, 'a');
      try {
        for (const size of [1 << 20, 1 << 12]) writeUntilFull(file, Buffer.alloc(size));
      } finally {
        closeSync(file);
      }
    },
    free: () => rmSync(ballast, { force: true }),
    unmount: () => spawnSync('umount', ['--lazy', path]),
  };
}

function writeUntilFull(file: number, chunk: Buffer): void {
  try {
    for (;;) writeSync(file, chunk);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}

/** False without the rights, as in most containers. */
export function canMount(): boolean {
  if (process.platform !== 'linux' || process.geteuid?.() !== 0) return false;
  const folder = mkdtempSync(join(tmpdir(), 'r-zero-test-mount-'));
  try {
    mountMemoryDisk(folder, 1).unmount();
    return true;
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
