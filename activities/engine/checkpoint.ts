/**
 * Checkpoints on disk: a folder `<root>/<id>` with config.json, model.safetensors, the tokenizer's files, the optimizer's
 * moments and a manifest that lists the sha-256 of each. The id is the sha-256 of the manifest's bytes, and the manifest
 * holds nothing but content, so equal content has an equal id wherever and whenever it is written. A checkpoint of adapters
 * holds these and their moments, and its manifest names the checkpoint beneath, which lies beside it.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, rename } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type * as tfc from '@tensorflow/tfjs-core';
import { RZeroError } from '../errors.ts';
import { ADAPTER_CONFIG, formatAdapterConfig } from './adapter-config.ts';
import type { AdamW } from './adamw.ts';
import {
  ADAPTERS,
  MANIFEST,
  WEIGHTS,
  adaptedModelId,
  corrupt,
  modelIdOfFiles,
  parseManifest,
  sha256,
} from './checkpoint-manifest.ts';
import type { BaseRef, CheckpointManifest } from './checkpoint-manifest.ts';
import type { ParameterSpec } from './parameters.ts';
import { prunedError, prunedFile, readPrunedMarker, removePrunedMarker } from './pruned-marker.ts';
import { formatSafetensorsHeader } from './safetensors.ts';
import { codeOf, exists, openStaging } from './staging.ts';
import type { Chunks, StagingFs } from './staging.ts';
import type { CheckpointFile, CheckpointRecord } from './types.ts';
import { storedTensors, weightsHash } from './weights.ts';
import type { Model } from './weights.ts';

export const OPTIMIZER = 'optimizer.safetensors';
/** Prefixes of the moments' names in `optimizer.safetensors`, as PyTorch calls them. */
export const MOMENTS = { first: 'exp_avg.', second: 'exp_avg_sq.' } as const;

export interface CheckpointContent {
  model: Model;
  optimizer: AdamW;
  /** config.json, tokenizer.json and other small files that make the folder a loadable model; those of adapters lie beneath. */
  companions: ReadonlyMap<string, Uint8Array>;
  /** Of a model with adapters. */
  base?: BaseRef | undefined;
}

/**
 * Writes `<root>/<id>`. Writing the same content again verifies and keeps what is there; a damaged copy is moved aside.
 *
 * @throws RZeroError `DiskFull`, and then nothing is left behind; `CheckpointMissing` when what adapters lie on is not in `root`
 */
export async function writeCheckpoint(
  root: string,
  { model, optimizer, companions, base }: CheckpointContent,
  fs?: StagingFs,
): Promise<CheckpointRecord> {
  if (base && !(await exists(join(root, base.id, MANIFEST)))) throw missing(join(root, base.id));
  const produce = async (write: WriteFile): Promise<void> => {
    await write(base ? ADAPTERS : WEIGHTS, tensorFile(model.specs, [{ prefix: '', tensors: model.tensors }]));
    if (optimizer.step > 0) {
      const moments = [
        { prefix: MOMENTS.first, tensors: optimizer.first },
        { prefix: MOMENTS.second, tensors: optimizer.second },
      ];
      await write(OPTIMIZER, tensorFile(model.specs, moments));
    }
    if (base) await write(ADAPTER_CONFIG, [adapterConfig(model, base)]);
    else for (const [name, bytes] of companions) await write(name, [bytes]);
  };
  return writeCheckpointFiles(root, { optimizerStep: optimizer.step, base }, produce, fs);
}

function adapterConfig({ config }: Model, base: BaseRef): Uint8Array {
  if (!config.lora) throw new RangeError('a model without adapters lies on nothing');
  return formatAdapterConfig(config.lora, `../${base.id}`);
}

/** Content hash of what a model computes with. */
export function modelIdOf(model: Model, base: BaseRef | undefined): string {
  return base ? adaptedModelId(base, sha256(adapterConfig(model, base)), weightsHash(model)) : weightsHash(model);
}

export type WriteFile = (name: string, chunks: Chunks) => Promise<void>;

/**
 * The same for files that come from elsewhere.
 *
 * @param produce writes every file but the manifest, the weights or adapters among them; may be called twice
 */
