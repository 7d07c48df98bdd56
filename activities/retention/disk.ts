import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { MANIFEST } from '../engine/checkpoint-manifest.ts';
import { OPTIMIZER } from '../engine/checkpoint.ts';
import { doomedFiles } from '../engine/prune-files.ts';
import { readPrunedMarker } from '../engine/pruned-marker.ts';
import type { PrunedMarker } from '../engine/pruned-marker.ts';
import { codeOf } from '../engine/staging.ts';
import type { StoredCheckpoint } from '../../db/queries/checkpoints.ts';

/**
 * How a checkpoint is found without hashing it. `present`: every file is there with its size; `optimizer pruned` and `pruned`: what is
 * gone was recorded as pruned; `missing`: nothing is there; `damaged`: a file is gone or has another size, and no record says why.
 */
export type DiskState = 'present' | 'optimizer pruned' | 'pruned' | 'missing' | 'damaged';

export interface OnDisk {
  state: DiskState;
  /** The row's files that are there. */
  files: string[];
  /** Of those and the manifest. */
  bytes: number;
  /** What an interrupted deletion has left. */
  leftovers: string[];
  marker: PrunedMarker | undefined;
}

export async function lookAt(folder: string, checkpoint: StoredCheckpoint): Promise<OnDisk> {
  const sizes = new Map<string, number>();
  for (const { name } of checkpoint.files) {
    const size = await sizeOf(join(folder, name));
    if (size !== undefined) sizes.set(name, size);
  }
  const leftovers = await doomedFiles(folder);
  const marker = await readPrunedMarker(folder);
  const bytes = [...sizes.values()].reduce((sum, size) => sum + size, (await sizeOf(join(folder, MANIFEST))) ?? 0);
  return { state: stateOf(checkpoint, sizes, marker), files: [...sizes.keys()], bytes, leftovers, marker };
}

function stateOf(
  { files, prunings }: StoredCheckpoint,
  sizes: ReadonlyMap<string, number>,
  marker: PrunedMarker | undefined,
): DiskState {
  const wrong = files.filter(({ name, bytes }) => sizes.get(name) !== bytes);
  if (wrong.length === 0) return 'present';
  // The marker alone is not enough: a database that was restored from before the pruning does not know of it.
  const isAccountedFor = wrong.every(({ name }) => !sizes.has(name) && marker?.files.includes(name));
  if (prunings.length > 0 && isAccountedFor) {
    return wrong.every(({ name }) => name === OPTIMIZER) ? 'optimizer pruned' : 'pruned';
  }
  if (sizes.size > 0) return 'damaged';
  return prunings.some(({ what }) => what === 'weights') ? 'pruned' : 'missing';
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}
