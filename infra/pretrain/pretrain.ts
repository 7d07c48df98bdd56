/** `npm run pretrain`: trains the base model, evaluates it and writes its folder. See `--help`. */
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Tokenizer } from '@huggingface/tokenizers';
import { sizeOf } from '../../activities/engine/parameters.ts';
import { formatSafetensorsHeader } from '../../activities/engine/safetensors.ts';
import { sampleCompletions } from '../../activities/engine/sampler.ts';
import { loadRuntime } from '../../activities/engine/tensorflow.ts';
import { storedTensors, type Model } from '../../activities/engine/weights.ts';
import { RZeroError } from '../../activities/errors.ts';
import { parseArguments, USAGE, type PretrainArguments } from './arguments.ts';
import { evaluateBase, type TextCodec } from './evaluate-base.ts';
import { heldOutQuestions } from './held-out.ts';
import { MODEL_CONFIG, modelTextFiles } from './model-files.ts';
import { baseModelReadme, type TrainingRecord } from './readme.ts';
import { assertReplaceable, replaceFolder } from './replace-folder.ts';
import { trainBase } from './train-base.ts';
import { tokenizerConfigJson, tokenizerJson } from './vocabulary.ts';

const DEFAULT_OUT = fileURLToPath(new URL('../../activities/engine/base-model', import.meta.url));

function textCodec(): TextCodec {
  const tokenizer = new Tokenizer(tokenizerJson(), tokenizerConfigJson(MODEL_CONFIG.max_position_embeddings));
  return {
    encode: (text) => tokenizer.encode(text).ids,
    // The library throws on an empty list.
    decode: (ids) => (ids.length === 0 ? '' : tokenizer.decode([...ids], { skip_special_tokens: true })),
  };
}

/** The bytes of `model.safetensors`. */
function serializeWeights(model: Model): Uint8Array {
  const header = formatSafetensorsHeader(model.specs.flatMap((spec) => spec.stored));
  const data = [...storedTensors(model.specs, model.tensors)].map(
    ({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  );
  return Buffer.concat([header, ...data]);
}

async function pretrain({ recipe, out }: PretrainArguments): Promise<void> {
  await assertReplaceable(out);
  const runtime = await loadRuntime({ threads: recipe.threads });
  const { backend, backendVersion, threads } = runtime.description;
  console.log(
    `pretrain: seed ${recipe.seed}, ${recipe.steps} steps of ${recipe.batchSize} rows, ${backend} ${backendVersion}`,
  );

  const codec = textCodec();
  const started = performance.now();
  let finalLoss = Number.NaN;
  const model = trainBase(runtime, codec.encode, recipe, ({ step, loss }) => {
    finalLoss = loss;
    const seconds = (performance.now() - started) / 1000;
    console.log(`step ${String(step).padStart(6)}/${recipe.steps}  loss ${loss.toFixed(4)}  ${seconds.toFixed(0)} s`);
  });

  const heldOut = heldOutQuestions();
  const evaluation = await evaluateBase((request) => sampleCompletions(model, request), codec, heldOut, recipe.seed);
  const weights = serializeWeights(model);
  const record: TrainingRecord = {
    ...recipe,
    threads,
    backend: `${backend} ${backendVersion}`,
    parameters: model.specs.reduce((total, spec) => total + sizeOf(spec.shape), 0),
    finalLoss,
    weightsSha256: createHash('sha256').update(weights).digest('hex'),
  };
  const files = new Map<string, string | Uint8Array>(modelTextFiles(heldOut));
  files.set('model.safetensors', weights);
  files.set('training.json', `${JSON.stringify({ ...record, evaluation }, null, 2)}\n`);
  files.set('README.md', baseModelReadme(record, evaluation));
  await replaceFolder(out, files);

  for (const [name, value] of Object.entries(evaluation)) console.log(`${name.padEnd(18)} ${formatNumber(value)}`);
  console.log(`weights            ${record.weightsSha256}`);
  console.log(`written            ${out}`);
}

const formatNumber = (value: number): string => (Number.isInteger(value) ? String(value) : value.toFixed(4));

async function main(): Promise<void> {
  const parsed = parseArguments(process.argv.slice(2), DEFAULT_OUT);
  if (parsed.help) {
    process.stdout.write(USAGE);
    return;
  }
  await pretrain(parsed);
}

main().catch((error: unknown) => {
  if (error instanceof RZeroError) console.error(`${error.code}: ${error.message}`);
  else console.error(error);
  process.exitCode = 1;
});
