import { dirname, join } from 'node:path';
import type { ActivityDependencies } from './dependencies.ts';
import { WEIGHTS } from './engine/checkpoint-manifest.ts';
import { readPrunedMarker } from './engine/pruned-marker.ts';
import { exists } from './engine/staging.ts';
import { loadTokenizer } from './engine/tokenizer.ts';
import type { Tokenizer } from './engine/tokenizer.ts';
import type { CallOptions, CheckpointRecord, LoraSource, ModelLease } from './engine/types.ts';
import { RZeroError } from './errors.ts';
import type { NewCheckpoint } from '../db/queries/runs.ts';

/** Where checkpoints live: `<dataDir>/checkpoints/<id>`; the name is the content. */
export const checkpointRoot = (place: Pick<ActivityDependencies, 'dataDir'>) => join(place.dataDir, 'checkpoints');

export const checkpointPath = (place: Pick<ActivityDependencies, 'dataDir'>, checkpointId: string) =>
  join(checkpointRoot(place), checkpointId);

export function checkpointRow(record: CheckpointRecord): NewCheckpoint {
  return {
    checkpointId: record.id,
    bytes: record.bytes,
    optimizerStep: record.optimizerStep,
    location: `checkpoints/${record.id}`,
    files: record.files,
    baseCheckpointId: record.base ?? null,
  };
}

/**
 * A step that came to the same weights as a pruned checkpoint of another run has put them back; a prune that was at work meanwhile
 * may have taken them again. Asked once the rows that name it are written, which keeps prunes away.
 *
 * @throws RZeroError `Internal`, and the step is tried again
 */
export async function refusePruned(record: CheckpointRecord): Promise<void> {
  // An engine elsewhere keeps its files elsewhere, where nothing is pruned.
  if (!(await exists(record.path))) return;
  const files = record.files.map(({ name }) => join(record.path, name));
  if (record.base !== undefined) files.push(join(dirname(record.path), record.base, WEIGHTS));
  const present = await Promise.all(files.map(exists));
  if (present.every(Boolean) && !(await readPrunedMarker(record.path))) return;
  throw new RZeroError('Internal', `Checkpoint ${record.id} was pruned while the step that wrote it came to its end.`, {
    fix: 'The step is tried again.',
  });
}

/** Opens a stored checkpoint, runs `use`, and always gives the lease back. */
export async function withModel<T>(
  deps: ActivityDependencies,
  checkpointId: string,
  options: { withOptimizer?: boolean; threads: number | undefined; lora?: LoraSource; call: CallOptions },
  use: (lease: ModelLease) => Promise<T>,
): Promise<T> {
  const lease = await deps.engine.open(
    {
      path: checkpointPath(deps, checkpointId),
      expectId: checkpointId,
      withOptimizer: options.withOptimizer ?? false,
      ...(options.threads === undefined ? {} : { threads: options.threads }),
      ...(options.lora ? { lora: options.lora } : {}),
    },
    options.call,
  );
  try {
    return await use(lease);
  } finally {
    await lease.close();
  }
}

const tokenizers = new Map<string, Promise<Tokenizer>>();

/** All checkpoints of a run share the base model's tokenizer; it is read once per base model. */
export function tokenizerOf(
  place: Pick<ActivityDependencies, 'dataDir'>,
  baseCheckpointId: string,
): Promise<Tokenizer> {
  const path = checkpointPath(place, baseCheckpointId);
  let tokenizer = tokenizers.get(path);
  if (!tokenizer) {
    tokenizer = Promise.resolve(loadTokenizer(path));
    tokenizers.set(path, tokenizer);
    tokenizer.catch(() => tokenizers.delete(path));
  }
  return tokenizer;
}
