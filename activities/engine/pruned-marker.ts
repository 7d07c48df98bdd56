/**
 * A checkpoint of which files were deleted on purpose keeps its manifest and says so in `pruned.json` beside it. The marker is no
 * content: it is not in the manifest, so the id stays what it was.
 */
import { open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { RZeroError } from '../errors.ts';
import { codeOf, exists, syncFolder } from './staging.ts';

export const PRUNED = 'pruned.json';

export interface PrunedMarker {
  formatVersion: 1;
  /** Names of the files that are gone, or about to go. */
  files: string[];
  /** Why, for a person. */
  reason: string;
  codeVersion: string;
  /** ISO 8601. */
  prunedAt: string;
}

/** @returns undefined when there is none, or none that can be read: what is missing then counts as lost, not as pruned */
export async function readPrunedMarker(folder: string): Promise<PrunedMarker | undefined> {
  let text: string;
  try {
    text = await readFile(join(folder, PRUNED), 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
  try {
    const marker = JSON.parse(text) as Partial<PrunedMarker> | null;
    return marker?.formatVersion === 1 && Array.isArray(marker.files) ? (marker as PrunedMarker) : undefined;
  } catch {
    return undefined;
  }
}

/** Durable before it returns, whole or not at all. Not for two callers at once. */
export async function writePrunedMarker(folder: string, marker: PrunedMarker): Promise<void> {
  const temporary = join(folder, `.${PRUNED}.part`);
  const handle = await open(temporary, 'w');
  try {
    await handle.writeFile(`${JSON.stringify(marker, null, 2)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, join(folder, PRUNED));
  await syncFolder(folder);
}

export async function removePrunedMarker(folder: string): Promise<void> {
  await rm(join(folder, PRUNED), { force: true });
  await syncFolder(folder);
}

/** The marker, when it accounts for a file that is not there. A file that is there counts, whatever the marker says. */
export async function prunedFile(folder: string, name: string): Promise<PrunedMarker | undefined> {
  const marker = await readPrunedMarker(folder);
  return marker?.files.includes(name) && !(await exists(join(folder, name))) ? marker : undefined;
}

export function prunedError(folder: string, name: string, { prunedAt, reason }: PrunedMarker): RZeroError {
  return new RZeroError('CheckpointPruned', `${join(folder, name)} was pruned on ${prunedAt} (${reason}).`, {
    field: name,
    fix: 'Put the file back from a copy; or start a new run with the same input, which writes the same checkpoint again.',
  });
}
