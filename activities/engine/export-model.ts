/** Writes a model as a Hugging Face folder: what `transformers`, llama.cpp's converter and `importModel` read. */
import { basename, dirname, resolve } from 'node:path';
import { RZeroError } from '../errors.ts';
import { WEIGHTS } from './checkpoint-manifest.ts';
import type { ModelConfig } from './config.ts';
import { weightBytes } from './import-model.ts';
import { openModelFiles } from './model-files.ts';
import { exists, openStaging } from './staging.ts';
import type { CheckpointFile } from './types.ts';

export interface ExportedModel {
  /** Absolute. */
  path: string;
  config: ModelConfig;
  files: CheckpointFile[];
}

/**
 * Weights as 32-bit floats in one file. The folder appears complete or not at all.
 *
 * @param path a folder, a checkpoint of ours, or a `.gguf` file
 * @param out must not exist
 * @param extra further small files by name
 * @throws RZeroError `ModelUnreadable`, `TokenizerUnreadable`, `CheckpointCorrupt`, `DiskFull`
 */
export async function exportModel(
  path: string,
  out: string,
  extra: ReadonlyMap<string, Uint8Array> = new Map(),
): Promise<ExportedModel> {
  const target = resolve(out);
  if (await exists(target)) throw taken(target);
  const model = await openModelFiles(path);
  try {
    const staging = await openStaging(dirname(target));
    try {
      const files = [await staging.write(WEIGHTS, weightBytes(model))];
      for (const [name, bytes] of asExported(model.companions, extra)) files.push(await staging.write(name, [bytes]));
      if (!(await staging.commit(basename(target)))) throw taken(target);
      return { path: target, config: model.config, files };
    } catch (error) {
      await staging.discard();
      throw error;
    }
  } finally {
    await model.weights.close();
  }
}

function asExported(companions: ReadonlyMap<string, Uint8Array>, extra: ReadonlyMap<string, Uint8Array>) {
  const files = new Map([...companions, ...extra]);
  const config = JSON.parse(Buffer.from(files.get('config.json')!).toString('utf8')) as Record<string, unknown>;
  // Loaders cast the weights to the type that is named here.
  delete config['dtype'];
  files.set('config.json', jsonBytes({ ...config, torch_dtype: 'float32' }));
  if (!files.has('generation_config.json')) {
    const { bos_token_id, eos_token_id, pad_token_id } = config;
    files.set('generation_config.json', jsonBytes({ bos_token_id, eos_token_id, pad_token_id }));
  }
  return files;
}

function jsonBytes(value: object): Uint8Array {
  return Buffer.from(`${JSON.stringify(value, null, 2)}\n`, 'utf8');
}

function taken(target: string): RZeroError {
  return new RZeroError('ModelUnreadable', `${target} exists already.`, {
    field: 'out',
    fix: 'Name a folder that does not exist, or remove this one.',
  });
}
