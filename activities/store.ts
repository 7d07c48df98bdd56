import { join } from 'node:path';
import type { ActivityDependencies } from './dependencies.ts';
import { loadTokenizer } from './engine/tokenizer.ts';
import type { Tokenizer } from './engine/tokenizer.ts';
import type { CallOptions, CheckpointRecord, ModelLease } from './engine/types.ts';
import type { NewCheckpoint } from '../db/queries/runs.ts';

/** Where checkpoints live: `<dataDir>/checkpoints/<id>`; the name is the content. */
export const checkpointRoot = (deps: ActivityDependencies) => join(deps.dataDir, 'checkpoints');

export const checkpointPath = (deps: ActivityDependencies, checkpointId: string) =>
  join(checkpointRoot(deps), checkpointId);

export function checkpointRow(record: CheckpointRecord): NewCheckpoint {
  return {
    checkpointId: record.id,
    bytes: record.bytes,
    optimizerStep: record.optimizerStep,
    location: `checkpoints/${record.id}`,
    files: record.files,
  };
}

/** Opens a stored checkpoint, runs `use`, and always gives the lease back. */
export async function withModel<T>(
  deps: ActivityDependencies,
  checkpointId: string,
  options: { withOptimizer?: boolean; call: CallOptions },
  use: (lease: ModelLease) => Promise<T>,
): Promise<T> {
  const lease = await deps.engine.open(
    {
      path: checkpointPath(deps, checkpointId),
      expectId: checkpointId,
      withOptimizer: options.withOptimizer ?? false,
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
export function tokenizerOf(deps: ActivityDependencies, baseCheckpointId: string): Promise<Tokenizer> {
  const path = checkpointPath(deps, baseCheckpointId);
  let tokenizer = tokenizers.get(path);
  if (!tokenizer) {
    tokenizer = Promise.resolve(loadTokenizer(path));
    tokenizers.set(path, tokenizer);
    tokenizer.catch(() => tokenizers.delete(path));
  }
  return tokenizer;
}
