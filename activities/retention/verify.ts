/** Holds the checkpoints on disk against the database. */
import { readdir } from 'node:fs/promises';
import type pg from 'pg';
import { inspectCheckpoint } from '../engine/inspect-checkpoint.ts';
import type { FileProblem } from '../engine/inspect-checkpoint.ts';
import { codeOf } from '../engine/staging.ts';
import { RZeroError } from '../errors.ts';
import { checkpointPath, checkpointRoot } from '../store.ts';
import { readCheckpoints } from '../../db/queries/checkpoints.ts';
import type { CheckpointPlace, StoredCheckpoint } from '../../db/queries/checkpoints.ts';
import { getRun } from '../../db/queries/runs.ts';
import { lookAt } from './disk.ts';

export interface VerifyRequest {
  dataDir: string;
  runId?: string;
  /** Ids or their first four or more digits; all when empty. */
  ids: readonly string[];
  signal?: AbortSignal;
  onProgress?: (done: number, total: number) => void;
}

export interface VerifiedCheckpoint {
  checkpointId: string;
  /** `missing`: files are gone and no record says why; `corrupt`: some differ; `pruned`: recorded. */
  status: 'ok' | 'missing' | 'corrupt' | 'pruned';
  /** Its moments were pruned; the rest is what `status` says. */
  optimizerPruned: boolean;
  /** A deletion was interrupted: `prune` completes it. */
  unfinished: boolean;
  problems: FileProblem[];
  places: CheckpointPlace[];
}

export interface VerifyReport {
  checkpoints: VerifiedCheckpoint[];
  /** What else lies beside the checkpoints; undefined when only some were asked for. */
  unknown?: string[];
  /** Nothing is missing or corrupt. */
  ok: boolean;
}

/** @throws RZeroError `RunNotFound`, `CheckpointMissing` when an id names none or several */
export async function verifyCheckpoints(pool: pg.Pool, request: VerifyRequest): Promise<VerifyReport> {
  const { runId, ids, onProgress, signal } = request;
  if (runId !== undefined) await getRun(pool, runId);
  const stored = await readCheckpoints(pool, runId);
  // Adapters of one run may lie on a checkpoint that is another's.
  const all = runId === undefined ? stored : await readCheckpoints(pool);
  const chosen = ids.length === 0 ? stored : [...new Set(ids.map((id) => named(stored, id)))];
  const verified = new Map<string, Promise<VerifiedCheckpoint>>();
  const verify = (checkpoint: StoredCheckpoint): Promise<VerifiedCheckpoint> => {
    const known = verified.get(checkpoint.checkpointId) ?? verifyOne(request, checkpoint);
    verified.set(checkpoint.checkpointId, known);
    return known;
  };
  const checkpoints: VerifiedCheckpoint[] = [];
  for (const checkpoint of chosen) {
    signal?.throwIfAborted();
    onProgress?.(checkpoints.length, chosen.length);
    const found = await verify(checkpoint);
    const base = all.find(({ checkpointId }) => checkpointId === checkpoint.base);
    checkpoints.push(base && found.status !== 'pruned' ? onBase(found, await verify(base)) : found);
  }
  const ok = checkpoints.every(({ status }) => status === 'ok' || status === 'pruned');
  if (runId !== undefined || ids.length > 0) return { checkpoints, ok };
  return { checkpoints, unknown: await unknownEntries(request, stored), ok };
}

async function verifyOne(request: VerifyRequest, checkpoint: StoredCheckpoint): Promise<VerifiedCheckpoint> {
  const { checkpointId, files, base, places } = checkpoint;
  const folder = checkpointPath(request, checkpointId);
  const disk = await lookAt(folder, checkpoint);
  const optimizerPruned = disk.state === 'optimizer pruned';
  const isPruned = disk.state === 'pruned';
  const unfinished = disk.leftovers.length > 0 || disk.files.some((name) => disk.marker?.files.includes(name));
  const gone = new Set(optimizerPruned || isPruned ? disk.marker?.files : []);
  const problems = isPruned ? [] : await inspectCheckpoint(folder, { files, base }, gone);
  const status = isPruned ? 'pruned' : statusOf(problems);
  return { checkpointId, status, optimizerPruned, unfinished, problems, places };
}

/** Adapters are of no use without what they lie on. */
function onBase(found: VerifiedCheckpoint, base: VerifiedCheckpoint): VerifiedCheckpoint {
  if (base.status === 'ok') return found;
  const problem: FileProblem = { file: base.checkpointId, problem: 'base', expected: 'ok', actual: base.status };
  const isCorrupt = found.status === 'corrupt' || base.status === 'corrupt';
  return { ...found, problems: [...found.problems, problem], status: isCorrupt ? 'corrupt' : 'missing' };
}

function statusOf(problems: readonly FileProblem[]): VerifiedCheckpoint['status'] {
  if (problems.length === 0) return 'ok';
  return problems.every(({ problem }) => problem === 'missing') ? 'missing' : 'corrupt';
}

function named(stored: readonly StoredCheckpoint[], id: string): StoredCheckpoint {
  const found = stored.filter(({ checkpointId }) => checkpointId.startsWith(id));
  if (found.length === 1) return found[0]!;
  throw new RZeroError(
    'CheckpointMissing',
    found.length === 0
      ? `No row of this database names a checkpoint ${id}.`
      : `${found.length} checkpoints begin with ${id}.`,
    { field: 'id', fix: 'List them with `npx r-zero checkpoint list`.' },
  );
}

async function unknownEntries(request: VerifyRequest, stored: readonly StoredCheckpoint[]): Promise<string[]> {
  const known = new Set(stored.map(({ checkpointId }) => checkpointId));
  try {
    return (await readdir(checkpointRoot(request))).filter((name) => !known.has(name)).sort();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}
