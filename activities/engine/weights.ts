import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import type * as tfc from '@tensorflow/tfjs-core';
import { RZeroError } from '../errors.ts';
import type { ModelConfig } from './config.ts';
import { familyOf } from './families/index.ts';
import { arrangeParameters, parameterSpecs, sizeOf } from './parameters.ts';
import type { ParameterSpec, Parameters, StoredTensor } from './parameters.ts';
import { formatSafetensorsHeader } from './safetensors.ts';
import type { NamedTensor } from './safetensors.ts';
import { ropeTables } from './rope.ts';
import type { RopeTables } from './rope.ts';
import type { Runtime } from './tensorflow.ts';
import { createUpload } from './upload.ts';

/**
 * Weights on a device. Tensors are never changed in place: an optimizer step replaces them, so models can share them
 * (`tf.clone` costs nothing) and a snapshot stays what it was.
 */
export interface Model {
  readonly runtime: Runtime;
  readonly config: ModelConfig;
  /** Of what is trained, and stored in a checkpoint: the weights or, with `config.lora`, the adapters. */
  readonly specs: readonly ParameterSpec[];
  readonly rope: RopeTables;
  /** In the order of `specs`; `replaceTensors` swaps them. */
  tensors: readonly tfc.Tensor[];
  /** The weights beneath adapters, in the order of `frozenSpecs`; empty when the weights are trained. */
  frozen: readonly tfc.Tensor[];
}

/**
 * @param stored values by Hugging Face name, [out, in] row-major.
 * @throws RZeroError `ModelUnreadable` naming a missing, misshapen or unknown tensor.
 */
export function createModel(runtime: Runtime, config: ModelConfig, stored: ReadonlyMap<string, Float32Array>): Model {
  const specs = parameterSpecs(config);
  refuseUnknownTensors(config, specs, stored.keys());
  const tensors = specs.map((spec) => {
    const values = joinStored(spec, (name) => stored.get(name));
    return runtime.tf.tensor(values, [...spec.shape], 'float32');
  });
  return { runtime, config, specs, rope: ropeTables(config), tensors, frozen: [] };
}

/** The stored tensors of a model, by stored name. */
export interface StoredTensors {
  readonly names: Iterable<string>;
  /** Number of values; undefined when there is no such tensor. */
  sizeOf(name: string): number | undefined;
  /** Fills `into` with the values that follow the first `from` ones. */
  read(name: string, into: Float32Array, from: number): Promise<void>;
}

/** Values that are in memory already. */
export function storedValues(values: ReadonlyMap<string, Float32Array>): StoredTensors {
  return {
    names: values.keys(),
    sizeOf: (name) => values.get(name)?.length,
    read: (name, into, from) => {
      into.set((values.get(name) as Float32Array).subarray(from, from + into.length));
      return Promise.resolve();
    },
  };
}

/**
 * The same from a source that is read tensor by tensor, so that the weights are in memory once and not twice.
 *
 * @param onValues sees all values in the order of a stored file
 */
export async function readModel(
  runtime: Runtime,
  config: ModelConfig,
  stored: StoredTensors,
  onValues?: (values: Float32Array) => void,
): Promise<Model> {
  const specs = parameterSpecs(config);
  refuseUnknownTensors(config, specs, stored.names);
  const tensors = await readParameters(runtime, specs, stored, { onValues });
  return { runtime, config, specs, rope: ropeTables(config), tensors, frozen: [] };
}

/**
 * One tensor for each of `specs`.
 *
 * @param prefix of the stored names
 * @throws RZeroError `ModelUnreadable` naming a missing or misshapen tensor
 */
export async function readParameters(
  { tf }: Pick<Runtime, 'tf'>,
  specs: readonly ParameterSpec[],
  stored: Omit<StoredTensors, 'names'>,
  { prefix = '', onValues }: { prefix?: string; onValues?: ((values: Float32Array) => void) | undefined } = {},
): Promise<tfc.Tensor[]> {
  const upload = createUpload(tf);
  const tensors: tfc.Tensor[] = [];
  try {
    for (const spec of specs) {
      for (const part of spec.stored) requireSize(part, stored.sizeOf(prefix + part.name));
      const parts = spec.stored.map(({ name, shape }) => ({
        shape,
        fill: async (into: Float32Array, from: number) => {
          await stored.read(prefix + name, into, from);
          onValues?.(into);
        },
      }));
      tensors.push(await upload.tensor(parts));
    }
    return tensors;
  } catch (error) {
    for (const tensor of tensors) tensor.dispose();
    throw error;
  }
}

