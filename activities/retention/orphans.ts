import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';
import { codeOf } from '../engine/staging.ts';
import { checkpointRoot } from '../store.ts';
import { withoutRows } from '../../db/queries/checkpoints.ts';

/** A step writes its checkpoint some moments before its row. */
const GRACE_MS = 60_000;

/**
 * Checkpoints on disk that no row knows of: what a step left that was interrupted before its commit, or what a run had done beyond
 * the copy from which its database was restored. They are no harm: a step that comes to the same takes them for its own.
 *
 * @returns their ids, without those of the last minute
 */
export async function orphanCheckpoints(pool: pg.Pool, place: { dataDir: string }): Promise<string[]> {
  const root = checkpointRoot(place);
  const ids = (await entriesOf(root)).filter((name) => /^[0-9a-f]{64}$/.test(name));
  const orphans: string[] = [];
  for (const id of await withoutRows(pool, ids)) {
    if (Date.now() - (await stat(join(root, id))).mtimeMs > GRACE_MS) orphans.push(id);
  }
  return orphans;
}

async function entriesOf(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}
