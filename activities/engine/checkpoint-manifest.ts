/** The manifest of a checkpoint: what it lists, and what makes it valid. */
import { createHash } from 'node:crypto';
import { dirname, join, resolve } from 'node:path';
import { RZeroError } from '../errors.ts';
import { ADAPTER_CONFIG } from './adapter-config.ts';
import type { CheckpointFile } from './types.ts';
import { shown } from './shown.ts';

export const MANIFEST = 'manifest.json';
export const WEIGHTS = 'model.safetensors';
/** As `peft` names it. */
export const ADAPTERS = 'adapter_model.safetensors';

/** A checkpoint that adapters lie on. */
export interface BaseRef {
  /** Name of its folder, beside that of the adapters. */
  id: string;
  modelId: string;
}

export interface CheckpointManifest {
  /** 2: of adapters. */
  formatVersion: 1 | 2;
  /** sha-256 of `model.safetensors`; of adapters, `adaptedModelId`. */
  modelId: string;
  /** Of adapters only. */
  base?: BaseRef;
  /** AdamW steps behind the moments; 0 when there are none. */
  optimizerStep: number;
  /** By name. */
  files: CheckpointFile[];
}

/** Folder of the checkpoint that the adapters in `path` lie on. */
export function basePath(path: string, { id }: BaseRef): string {
  return join(dirname(resolve(path)), id);
}

/** @returns undefined when the file that it is the hash of is not among them */
export function modelIdOfFiles(files: readonly CheckpointFile[], base: BaseRef | undefined): string | undefined {
  const hashOf = (name: string): string | undefined => files.find((file) => file.name === name)?.sha256;
  if (!base) return hashOf(WEIGHTS);
  const [config, adapters] = [hashOf(ADAPTER_CONFIG), hashOf(ADAPTERS)];
  return config && adapters ? adaptedModelId(base, config, adapters) : undefined;
}

/** Content hash of a model with adapters, from the sha-256 of their two files. */
export function adaptedModelId(base: BaseRef, config: string, adapters: string): string {
  return sha256(Buffer.from([base.modelId, config, adapters].join('\n'), 'utf8'));
}

/** @throws RZeroError `CheckpointCorrupt` */
export function parseManifest(path: string, bytes: Buffer): CheckpointManifest {
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw corrupt(path, MANIFEST, 'is not valid JSON', error);
  }
  const { formatVersion, modelId, base, optimizerStep, files } = (json ?? {}) as Partial<Record<string, unknown>>;
  if (formatVersion !== 1 && formatVersion !== 2)
    throw corrupt(path, MANIFEST, `has format ${shown(formatVersion)}; this version reads 1 and 2`);
  const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
  const isHash = (value: unknown): value is string => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
  const isFile = (file: unknown): file is CheckpointFile => {
    const { name, bytes, sha256 } = (file ?? {}) as Partial<CheckpointFile>;
    const plain = typeof name === 'string' && /^[\w-][\w.-]*$/.test(name);
    return plain && isCount(bytes) && isHash(sha256);
  };
  const isBase = (value: unknown): value is BaseRef => {
    const { id, modelId } = (value ?? {}) as Partial<BaseRef>;
    return isHash(id) && isHash(modelId);
  };
  if (!isCount(optimizerStep) || !Array.isArray(files) || !files.every(isFile)) {
    throw corrupt(path, MANIFEST, 'is malformed');
  }
  if (formatVersion === 2 && !isBase(base))
    throw corrupt(path, MANIFEST, 'names no checkpoint that its adapters lie on');
  const beneath = formatVersion === 2 ? (base as BaseRef) : undefined;
  if (modelId === undefined || modelIdOfFiles(files, beneath) !== modelId) {
    throw corrupt(path, MANIFEST, `does not list ${beneath ? ADAPTERS : WEIGHTS}`);
  }
  const common = { modelId: modelId as string, optimizerStep: optimizerStep as number, files };
  return beneath ? { formatVersion: 2, ...common, base: beneath } : { formatVersion: 1, ...common };
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function corrupt(folder: string, file: string, what: string, cause?: unknown): RZeroError {
  return new RZeroError('CheckpointCorrupt', `${join(folder, file)} ${what}.`, {
    field: file,
    fix: 'Restore the folder from a copy and resume, or start another run.',
    cause,
  });
}