/** Values of one runtime tensor from its stored parts. */
function joinStored(spec: ParameterSpec, get: (name: string) => Float32Array | undefined): Float32Array {
  const [only] = spec.stored;
  const whole = spec.stored.length === 1 ? get((only as StoredTensor).name) : undefined;
  if (whole?.length === sizeOf(spec.shape)) return whole;
  const joined = new Float32Array(sizeOf(spec.shape));
  let offset = 0;
  for (const part of spec.stored) {
    const values = get(part.name);
    requireSize(part, values?.length);
    joined.set(values as Float32Array, offset);
    offset += sizeOf(part.shape);
  }
  return joined;
}

function requireSize({ name, shape }: StoredTensor, found: number | undefined): void {
  if (found === undefined) throw unreadable(name, 'is missing');
  if (found !== sizeOf(shape)) {
    throw unreadable(name, `has ${found} values; config.json implies [${shape.join(', ')}] = ${sizeOf(shape)}`);
  }
}

/** A tensor that the model would ignore means that the architecture is another one. */
function refuseUnknownTensors(config: ModelConfig, specs: readonly ParameterSpec[], names: Iterable<string>): void {
  const known = new Set(specs.flatMap((spec) => spec.stored.map((part) => part.name)));
  for (const name of names) {
    if (!known.has(name) && !isDerivedTensor(config, name))
      throw unreadable(name, `does not belong to a ${familyOf(config).name} model`);
  }
}

/** Some files also store what follows from the rest. */
export function isDerivedTensor({ tieWordEmbeddings }: ModelConfig, name: string): boolean {
  return name.endsWith('.rotary_emb.inv_freq') || (tieWordEmbeddings && name === 'lm_head.weight');
}

function unreadable(tensor: string, message: string): RZeroError {
  return new RZeroError('ModelUnreadable', `Tensor ${tensor} ${message}.`, {
    field: tensor,
    fix: 'Use a complete model folder whose weights match its config.json.',
  });
}

export function parametersOf(model: Model): Parameters {
  return arrangeParameters(model.config, [...model.frozen, ...model.tensors]);
}

/** Takes ownership of `next` and frees the tensors it replaces. */
export function replaceTensors(model: Model, next: readonly tfc.Tensor[]): void {
  const previous = model.tensors;
  model.tensors = next;
  for (const tensor of previous) tensor.dispose();
}

/** A model with the same weights now; training one does not touch the other. */
export function shareModel(model: Model): Model {
  const clones = (tensors: readonly tfc.Tensor[]): tfc.Tensor[] =>
    tensors.map((tensor) => model.runtime.tf.clone(tensor));
  return { ...model, tensors: clones(model.tensors), frozen: clones(model.frozen) };
}

export function disposeModel(model: Model): void {
  for (const tensor of [...model.tensors, ...model.frozen]) tensor.dispose();
  model.tensors = [];
  model.frozen = [];
}

/** The stored form of a list of tensors that follows `specs`, one part at a time. */
export function* storedTensors(
  specs: readonly ParameterSpec[],
  tensors: readonly tfc.Tensor[],
): Generator<NamedTensor> {
  for (const [index, spec] of specs.entries()) {
    const values = (tensors[index] as tfc.Tensor).dataSync<'float32'>();
    let offset = 0;
    for (const part of spec.stored) {
      const size = sizeOf(part.shape);
      yield { name: part.name, shape: part.shape, data: values.subarray(offset, offset + size) };
      offset += size;
    }
  }
}

/** sha-256, hexadecimal, of the weights as `model.safetensors` holds them: the content hash of a model. */
export function weightsHash(model: Model): string {
  const hash = startHash(model.specs);
  for (const { data } of storedTensors(model.specs, model.tensors)) hash.update(bytesOf(data));
  return hash.digest('hex');
}

/** The same hash for values that are on their way: update it with their bytes, in the order of a stored file. */
export function startHash(specs: readonly ParameterSpec[]): Hash {
  return createHash('sha256').update(formatSafetensorsHeader(specs.flatMap((spec) => spec.stored)));
}

export function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
