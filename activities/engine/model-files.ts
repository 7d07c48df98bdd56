/** A model as files: a Hugging Face folder, a checkpoint of ours, or a GGUF file, seen the same way. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { RZeroError } from '../errors.ts';
import { WEIGHTS, basePath } from './checkpoint-manifest.ts';
import { readCheckpointManifest, verifyCheckpoint } from './checkpoint.ts';
import { formatModelConfig, readModelConfig } from './config.ts';
import type { ModelConfig } from './config.ts';
import { familyOf } from './families/index.ts';
import { ggufConfig } from './gguf/config.ts';
import { asModelUnreadable } from './gguf/error.ts';
import { openGguf } from './gguf/file.ts';
import type { GgufFile } from './gguf/file.ts';
import { ggufWeights } from './gguf/tensors.ts';
import { ggufTokenizer } from './gguf/tokenizer.ts';
import { mergedWeights } from './merge-adapters.ts';
import { readCompanions, weightFiles } from './model-folder.ts';
import { parameterSpecs } from './parameters.ts';
import type { StoredTensor } from './parameters.ts';
import { openSafetensors } from './safetensors.ts';
import { createTokenizer, loadTokenizer } from './tokenizer.ts';
import type { WeightSource } from './weight-source.ts';
import { isDerivedTensor } from './weights.ts';

export interface ModelFiles {
  readonly config: ModelConfig;
  /** config.json, tokenizer.json and the other small files of a folder, by name. */
  readonly companions: ReadonlyMap<string, Uint8Array>;
  /** What the model needs, in the order in which checkpoints store it; the source holds all of it in these shapes. */
  readonly tensors: readonly StoredTensor[];
  readonly weights: WeightSource;
}

/**
 * Opens and checks everything but the values of the weights. Close `weights` after use.
 *
 * @param path a folder or a `.gguf` file; a checkpoint of ours is verified first, and its adapters are merged into the weights
 * @throws RZeroError `ModelUnreadable`, `TokenizerUnreadable`, `CheckpointCorrupt`
 */
export async function openModelFiles(path: string): Promise<ModelFiles> {
  const files = (await isFile(path)) ? await openGgufModel(path) : await openFolder(path);
  const tensors = parameterSpecs(files.config).flatMap((spec) => spec.stored);
  try {
    refuseMismatch(path, files.config, tensors, files.weights);
  } catch (error) {
    await files.weights.close();
    throw error;
  }
  return { ...files, tensors };
}

/** The configuration alone. @throws RZeroError `ModelUnreadable` */
export async function readConfigOf(path: string): Promise<ModelConfig> {
  if (!(await isFile(path))) return (await readModelConfig(await weightsFolder(path))).config;
  const file = await openGguf(path);
  try {
    return (await ggufConfig(file)).config;
  } catch (error) {
    throw asModelUnreadable(path, error);
  } finally {
    await file.close();
  }
}

/** config.json, the tokenizer and other small files, by name; of a GGUF file, those that an import would write. */
export async function readCompanionsOf(path: string): Promise<ReadonlyMap<string, Uint8Array>> {
  if (!(await isFile(path))) return readCompanions(await weightsFolder(path));
  const { companions, weights } = await openGgufModel(path);
  await weights.close();
  return companions;
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    throw new RZeroError('ModelUnreadable', `There is no model at ${path}.`, {
      field: 'path',
      fix: 'Give a folder with config.json and *.safetensors, or a .gguf file.',
      cause: error,
    });
  }
}

/** The folder itself, or that of what its adapters lie on. */
async function weightsFolder(folder: string): Promise<string> {
  const base = (await readCheckpointManifest(folder))?.manifest.base;
  return base ? basePath(folder, base) : folder;
}

async function openFolder(folder: string, expectId?: string): Promise<Omit<ModelFiles, 'tensors'>> {
  const checkpoint = await readCheckpointManifest(folder, expectId);
  if (checkpoint) await verifyCheckpoint(folder, checkpoint.id, { optimizer: false });
  const base = checkpoint?.manifest.base;
  if (base) {
    const beneath = await openFolder(basePath(folder, base), base.id);
    return { ...beneath, weights: await mergedWeights(folder, beneath.weights) };
  }
  const { config } = await readModelConfig(folder);
  await loadTokenizer(folder);
  const companions = await readCompanions(folder);
  const names = checkpoint ? [WEIGHTS] : await weightFiles(folder);
  const files = await Promise.all(names.map((name) => openSafetensors(join(folder, name))));
  const holders = new Map(files.flatMap((file) => [...file.entries.keys()].map((name) => [name, file])));
  const weights: WeightSource = {
    shapes: new Map(files.flatMap((file) => [...file.entries].map(([name, { shape }]) => [name, shape]))),
    pieces: (name) => holders.get(name)!.pieces(name),
    close: async () => void (await Promise.all(files.map((file) => file.close()))),
  };
  return { config, companions, weights };
}

async function openGgufModel(path: string): Promise<Omit<ModelFiles, 'tensors'>> {
  const file = await openGguf(path);
  try {
    return await readGgufModel(file);
  } catch (error) {
    await file.close();
    throw asModelUnreadable(path, error);
  }
}

async function readGgufModel(file: GgufFile): Promise<Omit<ModelFiles, 'tensors'>> {
  const { config, family } = await ggufConfig(file);
  const tokenizer = ggufTokenizer(file.metadata);
  createTokenizer(tokenizer.definition, tokenizer.config);
  const { bosTokenId, padTokenId } = tokenizer;
  const text = formatModelConfig(config, {
    ...(bosTokenId === undefined ? {} : { bosTokenId }),
    ...(padTokenId === undefined ? {} : { padTokenId }),
  });
  const bytes = (json: object): Uint8Array => Buffer.from(`${JSON.stringify(json, null, 1)}\n`, 'utf8');
  const companions = new Map<string, Uint8Array>([
    ['config.json', Buffer.from(text, 'utf8')],
    ['tokenizer.json', bytes(tokenizer.definition)],
    ['tokenizer_config.json', bytes({ ...tokenizer.config, model_max_length: config.maxPositions })],
  ]);
  return { config, companions, weights: ggufWeights(file, config, family) };
}

/** A tensor too few, too many or in another shape means that the configuration describes another model. */
function refuseMismatch(
  path: string,
  config: ModelConfig,
  tensors: readonly StoredTensor[],
  { shapes }: WeightSource,
): void {
  const refuse = (name: string, what: string): RZeroError =>
    new RZeroError('ModelUnreadable', `Tensor "${name}" of the model in ${path} ${what}.`, {
      field: name,
      fix: 'Fetch the model again, or correct its config.json.',
    });
  for (const { name, shape } of tensors) {
    const found = shapes.get(name);
    if (!found) throw refuse(name, 'is missing');
    if (found.join('x') !== shape.join('x')) {
      throw refuse(name, `has shape ${found.join('x')} where the configuration says ${shape.join('x')}`);
    }
  }
  const known = new Set(tensors.map(({ name }) => name));
  for (const name of shapes.keys()) {
    if (!known.has(name) && !isDerivedTensor(config, name)) {
      throw refuse(name, `does not belong to a ${familyOf(config).name} model`);
    }
  }
}