export async function writeCheckpointFiles(
  root: string,
  about: { optimizerStep: number; base?: BaseRef | undefined },
  produce: (write: WriteFile) => Promise<void>,
  fs?: StagingFs,
): Promise<CheckpointRecord> {
  const { optimizerStep, base } = about;
  const staging = await openStaging(root, fs);
  try {
    const files: CheckpointFile[] = [];
    await produce(async (name, chunks) => {
      files.push(await staging.write(name, chunks));
    });
    files.sort((a, b) => (a.name < b.name ? -1 : 1));
    const modelId = modelIdOfFiles(files, base);
    if (modelId === undefined) throw new RangeError(`a checkpoint needs ${base ? ADAPTERS : WEIGHTS}`);
    const manifest: CheckpointManifest = base
      ? { formatVersion: 2, modelId, base, optimizerStep, files }
      : { formatVersion: 1, modelId, optimizerStep, files };
    const bytes = Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`, 'utf8');
    await staging.write(MANIFEST, [bytes]);
    const id = sha256(bytes);
    if (await readPrunedMarker(join(root, id))) {
      // In place, because other runs may be reading what is still there.
      await staging.mend(id);
      await removePrunedMarker(join(root, id));
    }
    if (!(await staging.commit(id)) && !(await isIntact(join(root, id)))) {
      await moveAside(join(root, id));
      return await writeCheckpointFiles(root, about, produce, fs);
    }
    return toRecord(join(root, id), id, manifest, bytes.length);
  } catch (error) {
    await staging.discard();
    throw error;
  }
}

const DAMAGED: ReadonlySet<string> = new Set(['CheckpointCorrupt', 'CheckpointMissing', 'CheckpointPruned']);

async function isIntact(path: string): Promise<boolean> {
  try {
    await verifyCheckpoint(path);
    return true;
  } catch (error) {
    if (error instanceof RZeroError && DAMAGED.has(error.code)) return false;
    throw error;
  }
}

/** A damaged checkpoint must not stand in the way of a good one, and may still tell what happened. */
async function moveAside(path: string): Promise<void> {
  let copy = 1;
  while (await exists(`${path}.damaged-${copy}`)) copy++;
  await rename(path, `${path}.damaged-${copy}`);
}

/**
 * Reads a folder's manifest without hashing the files.
 *
 * @returns undefined for a folder without one, such as a base model
 * @throws RZeroError `CheckpointCorrupt` when it is malformed or its hash is not `expectId`
 */
export async function readCheckpointManifest(
  path: string,
  expectId?: string,
): Promise<{ id: string; manifest: CheckpointManifest; bytes: number } | undefined> {
  let bytes: Buffer;
  try {
    bytes = await readFile(join(path, MANIFEST));
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENOTDIR') throw error;
    if (expectId === undefined) return undefined;
    throw (await exists(path)) ? corrupt(path, MANIFEST, 'is missing') : missing(path, error);
  }
  const id = sha256(bytes);
  if (expectId !== undefined && id !== expectId) throw corrupt(path, MANIFEST, `has the hash ${id}, not ${expectId}`);
  return { id, manifest: parseManifest(path, bytes), bytes: bytes.length };
}

/**
 * Hashes every file of a checkpoint.
 *
 * @param expectId the folder's name when omitted
 * @param needs `optimizer: false` when the moments will not be read: then they may have been pruned
 * @throws RZeroError `CheckpointMissing`, `CheckpointPruned`, `CheckpointCorrupt` naming the first file that differs
 */
export async function verifyCheckpoint(
  path: string,
  expectId: string = basename(path),
  needs: { optimizer: boolean } = { optimizer: true },
): Promise<CheckpointRecord> {
  const read = await readCheckpointManifest(path, expectId);
  if (!read) throw missing(path);
  for (const file of read.manifest.files) {
    if (!needs.optimizer && file.name === OPTIMIZER && (await prunedFile(path, file.name))) continue;
    const actual = await hashFile(path, file.name);
    if (actual.bytes !== file.bytes) {
      throw corrupt(path, file.name, `has ${actual.bytes} bytes; the manifest says ${file.bytes}`);
    }
    if (actual.sha256 !== file.sha256) throw corrupt(path, file.name, 'does not match its hash in the manifest');
  }
  return toRecord(path, read.id, read.manifest, read.bytes);
}

/** @throws RZeroError `CheckpointPruned`, or `CheckpointCorrupt` when the file is gone without a word */
export async function hashFile(folder: string, name: string): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    for await (const chunk of createReadStream(join(folder, name), { highWaterMark: 1 << 20 })) {
      hash.update(chunk as Buffer);
      bytes += (chunk as Buffer).length;
    }
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    const pruned = await prunedFile(folder, name);
    throw pruned ? prunedError(folder, name, pruned) : corrupt(folder, name, 'is missing');
  }
  return { bytes, sha256: hash.digest('hex') };
}

function toRecord(path: string, id: string, manifest: CheckpointManifest, manifestBytes: number): CheckpointRecord {
  return {
    id,
    path: resolve(path),
    bytes: manifest.files.reduce((sum, file) => sum + file.bytes, manifestBytes),
    files: manifest.files,
    optimizerStep: manifest.optimizerStep,
    ...(manifest.base ? { base: manifest.base.id } : {}),
  };
}

/** Header and data of a safetensors file. Tensors are read from the device one after the other. */
function* tensorFile(
  specs: readonly ParameterSpec[],
  lists: readonly { prefix: string; tensors: readonly tfc.Tensor[] }[],
): Generator<Uint8Array> {
  const parts = specs.flatMap((spec) => spec.stored);
  yield formatSafetensorsHeader(
    lists.flatMap(({ prefix }) => parts.map(({ name, shape }) => ({ name: prefix + name, shape }))),
  );
  for (const { tensors } of lists) {
    for (const { data } of storedTensors(specs, tensors)) {
      yield new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    }
  }
}

function missing(path: string, cause?: unknown): RZeroError {
  return new RZeroError('CheckpointMissing', `There is no checkpoint at ${path}.`, {
    field: 'path',
    fix: 'Restore it and resume, or start another run.',
    cause,
  });
}
