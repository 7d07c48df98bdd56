/** Applies a retention policy to a run's checkpoints: each deletion is recorded first, then done. */
import type pg from 'pg';
import { OPTIMIZER } from '../engine/checkpoint.ts';
import { pruneFiles } from '../engine/prune-files.ts';
import type { PruneFs } from '../engine/prune-files.ts';
import type { PrunedMarker } from '../engine/pruned-marker.ts';
import {
  carryingAdapters,
  insertPruning,
  readCheckpoints,
  readSuperseded,
  readUpdates,
  usedByOthers,
  whileUnused,
} from '../../db/queries/checkpoints.ts';
import type { CheckpointPlace, PrunedPart, StoredCheckpoint } from '../../db/queries/checkpoints.ts';
import { getRun, nextIteration } from '../../db/queries/runs.ts';
import { checkpointPath } from '../store.ts';
import { lookAt } from './disk.ts';
import type { OnDisk } from './disk.ts';
import { describePolicy, neededToContinue, selectPrunings } from './select.ts';
import type { KeepPolicy, RunLineage } from './select.ts';

export interface PruneRequest {
  dataDir: string;
  runId: string;
  keep: KeepPolicy;
  /** Gives up moments alone, of every checkpoint that no training goes on from. */
  optimizerOnly: boolean;
  dryRun: boolean;
  codeVersion: string;
  signal?: AbortSignal;
  fs?: PruneFs;
}

export interface PrunedCheckpoint {
  checkpointId: string;
  what: PrunedPart;
  /** Freed, or to be freed. */
  bytes: number;
  places: CheckpointPlace[];
  /** Completes a deletion that was interrupted. */
  resumed: boolean;
}

export interface PruneReport {
  runId: string;
  policy: string;
  dryRun: boolean;
  pruned: PrunedCheckpoint[];
  bytes: number;
  /** Checkpoints of the run that are whole, or whole but for their moments. */
  kept: number;
  /** Of those, how many stay because another run uses them. */
  shared: number;
}

/** A status with which a workflow may go on without asking anybody. */
const ADVANCING: ReadonlySet<string> = new Set(['running', 'paused', 'parked']);

/** @throws RZeroError `RunNotFound`, `DatabaseUnreachable` */
export async function pruneRun(pool: pg.Pool, request: PruneRequest): Promise<PruneReport> {
  const { runId, keep, optimizerOnly, dryRun } = request;
  const policy = describePolicy(keep, optimizerOnly);
  const lineage = await readLineage(pool, runId);
  const selected = selectPrunings(lineage, { keep, optimizerOnly });
  const needed = neededToContinue(lineage);
  const pruned: PrunedCheckpoint[] = [];
  let kept = 0;
  let shared = 0;
  for (const checkpoint of await readCheckpoints(pool, runId)) {
    request.signal?.throwIfAborted();
    const { checkpointId, places } = checkpoint;
    const disk = await lookAt(checkpointPath(request, checkpointId), checkpoint);
    const pending = pendingOf(checkpoint, disk, selected.get(checkpointId), !needed.weights.has(checkpointId));
    if (pending && (dryRun || (await carryOut(pool, request, policy, checkpoint, pending)))) {
      const { what, bytes, marker } = pending;
      pruned.push({ checkpointId, what, bytes, places, resumed: marker !== undefined });
      if (what === 'weights') continue;
    }
    if (disk.state !== 'present' && disk.state !== 'optimizer pruned') continue;
    kept++;
    if (lineage.shared.has(checkpointId)) shared++;
  }
  const bytes = pruned.reduce((sum, { bytes }) => sum + bytes, 0);
  return { runId, policy, dryRun, pruned, bytes, kept, shared };
}

export async function readLineage(pool: pg.Pool, runId: string): Promise<RunLineage> {
  const run = await getRun(pool, runId);
  const updates = await readUpdates(pool, runId);
  const superseded = await readSuperseded(pool, runId);
  const ids = [...updates.flatMap(({ before, after, reference }) => [before, after, reference]), ...superseded];
  return {
    base: run.baseCheckpointId,
    updates,
    superseded,
    iteration: await nextIteration(pool, runId, run.iterations),
    advancing: ADVANCING.has(run.status),
    shared: await usedByOthers(pool, runId, ids),
    carrying: await carryingAdapters(pool, [run.baseCheckpointId, ...ids]),
  };
}

interface Pending {
  what: PrunedPart;
  files: string[];
  bytes: number;
  /** Of a deletion that has begun. */
  marker: PrunedMarker | undefined;
}

/** What there is to delete of a checkpoint: what the policy selects, or what an earlier deletion has left. */
function pendingOf(
  checkpoint: StoredCheckpoint,
  disk: OnDisk,
  selected: PrunedPart | undefined,
  mayFinish: boolean,
): Pending | undefined {
  const { marker } = disk;
  const names = checkpoint.files.map(({ name }) => name);
  const begun = marker ? names.filter((name) => marker.files.includes(name)) : [];
  const wanted = selected === 'weights' ? names : selected === 'optimizer' ? [OPTIMIZER] : [];
  const begunHere = disk.files.some((name) => begun.includes(name)) || disk.leftovers.length > 0;
  const files = new Set([...wanted, ...(begunHere && mayFinish ? begun : [])]);
  const present = disk.files.filter((name) => files.has(name));
  if (present.length === 0 && !(disk.leftovers.length > 0 && files.size > 0)) return undefined;
  const bytes = checkpoint.files
    .filter(({ name }) => present.includes(name))
    .reduce((sum, file) => sum + file.bytes, 0);
  const what = names.every((name) => files.has(name)) ? 'weights' : 'optimizer';
  return { what, files: [...files], bytes, marker: begunHere ? marker : undefined };
}

/** @returns false when another run or adapters have come to use the checkpoint */
async function carryOut(
  pool: pg.Pool,
  request: PruneRequest,
  policy: string,
  { checkpointId }: StoredCheckpoint,
  { what, files, bytes, marker }: Pending,
): Promise<boolean> {
  const { runId, codeVersion, fs } = request;
  const isRecorded = marker !== undefined && files.every((name) => marker.files.includes(name));
  if (!isRecorded) await insertPruning(pool, { checkpointId, what, runId, policy, bytes, codeVersion });
  const next: PrunedMarker = isRecorded
    ? marker
    : {
        formatVersion: 1,
        files,
        reason: `run "${runId}": ${policy}`,
        codeVersion,
        prunedAt: new Date().toISOString(),
      };
  return whileUnused(pool, runId, checkpointId, () => pruneFiles(checkpointPath(request, checkpointId), next, fs));
}
