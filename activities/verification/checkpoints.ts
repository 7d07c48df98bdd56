/** The files of a run's checkpoints, hashed again, and their rows. */
import type pg from 'pg';
import { readCheckpointManifest } from '../engine/checkpoint.ts';
import { MANIFEST } from '../engine/checkpoint-manifest.ts';
import { RZeroError } from '../errors.ts';
import { verifyCheckpoints } from '../retention/verify.ts';
import { checkpointPath } from '../store.ts';
import { readCheckpointRows } from '../../db/queries/verification.ts';
import type { Findings } from './findings.ts';

export interface CheckedCheckpoints {
  total: number;
  /** Files deleted on purpose, and recorded. */
  pruned: number;
  optimizerPruned: number;
  /** Ids of those that a model can be opened from. */
  usable: ReadonlySet<string>;
}

export async function verifyRunCheckpoints(
  pool: pg.Pool,
  findings: Findings,
  request: { dataDir: string; runId: string; signal?: AbortSignal; onProgress: (done: string) => void },
): Promise<CheckedCheckpoints> {
  const { onProgress } = request;
  const { checkpoints } = await verifyCheckpoints(pool, {
    ...request,
    ids: [],
    onProgress: (done, total) => onProgress(`checkpoint ${done + 1} of ${total}`),
  });
  const usable = new Set<string>();
  for (const { checkpointId, status, problems } of checkpoints) {
    findings.examine('checkpoints');
    if (status === 'ok') usable.add(checkpointId);
    const row = { checkpoint_id: checkpointId };
    for (const { file, problem, expected = '', actual = '' } of problems) {
      const found = { check: 'checkpoints' as const, table: 'checkpoints', row, column: file };
      if (problem === 'missing') findings.report({ ...found, problem: 'missing' });
      else findings.report({ ...found, problem: 'differs', expected, actual });
    }
    if (status === 'ok' || status === 'pruned') await verifyRow(pool, findings, request, checkpointId);
  }
  return {
    total: checkpoints.length,
    pruned: checkpoints.filter(({ status }) => status === 'pruned').length,
    optimizerPruned: checkpoints.filter(({ optimizerPruned }) => optimizerPruned).length,
    usable,
  };
}

/** The row repeats what the manifest says, which is what the id is the hash of. */
async function verifyRow(
  pool: pg.Pool,
  findings: Findings,
  place: { dataDir: string },
  checkpointId: string,
): Promise<void> {
  const read = await readCheckpointManifest(checkpointPath(place, checkpointId)).catch((error: unknown) => {
    if (error instanceof RZeroError) return undefined;
    throw error;
  });
  const [record] = await readCheckpointRows(pool, checkpointId);
  if (!record) return;
  const row = { checkpoint_id: checkpointId };
  if (read?.id !== checkpointId) {
    const found = { check: 'checkpoints' as const, table: 'checkpoints', row, column: MANIFEST };
    // Of a pruned checkpoint the manifest stays, unless the folder was deleted as a whole.
    if (read) findings.report({ ...found, problem: 'differs', expected: checkpointId, actual: read.id });
    return;
  }
  const { manifest, bytes } = read;
  findings.compare('checkpoints', 'checkpoints', row, record, {
    files: manifest.files,
    bytes: manifest.files.reduce((sum, file) => sum + file.bytes, bytes),
    optimizerStep: manifest.optimizerStep,
    location: `checkpoints/${checkpointId}`,
  });
}
