/** A file that appears whole or not at all: written and fsynced under a temporary name, hashed on the way, then renamed. */
import { createHash } from 'node:crypto';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { guarded, syncFolder } from '../engine/staging.ts';
import type { ExportRow } from '../../db/queries/export.ts';

/** Turns rows into the bytes of a file. */
export interface ShardWriter {
  write(rows: readonly ExportRow[]): Promise<void>;
  end(): Promise<void>;
}

export interface WrittenFile {
  bytes: number;
  sha256: string;
}

const PART = '.part';

/**
 * @param produce given where to put the bytes
 * @throws RZeroError `DiskFull`; then and when `produce` throws nothing is left of the file
 */
export async function writeWhole(
  path: string,
  produce: (sink: (bytes: Uint8Array) => Promise<void>) => Promise<void>,
): Promise<WrittenFile> {
  const draft = join(dirname(path), `.${basename(path)}${PART}`);
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    const handle = await guarded(path, async () => {
      await mkdir(dirname(path), { recursive: true });
      return open(draft, 'w');
    });
    try {
      await produce((chunk) =>
        guarded(path, async () => {
          hash.update(chunk);
          await handle.writeFile(chunk);
          bytes += chunk.byteLength;
        }),
      );
      await guarded(path, () => handle.sync());
    } finally {
      await handle.close();
    }
    await guarded(path, async () => {
      await rename(draft, path);
      await syncFolder(dirname(path));
    });
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** What an interrupted export has left of a file that it was writing. */
export async function removeDrafts(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names)
    if (name.startsWith('.') && name.endsWith(PART)) await rm(join(folder, name), { force: true });
}
