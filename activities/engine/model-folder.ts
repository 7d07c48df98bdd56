import type { Hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RZeroError } from '../errors.ts';
import { createAdamW } from './adamw.ts';
import type { AdamW } from './adamw.ts';
import { ADAPTER_CONFIG, parseAdapterConfig } from './adapter-config.ts';
import { addAdapters } from './adapter-model.ts';
import { ADAPTERS, MANIFEST, WEIGHTS, basePath, corrupt } from './checkpoint-manifest.ts';
import type { BaseRef } from './checkpoint-manifest.ts';
import { MOMENTS, OPTIMIZER, readCheckpointManifest, verifyCheckpoint } from './checkpoint.ts';
import { readModelConfig } from './config.ts';
import { parameterSpecs } from './parameters.ts';
import { openSafetensors } from './safetensors.ts';
import type { SafetensorsFile } from './safetensors.ts';
import { codeOf } from './staging.ts';
import type { Runtime } from './tensorflow.ts';
import type { ModelSource } from './types.ts';
import { bytesOf, disposeModel, readModel, readParameters, startHash } from './weights.ts';
import type { Model, StoredTensors } from './weights.ts';

const SHARD_INDEX = 'model.safetensors.index.json';

/** Small files that travel with the weights, so that a checkpoint is a complete model. */
const COMPANIONS = [
  'config.json',
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'chat_template.jinja',
  'r-zero.json',
];

export interface LoadedModel {
  model: Model;
  optimizer: AdamW;
  companions: Map<string, Uint8Array>;
  /** Content hash of the weights. */
  modelId: string;
  /** Present for a checkpoint of ours. */
  checkpointId?: string;
  /** What adapters lie on. */
  base?: BaseRef | undefined;
}

/**
 * Loads a base model or a checkpoint; all hashes of a checkpoint are verified first. Moments that are not asked for may be pruned.
 *
 * @param openBase opens what adapters lie on; in the same way when omitted
 * @throws RZeroError `ModelUnreadable`, `CheckpointCorrupt`, `CheckpointMissing`, `CheckpointPruned`
 */
export async function loadModelFolder(
  runtime: Runtime,
  source: ModelSource,
  openBase: (source: ModelSource) => Promise<LoadedModel> = (base) => loadModelFolder(runtime, base),
): Promise<LoadedModel> {
  const { path, expectId, withOptimizer = false } = source;
  const checkpoint = await readCheckpointManifest(path, expectId);
  if (checkpoint) await verifyCheckpoint(path, checkpoint.id, { optimizer: withOptimizer });
  if (checkpoint?.manifest.base) {
    const { id, manifest } = checkpoint;
    const { base } = checkpoint.manifest;
    const beneath = await openBase({ path: basePath(path, base), expectId: base.id });
    const model = await loadAdapters(path, beneath.model);
    const optimizer = await loadOptimizer(path, model, withOptimizer ? manifest.optimizerStep : 0);
    return { model, optimizer, companions: beneath.companions, modelId: manifest.modelId, checkpointId: id, base };
  }

  const { config } = await readModelConfig(path);
  const names = checkpoint ? [WEIGHTS] : await weightFiles(path);
  const hash = checkpoint ? undefined : startHash(parameterSpecs(config));
  const model = await withTensors(path, names, (stored) =>
    readModel(runtime, config, stored, (values) => hash?.update(bytesOf(values))),
  );
  const optimizer = await loadOptimizer(path, model, withOptimizer ? (checkpoint?.manifest.optimizerStep ?? 0) : 0);
  return {
    model,
    optimizer,
    companions: await readCompanions(path),
    modelId: checkpoint?.manifest.modelId ?? (hash as Hash).digest('hex'),
    ...(checkpoint ? { checkpointId: checkpoint.id } : {}),
  };
}

/** Takes over the tensors of `beneath`. */
async function loadAdapters(path: string, beneath: Model): Promise<Model> {
  try {
    if (beneath.config.lora) throw corrupt(path, MANIFEST, 'names adapters as what its adapters lie on');
    const lora = parseAdapterConfig(await readFile(join(path, ADAPTER_CONFIG)));
    return await withTensors(path, [ADAPTERS], (stored) => addAdapters(beneath, lora, stored));
  } catch (error) {
    disposeModel(beneath);
    throw error;
  }
}

/** @param step 0 for a fresh one */
async function loadOptimizer(path: string, { runtime, specs }: Model, step: number): Promise<AdamW> {
  const optimizer = createAdamW();
  if (step === 0) return optimizer;
  await withTensors(path, [OPTIMIZER], async (stored) => {
    optimizer.first = await readParameters(runtime, specs, stored, { prefix: MOMENTS.first });
    optimizer.second = await readParameters(runtime, specs, stored, { prefix: MOMENTS.second });
  });
  optimizer.step = step;
  return optimizer;
}

/** Opens the files of a folder for as long as `use` reads tensors from them. */
async function withTensors<T>(
  folder: string,
  files: readonly string[],
  use: (stored: StoredTensors) => Promise<T>,
): Promise<T> {
  const opened: SafetensorsFile[] = [];
  try {
    for (const file of files) opened.push(await openSafetensors(join(folder, file)));
    const holders = new Map(opened.flatMap((file) => [...file.entries.keys()].map((name) => [name, file])));
    return await use({
      names: holders.keys(),
      sizeOf: (name) => holders.get(name)?.sizeOf(name),
      read: async (name, into, from) => await holders.get(name)?.readInto(name, into, from),
    });
  } finally {
    await Promise.all(opened.map((file) => file.close()));
  }
}

/** One file, or those that the index of a sharded model names. */
export async function weightFiles(folder: string): Promise<string[]> {
  const text = await readIfThere(join(folder, SHARD_INDEX));
  if (!text) return [WEIGHTS];
  let map: unknown;
  try {
    map = (JSON.parse(text.toString('utf8')) as { weight_map?: unknown }).weight_map;
  } catch (error) {
    throw badIndex('is not valid JSON', error);
  }
  const files = typeof map === 'object' && map !== null ? [...new Set(Object.values(map))] : [];
  const plain = (file: unknown): file is string => typeof file === 'string' && /^[\w-][\w.-]*\.safetensors$/.test(file);
  if (files.length === 0 || !files.every(plain)) throw badIndex('has no usable weight_map');
  return files.sort();
}

function badIndex(what: string, cause?: unknown): RZeroError {
  return new RZeroError('ModelUnreadable', `${SHARD_INDEX} ${what}.`, {
    field: SHARD_INDEX,
    fix: 'Fetch the model again.',
    cause,
  });
}

/** The small files of a model folder that a checkpoint carries along, by name. */
export async function readCompanions(folder: string): Promise<Map<string, Uint8Array>> {
  const found = new Map<string, Uint8Array>();
  for (const name of COMPANIONS) {
    const bytes = await readIfThere(join(folder, name));
    if (bytes) found.set(name, bytes);
  }
  return found;
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
