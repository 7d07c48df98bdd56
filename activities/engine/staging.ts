import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { RZeroError } from '../errors.ts';
import type { CheckpointFile } from './types.ts';

/** Long enough to be nobody else's: a model may be exported into any folder of the user's. */
const PREFIX = '.r-zero-staging-';
/** A staging folder this old was left behind by a process that died. */
const ABANDONED_MS = 60 * 60 * 1000;

/** The file system calls that can run out of space, replaceable by a test. */
export interface StagingFs {
  open(path: string, flags: string): Promise<Pick<FileHandle, 'write' | 'sync' | 'close'>>;
}

export type Chunks = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/**
 * A folder that appears complete or not at all: files are written and fsynced under a temporary name in the same root,
 * then the folder is renamed.
 */
export interface Staging {
  write(name: string, chunks: Chunks): Promise<CheckpointFile>;
  /** Renames the folder to `<root>/<name>`. @returns false when that exists already; the staged files are then removed. */
  commit(name: string): Promise<boolean>;
  /** Moves those of the staged files into the folder `<root>/<name>` that it lacks. */
  mend(name: string): Promise<void>;
  discard(): Promise<void>;
}

/** @throws RZeroError `DiskFull`, `Internal` when the root cannot be written. */
export async function openStaging(root: string, fs: StagingFs = { open }): Promise<Staging> {
  const folder = join(root, `${PREFIX}${process.pid}-${randomUUID()}`);
  await guarded(root, async () => {
    await mkdir(root, { recursive: true });
    await removeAbandoned(root);
    await mkdir(folder);
  });
  const discard = (): Promise<void> => rm(folder, { recursive: true, force: true });
  return {
    discard,
    write: (name, chunks) =>
      guarded(join(root, name), async () => {
        const hash = createHash('sha256');
        let bytes = 0;
        const handle = await fs.open(join(folder, name), 'wx');
        try {
          for await (const chunk of chunks) {
            hash.update(chunk);
            await writeAll(handle, chunk);
            bytes += chunk.byteLength;
          }
          await handle.sync();
        } finally {
          await handle.close();
        }
        return { name, bytes, sha256: hash.digest('hex') };
      }),
    commit: (name) =>
      guarded(join(root, name), async () => {
        await syncFolder(folder);
        try {
          await rename(folder, join(root, name));
        } catch (error) {
          if (!['ENOTEMPTY', 'EEXIST', 'EPERM'].includes(codeOf(error) ?? '') || !(await exists(join(root, name)))) {
            throw error;
          }
          await discard();
          return false;
        }
        await syncFolder(root);
        return true;
      }),
    mend: (name) =>
      guarded(join(root, name), async () => {
        for (const file of await readdir(folder)) {
          if (!(await exists(join(root, name, file)))) await rename(join(folder, file), join(root, name, file));
        }
        await syncFolder(join(root, name));
      }),
  };
}

async function writeAll(handle: Pick<FileHandle, 'write'>, chunk: Uint8Array): Promise<void> {
  let done = 0;
  while (done < chunk.byteLength) {
    // Linux writes at most 2 GiB at a time.
    const { bytesWritten } = await handle.write(chunk, done, Math.min(chunk.byteLength - done, 2 ** 30));
    done += bytesWritten;
  }
}

/** Makes a rename or a new file durable. Windows cannot open a folder. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function removeAbandoned(root: string): Promise<void> {
  for (const name of await readdir(root)) {
    if (!name.startsWith(PREFIX)) continue;
    const path = join(root, name);
    const { mtimeMs } = await stat(path).catch((error: unknown) => {
      // Another process has just finished with it.
      if (codeOf(error) === 'ENOENT') return { mtimeMs: Date.now() };
      throw error;
    });
    if (Date.now() - mtimeMs > ABANDONED_MS) await rm(path, { recursive: true, force: true });
  }
}

export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return false;
    throw error;
  }
}

export function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}

export async function guarded<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = codeOf(error);
    if (code === undefined || error instanceof RZeroError) throw error;
    if (code === 'ENOSPC' || code === 'EDQUOT') {
      throw new RZeroError('DiskFull', `No space left while writing ${path}; nothing of it was kept.`, {
        fix: `Free some space below ${dirname(path)} and start again.`,
        cause: error,
      });
    }
    throw new RZeroError('Internal', `${path} cannot be written (${code}).`, {
      fix: 'Check that the folder exists and may be written.',
      cause: error,
    });
  }
}
