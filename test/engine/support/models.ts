import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { addAdapters } from '../../../activities/engine/adapter-model.ts';
import { formatModelConfig } from '../../../activities/engine/config.ts';
import type { ModelConfig } from '../../../activities/engine/config.ts';
import { initializeModel } from '../../../activities/engine/initialize.ts';
import { resolveLora } from '../../../activities/engine/lora.ts';
import type { LoraOptions } from '../../../activities/engine/lora.ts';
import { sizeOf, trainedSpecs } from '../../../activities/engine/parameters.ts';
import { normals } from '../../../activities/engine/random.ts';
import { formatSafetensorsHeader } from '../../../activities/engine/safetensors.ts';
import { loadRuntime } from '../../../activities/engine/tensorflow.ts';
import type { Runtime } from '../../../activities/engine/tensorflow.ts';
import { storedTensors, storedValues } from '../../../activities/engine/weights.ts';
import type { Model } from '../../../activities/engine/weights.ts';

/** Grouped-query attention, an untied head, sizes that are all different. */
export const TINY: ModelConfig = {
  vocabSize: 11,
  hiddenSize: 12,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 4,
  intermediateSize: 10,
  maxPositions: 40,
  ropeTheta: 500,
  rmsNormEps: 1e-5,
  tieWordEmbeddings: false,
  eosTokenIds: [2],
};

/** As many heads as key-value heads, a tied head: the shape of the demo's model. */
export const TIED: ModelConfig = { ...TINY, heads: 3, kvHeads: 3, tieWordEmbeddings: true };

/** The demo's size. */
export const DEMO: ModelConfig = {
  vocabSize: 28,
  hiddenSize: 64,
  layers: 2,
  heads: 4,
  kvHeads: 4,
  headDim: 16,
  intermediateSize: 176,
  maxPositions: 64,
  ropeTheta: 1000,
  rmsNormEps: 1e-6,
  tieWordEmbeddings: true,
  eosTokenIds: [2],
};

/** Two threads on every machine: sums are reproducible for a fixed number. */
export function runtime(): Promise<Runtime> {
  return loadRuntime({ threads: 2 });
}

/** Logits with a spread of about 1.5: the next token depends on what came before, and is still open. */
export async function makeModel(config: ModelConfig, seed = '00000000000000a1'): Promise<Model> {
  return initializeModel(await runtime(), config, { seed, embeddingStd: 1.5 / Math.sqrt(config.hiddenSize) });
}

/** Adapters that already change what the model computes. */
export async function makeAdapted(config: ModelConfig, options: LoraOptions, seed?: string): Promise<Model> {
  const lora = resolveLora(options);
  const specs = trainedSpecs({ ...config, lora }).flatMap((spec) => spec.stored);
  const values = new Map(
    specs.map(({ name, shape }, stream) => [name, normals([7, 9], stream, sizeOf(shape)).map((x) => 0.3 * x)]),
  );
  return addAdapters(await makeModel(config, seed), lora, storedValues(values));
}

/** The model's weights by stored name, in double precision. */
export function storedWeights(model: Model): Map<string, Float64Array> {
  return new Map(
    [...storedTensors(model.specs, model.tensors)].map(({ name, data }) => [name, Float64Array.from(data)]),
  );
}

export async function temporaryFolder(t: Pick<TestContext, 'after'>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'r-zero-engine-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A model folder without a manifest, as a base model has. */
export async function writeBaseModel(folder: string, config: ModelConfig, seed?: string): Promise<void> {
  const model = await makeModel(config, seed);
  const parts = [...storedTensors(model.specs, model.tensors)];
  const data = parts.map(({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  await writeFile(join(folder, 'model.safetensors'), Buffer.concat([formatSafetensorsHeader(parts), ...data]));
  await writeFile(join(folder, 'config.json'), formatModelConfig(config));
}

/** A 64-bit seed for an index. */
export function seedOf(index: number): string {
  return (((BigInt(index) + 1n) * 0x9e3779b97f4a7c15n) & ((1n << 64n) - 1n)).toString(16).padStart(16, '0');
}

/** Deterministic token ids that are not special. */
export function tokensOf(length: number, salt: number, vocabSize: number): number[] {
  return Array.from({ length }, (_, i) => 3 + ((i * 7 + salt * 5 + ((i * salt) % 3)) % (vocabSize - 3)));
}
