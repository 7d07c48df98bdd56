import type pg from 'pg';
import { OPTIMIZER } from '../engine/checkpoint.ts';
import { checkpointPath } from '../store.ts';
import { countReferences, readCheckpoints } from '../../db/queries/checkpoints.ts';
import type { CheckpointPlace, StoredCheckpoint } from '../../db/queries/checkpoints.ts';
import { getRun } from '../../db/queries/runs.ts';
import { lookAt } from './disk.ts';
import type { DiskState } from './disk.ts';

export interface ListedCheckpoint {
  checkpointId: string;
  /** What runs used it for. */
  places: CheckpointPlace[];
  /** Of all files as they were written. */
  bytes: number;
  bytesOnDisk: number;
  optimizerStep: number;
  /** What these adapters lie on; null for weights. */
  base: string | null;
  /** Its moments are on disk. */
  hasOptimizer: boolean;
  state: DiskState;
  prunings: StoredCheckpoint['prunings'];
  /** Rows that name it, by table. */
  references: Record<string, number>;
  createdAt: Date;
}

/**
 * Every checkpoint of the database or of a run, the oldest first. Files are looked at, not hashed.
 *
 * @throws RZeroError `RunNotFound`, `DatabaseUnreachable`
 */
export async function listCheckpoints(
  pool: pg.Pool,
  request: { dataDir: string; runId?: string },
): Promise<ListedCheckpoint[]> {
  const { runId } = request;
  if (runId !== undefined) await getRun(pool, runId);
  const references = await countReferences(pool, runId);
  const listed: ListedCheckpoint[] = [];
  for (const checkpoint of await readCheckpoints(pool, runId)) {
    const { checkpointId, places, bytes, optimizerStep, base, prunings, createdAt } = checkpoint;
    const disk = await lookAt(checkpointPath(request, checkpointId), checkpoint);
    listed.push({
      checkpointId,
      places,
      bytes,
      bytesOnDisk: disk.bytes,
      optimizerStep,
      base,
      hasOptimizer: disk.files.includes(OPTIMIZER),
      state: disk.state,
      prunings,
      references: references.get(checkpointId) ?? {},
      createdAt,
    });
  }
  return listed;
}
