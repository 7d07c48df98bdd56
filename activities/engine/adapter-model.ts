/** A model with adapters on it: new ones that change nothing yet, or stored ones. */
import { RZeroError } from '../errors.ts';
import type { ModelConfig } from './config.ts';
import type { LoraConfig } from './lora.ts';
import { sizeOf, trainedSpecs } from './parameters.ts';
import { parseSeed, uniforms } from './random.ts';
import { readParameters, storedValues } from './weights.ts';
import type { Model, StoredTensors } from './weights.ts';

/**
 * As `peft` begins: A uniform in ±1/sqrt(in), which is what Kaiming's rule gives with a = sqrt(5) (`torch.nn.Linear`), and
 * B zero, so that the model computes what it did. Takes over the tensors of `model`.
 *
 * @param seed 16 hexadecimal digits; the same seed gives the same adapters
 */
export async function addNewAdapters(model: Model, lora: LoraConfig, seed: string): Promise<Model> {
  return addAdapters(model, lora, storedValues(initialAdapters({ ...model.config, lora }, seed)));
}

/**
 * Adapters by the names that `peft` gives them. Takes over the tensors of `model`.
 *
 * @throws RZeroError `ModelUnreadable` naming a missing, misshapen or unknown tensor
 */
export async function addAdapters(model: Model, lora: LoraConfig, stored: StoredTensors): Promise<Model> {
  const config = { ...model.config, lora };
  const specs = trainedSpecs(config);
  const known = new Set(specs.flatMap((spec) => spec.stored.map(({ name }) => name)));
  for (const name of stored.names) if (!known.has(name)) throw unknownTensor(name);
  return {
    ...model,
    config,
    specs,
    tensors: await readParameters(model.runtime, specs, stored),
    frozen: model.tensors,
  };
}

function initialAdapters(config: ModelConfig, seed: string): Map<string, Float32Array> {
  const key = parseSeed(seed, 'lora.seed');
  const values = new Map<string, Float32Array>();
  for (const [stream, { name, shape }] of trainedSpecs(config)
    .flatMap((spec) => spec.stored)
    .entries()) {
    const size = sizeOf(shape);
    const bound = name.endsWith('lora_A.weight') ? 1 / Math.sqrt(shape[1] as number) : 0;
    values.set(name, bound === 0 ? new Float32Array(size) : within(bound, uniforms(key, stream, size)));
  }
  return values;
}

function within(bound: number, draws: Float64Array): Float32Array {
  return Float32Array.from(draws, (u) => (2 * u - 1) * bound);
}

function unknownTensor(name: string): RZeroError {
  return new RZeroError('ModelUnreadable', `Tensor ${name} belongs to no adapter that adapter_config.json names.`, {
    field: name,
    fix: 'Use adapters whose weights match their configuration and the model beneath.',
  });
}
