import { join } from 'node:path';
import { RZeroError } from '../errors.ts';
import { WEIGHTS, readCheckpointManifest, verifyCheckpoint, writeCheckpointFiles } from './checkpoint.ts';
import { readModelConfig } from './config.ts';
import { readCompanions, weightFiles } from './model-folder.ts';
import { parameterSpecs } from './parameters.ts';
import { formatSafetensorsHeader, openSafetensors } from './safetensors.ts';
import type { SafetensorsFile } from './safetensors.ts';
import { loadTokenizer } from './tokenizer.ts';
import type { CheckpointRecord } from './types.ts';

/**
 * Copies a model folder into a checkpoint store, without TensorFlow: weights as 32-bit floats in one file, configuration
 * and tokenizer beside them. The same model always gets the same id.
 *
 * @param folder a Hugging Face model folder, or a checkpoint of ours, which is verified first
 * @throws RZeroError `ModelUnreadable`, `TokenizerUnreadable`, `CheckpointCorrupt`, `DiskFull`
 */
export async function importModel(folder: string, root: string): Promise<CheckpointRecord> {
  const checkpoint = await readCheckpointManifest(folder);
  if (checkpoint) await verifyCheckpoint(folder, checkpoint.id);
  const { config } = await readModelConfig(folder);
  await loadTokenizer(folder);
  const names = checkpoint ? [WEIGHTS] : await weightFiles(folder);
  const files = await Promise.all(names.map((name) => openSafetensors(join(folder, name))));
  try {
    const stored = parameterSpecs(config).flatMap((spec) => spec.stored);
    const sources = stored.map(({ name, shape }) => ({ name, file: holding(files, name, shape, folder) }));
    const companions = await readCompanions(folder);
    return await writeCheckpointFiles(root, 0, async (write) => {
      await write(WEIGHTS, weights(stored, sources));
      for (const [name, bytes] of companions) await write(name, [bytes]);
    });
  } finally {
    await Promise.all(files.map((file) => file.close()));
  }
}

async function* weights(
  stored: readonly { name: string; shape: readonly number[] }[],
  sources: readonly { name: string; file: SafetensorsFile }[],
): AsyncGenerator<Uint8Array> {
  yield formatSafetensorsHeader(stored);
  for (const { name, file } of sources) {
    const data = await file.read(name);
    yield new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
}

function holding(
  files: readonly SafetensorsFile[],
  name: string,
  shape: readonly number[],
  folder: string,
): SafetensorsFile {
  const file = files.find(({ entries }) => entries.has(name));
  const found = file?.entries.get(name)?.shape;
  if (file && found?.join('x') === shape.join('x')) return file;
  const what = found ? `has shape ${found.join('x')} where config.json says ${shape.join('x')}` : 'is missing';
  throw new RZeroError('ModelUnreadable', `Tensor "${name}" of the model in ${folder} ${what}.`, {
    field: name,
    fix: 'Fetch the model again, or correct its config.json.',
  });
}
