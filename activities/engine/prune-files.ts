import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writePrunedMarker } from './pruned-marker.ts';
import type { PrunedMarker } from './pruned-marker.ts';
import { codeOf, syncFolder } from './staging.ts';

const DOOMED = '.r-zero-pruning-';

/** The calls between which a process can die, replaceable by a test. */
export interface PruneFs {
  rename(from: string, to: string): Promise<void>;
  rm(path: string, options: { force: boolean }): Promise<void>;
}

/**
 * Deletes files of a checkpoint: first the marker is written, then the files go out of sight under a temporary name, then away.
 * Interrupted anywhere, the folder tells what happened, and calling it again completes it. The manifest stays.
 *
 * @param marker its `files` are what to delete; those that are gone already are passed over
 */
export async function pruneFiles(folder: string, marker: PrunedMarker, fs: PruneFs = { rename, rm }): Promise<void> {
  await writePrunedMarker(folder, marker);
  for (const name of marker.files) {
    await fs.rename(join(folder, name), join(folder, DOOMED + name)).catch((error: unknown) => {
      if (codeOf(error) !== 'ENOENT') throw error;
    });
  }
  await syncFolder(folder);
  for (const name of await doomedFiles(folder)) await fs.rm(join(folder, name), { force: true });
  await syncFolder(folder);
}

/** What an interrupted deletion has left, by name. */
export async function doomedFiles(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => name.startsWith(DOOMED));
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return [];
    throw error;
  }
}
