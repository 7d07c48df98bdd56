/** From a recipe to the base model's folder: training, evaluation, files. */
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { sizeOf } from '../../activities/engine/parameters.ts';
import { formatSafetensorsHeader } from '../../activities/engine/safetensors.ts';
import { sampleCompletions } from '../../activities/engine/sampler.ts';
import { loadRuntime } from '../../activities/engine/tensorflow.ts';
import { createTokenizer } from '../../activities/engine/tokenizer.ts';
import { storedTensors, type Model } from '../../activities/engine/weights.ts';
import { parseArguments, USAGE, type PretrainArguments } from './arguments.ts';
import { evaluateBase } from './evaluate-base.ts';
import { heldOutQuestions } from './held-out.ts';
import { MODEL_CONFIG, modelTextFiles } from './model-files.ts';
import { baseModelReadme, type TrainingRecord } from './readme.ts';
import { assertReplaceable, replaceFolder } from './replace-folder.ts';
import { trainBase } from './train-base.ts';
import { tokenizerConfigJson, tokenizerJson } from './vocabulary.ts';

const DEFAULT_OUT = fileURLToPath(new URL('../../activities/engine/base-model', import.meta.url));

/** The bytes of `model.safetensors`. */
function serializeWeights(model: Model): Uint8Array {
  const header = formatSafetensorsHeader(model.specs.flatMap((spec) => spec.stored));
  const data = [...storedTensors(model.specs, model.tensors)].map(
    ({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  );
  return Buffer.concat([header, ...data]);
}

/**
 * The whole command.
 *
 * @param argv options, without node and script; see `USAGE`
 * @param print receives one line at a time
 * @throws RZeroError `RunInputInvalid` for a bad option, `EngineUnavailable`, `DiskFull`
 */
export async function runPretrain(argv: readonly string[], print: (line: string) => void): Promise<void> {
  const parsed = parseArguments(argv, DEFAULT_OUT);
  if (parsed.help) print(USAGE.trimEnd());
  else await pretrain(parsed, print);
}

async function pretrain({ recipe, out }: PretrainArguments, print: (line: string) => void): Promise<void> {
  await assertReplaceable(out);
  const runtime = await loadRuntime({ threads: recipe.threads });
  const { backend, backendVersion, execution, threads } = runtime.description;
  print(
    `pretrain: seed ${recipe.seed}, ${recipe.steps} steps of ${recipe.batchSize} rows, ${backend} ${backendVersion}, ${execution}`,
  );

  const tokenizer = createTokenizer(tokenizerJson(), tokenizerConfigJson(MODEL_CONFIG.max_position_embeddings));
  const started = performance.now();
  let finalLoss = Number.NaN;
  const model = trainBase(
    runtime,
    (text) => tokenizer.encode(text),
    recipe,
    ({ step, loss }) => {
      finalLoss = loss;
      const seconds = (performance.now() - started) / 1000;
      print(`step ${String(step).padStart(6)}/${recipe.steps}  loss ${loss.toFixed(4)}  ${seconds.toFixed(0)} s`);
    },
  );

  const heldOut = heldOutQuestions();
  const evaluation = await evaluateBase(
    (request) => sampleCompletions(model, request),
    tokenizer,
    heldOut,
    recipe.seed,
  );
  const weights = serializeWeights(model);
  const record: TrainingRecord = {
    ...recipe,
    threads,
    backend: `${backend} ${backendVersion}`,
    execution,
    parameters: model.specs.reduce((total, spec) => total + sizeOf(spec.shape), 0),
    finalLoss,
    weightsSha256: createHash('sha256').update(weights).digest('hex'),
  };
  const files = new Map<string, string | Uint8Array>(modelTextFiles(heldOut));
  files.set('model.safetensors', weights);
  files.set('training.json', `${JSON.stringify({ ...record, evaluation }, null, 2)}\n`);
  files.set('README.md', baseModelReadme(record, evaluation));
  await replaceFolder(out, files);

  for (const [name, value] of Object.entries(evaluation)) print(`${name.padEnd(18)} ${formatNumber(value)}`);
  print(`weights            ${record.weightsSha256}`);
  print(`written            ${out}`);
}

const formatNumber = (value: number): string => (Number.isInteger(value) ? String(value) : value.toFixed(4));
