import { WEIGHTS } from './checkpoint-manifest.ts';
import { writeCheckpointFiles } from './checkpoint.ts';
import { openModelFiles } from './model-files.ts';
import type { ModelFiles } from './model-files.ts';
import { formatSafetensorsHeader } from './safetensors.ts';
import type { CheckpointRecord } from './types.ts';

/**
 * Copies a model into a checkpoint store, without TensorFlow: weights as 32-bit floats in one file, configuration and
 * tokenizer beside them. The same model always gets the same id.
 *
 * @param path a Hugging Face model folder, a checkpoint of ours, which is verified first and whose adapters are merged, or a GGUF file
 * @throws RZeroError `ModelUnreadable`, `TokenizerUnreadable`, `CheckpointCorrupt`, `DiskFull`
 */
export async function importModel(path: string, root: string): Promise<CheckpointRecord> {
  const files = await openModelFiles(path);
  try {
    return await writeCheckpointFiles(root, { optimizerStep: 0 }, async (write) => {
      await write(WEIGHTS, weightBytes(files));
      for (const [name, bytes] of files.companions) await write(name, [bytes]);
    });
  } finally {
    await files.weights.close();
  }
}

/** The bytes of model.safetensors. */
export async function* weightBytes({ tensors, weights }: ModelFiles): AsyncGenerator<Uint8Array> {
  yield formatSafetensorsHeader(tensors);
  for (const { name } of tensors) {
    for await (const { buffer, byteOffset, byteLength } of weights.pieces(name)) {
      yield new Uint8Array(buffer, byteOffset, byteLength);
    }
  }
}
