/** The models of the engine benchmark, as folders that both sides open, and the questions of grouped generation. */
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { readChatFormat } from '../../activities/engine/chat-template.ts';
import { formatModelConfig } from '../../activities/engine/config.ts';
import type { ModelConfig } from '../../activities/engine/config.ts';
import { readCompanions } from '../../activities/engine/model-folder.ts';
import { parameterSpecs, sizeOf } from '../../activities/engine/parameters.ts';
import { formatSafetensorsHeader } from '../../activities/engine/safetensors.ts';
import { loadTokenizer } from '../../activities/engine/tokenizer.ts';
import { PACKAGED_MODELS } from '../../infra/models/catalogue.ts';
import { getModel } from '../../infra/models/get-model.ts';
import { mixedQuestions } from './question-corpus.ts';

/** `1b` is for GPUs. */
export const MODELS = ['40m', 'smollm2-135m', '1b'] as const;
export type BenchModel = (typeof MODELS)[number];

/** A Llama of 39.6 million parameters. */
export const SHAPE_40M: ModelConfig = {
  vocabSize: 8192,
  hiddenSize: 512,
  layers: 12,
  heads: 8,
  kvHeads: 4,
  headDim: 64,
  intermediateSize: 1408,
  maxPositions: 512,
  ropeTheta: 10_000,
  rmsNormEps: 1e-5,
  tieWordEmbeddings: true,
  eosTokenIds: [2],
};

/** A Llama of 1.03 thousand million parameters: TinyLlama's shape with a tied head. */
const SHAPE_1B: ModelConfig = {
  ...SHAPE_40M,
  vocabSize: 32_000,
  hiddenSize: 2048,
  layers: 22,
  heads: 32,
  kvHeads: 4,
  intermediateSize: 5632,
  maxPositions: 2048,
};

/**
 * The folder of a model: SmolLM2-135M from the package index (kept in the user's cache), the others made here with random
 * weights.
 *
 * @param folder for what is made; it goes when the benchmark ends
 */
export async function modelFolderOf(
  model: BenchModel,
  folder: string,
  report: (line: string) => void,
): Promise<string> {
  const packaged = PACKAGED_MODELS.find(({ name }) => name === model);
  if (packaged) return await getModel(packaged, { report: ({ message }) => report(message) });
  const path = join(folder, model);
  mkdirSync(path);
  const shape = model === '1b' ? SHAPE_1B : SHAPE_40M;
  writeFileSync(join(path, 'config.json'), formatModelConfig(shape));
  writeRandomWeights(join(path, 'model.safetensors'), shape);
  return path;
}

/** Norms are one, everything else even in ±0.03: activations and logits of ordinary size. */
function writeRandomWeights(path: string, config: ModelConfig): void {
  const parts = parameterSpecs(config).flatMap((spec) => spec.stored);
  const file = openSync(path, 'w');
  try {
    let state = 1;
    writeSync(file, formatSafetensorsHeader(parts));
    for (const { shape } of parts) {
      const values = new Float32Array(sizeOf(shape)).fill(1);
      if (shape.length > 1) {
        for (let i = 0; i < values.length; i++) {
          state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
          values[i] = 0.03 * (state / 2 ** 31 - 1);
        }
      }
      writeSync(file, new Uint8Array(values.buffer));
    }
  } finally {
    closeSync(file);
  }
}

/**
 * Questions as a Solver is asked them, as token ids.
 *
 * @param like folder of the model whose chat template and tokenizer make them
 * @param vocabSize of the model that reads them: ids beyond it wrap around
 */
export async function questionPrompts(like: string, count: number, vocabSize: number): Promise<number[][]> {
  const [tokenizer, companions] = await Promise.all([loadTokenizer(like), readCompanions(like)]);
  const format = readChatFormat(companions);
  return mixedQuestions(count, '00000000000005aa').map((question) => {
    const text = format.render([
      { role: 'system', content: 'Please reason step by step, and put your final answer within \\boxed{}.' },
      { role: 'user', content: question },
    ]);
    return tokenizer.encode(text).map((id) => (id < vocabSize ? id : id % vocabSize));
  });
}
