import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createAdamW, disposeAdamW, shareAdamW } from './adamw.ts';
import { ADAPTERS, WEIGHTS, basePath } from './checkpoint-manifest.ts';
import { readCheckpointManifest } from './checkpoint.ts';
import { weightFiles } from './model-folder.ts';
import type { LoadedModel } from './model-folder.ts';
import { sizeOf } from './parameters.ts';
import type { ModelSource } from './types.ts';
import { disposeModel, shareModel } from './weights.ts';

const MOST_MODELS = 6;

/**
 * Recently opened or written models, so that opening a checkpoint whose weights are still in memory reads nothing but its
 * manifest. Holds shares of tensors: an entry that is also a live lease costs no memory.
 */
export interface ModelCache {
  /** A share of the model at this source, or nothing when it is unknown or was changed on disk. */
  get(key: string, withOptimizer: boolean): LoadedModel | undefined;
  /** Keeps a share of `loaded`. `complete` says that its optimizer is the stored one. */
  put(key: string, loaded: LoadedModel, complete: boolean): void;
  clear(): void;
}

/**
 * Name of what a source holds now: the id of a checkpoint; path, sizes and times of the files of a base model.
 *
 * @throws RZeroError `CheckpointCorrupt`, `CheckpointMissing`
 */
export async function cacheKey(source: ModelSource): Promise<string> {
  const checkpoint = await readCheckpointManifest(source.path, source.expectId);
  // The id covers the content, the path does not: the files must be there even when they are not read.
  const base = checkpoint?.manifest.base;
  if (base) {
    const beneath = await cacheKey({ path: basePath(source.path, base), expectId: base.id });
    const adapters = await stat(join(source.path, ADAPTERS)).catch(() => undefined);
    return beneath !== '' && adapters ? checkpoint.id : '';
  }
  const files = ['config.json', ...(checkpoint ? [WEIGHTS] : await weightFiles(source.path))];
  const stats = await Promise.all(files.map((file) => stat(join(source.path, file)).catch(() => undefined)));
  if (checkpoint) return stats.every(Boolean) ? checkpoint.id : '';
  if (!stats.every(Boolean)) return '';
  return [resolve(source.path), ...stats.map((file) => `${file?.size}@${file?.mtimeMs}`)].join(':');
}

export function createModelCache(mostBytes: number): ModelCache {
  const entries = new Map<string, { loaded: LoadedModel; complete: boolean }>();
  const remove = (key: string): void => {
    const entry = entries.get(key);
    if (!entry) return;
    entries.delete(key);
    disposeModel(entry.loaded.model);
    disposeAdamW(entry.loaded.optimizer);
  };
  return {
    get: (key, withOptimizer) => {
      const entry = key === '' ? undefined : entries.get(key);
      if (!entry || (withOptimizer && !entry.complete)) return undefined;
      // Move to the end: the least recently used entry is first.
      entries.delete(key);
      entries.set(key, entry);
      return share(entry.loaded, withOptimizer);
    },
    put: (key, loaded, complete) => {
      if (key === '') return;
      remove(key);
      if (bytesOfModels([loaded]) > mostBytes) return;
      entries.set(key, { loaded: share(loaded, true), complete });
      for (const oldest of entries.keys()) {
        const held = bytesOfModels([...entries.values()].map((entry) => entry.loaded));
        if (entries.size <= MOST_MODELS && held <= mostBytes) break;
        remove(oldest);
      }
    },
    clear: () => {
      for (const key of entries.keys()) remove(key);
    },
  };
}

function share(loaded: LoadedModel, withOptimizer: boolean): LoadedModel {
  const { tf } = loaded.model.runtime;
  return {
    ...loaded,
    model: shareModel(loaded.model),
    optimizer: withOptimizer ? shareAdamW(tf, loaded.optimizer) : createAdamW(),
  };
}

/** Bytes on the device. What models share counts once, such as the weights beneath adapters. */
export function bytesOfModels(models: readonly Pick<LoadedModel, 'model' | 'optimizer'>[]): number {
  const sizes = new Map<object, number>();
  for (const { model, optimizer } of models) {
    for (const tensor of [...model.tensors, ...model.frozen, ...optimizer.first, ...optimizer.second]) {
      sizes.set(tensor.dataId, 4 * sizeOf(tensor.shape));
    }
  }
  return [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0);
}
