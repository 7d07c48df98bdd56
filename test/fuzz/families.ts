/** What comes from outside, family by family: good inputs, how they are altered, and the entrance of the project that reads them. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RunInput } from '../../activities/contract.ts';
import { parseAdapterConfig } from '../../activities/engine/adapter-config.ts';
import { readChatFormat } from '../../activities/engine/chat-template.ts';
import { readCheckpointManifest } from '../../activities/engine/checkpoint.ts';
import { readModelConfig } from '../../activities/engine/config.ts';
import { openModelFiles, readCompanionsOf, readConfigOf } from '../../activities/engine/model-files.ts';
import { openSafetensors } from '../../activities/engine/safetensors.ts';
import { loadTokenizer } from '../../activities/engine/tokenizer.ts';
import { LOADER_NAMES } from '../../activities/evaluation-sets/loaders.ts';
import { readSet } from '../../activities/evaluation-sets/read-set.ts';
import { loadHeldOut } from '../../activities/held-out.ts';
import type { SeededRandom } from '../../activities/method/seeds.ts';
import { loadProfile } from '../../activities/profile.ts';
import { resolveRunInput } from '../../activities/run-input.ts';
import { scheduleSpec } from '../../infra/schedule-spec.ts';
import { resolveNight } from '../../workflows/night-request.ts';
import { resolveRunRequest } from '../../workflows/run-request.ts';
import type { ExtendRequest, ResetToRequest } from '../../workflows/messages.ts';
import { checkExtension, checkRequest, checkReset } from '../../workflows/update-requests.ts';
import { tinyGguf } from '../engine/support/tiny-gguf.ts';
import { asParquet, publishedRows } from '../support/set-files.ts';
import { mutateBytes, mutateJson, pick } from './mutations.ts';
import type { Json } from './mutations.ts';

export interface Family {
  name: string;
  /** Makes one bad input; kept to be written down when it is a finding. */
  make: (random: SeededRandom) => Buffer;
  /** Hands it to the project. */
  read: (input: Buffer) => unknown;
}

const FIXTURES = fileURLToPath(new URL('../engine/fixtures', import.meta.url));
const BASE_MODEL = fileURLToPath(new URL('../../activities/engine/base-model', import.meta.url));
const PROMPTS = fileURLToPath(new URL('../../activities/prompts', import.meta.url));
const HASH = 'a'.repeat(64);

const RUN_INPUTS: Json[] = [
  {},
  {
    iterations: 1,
    batchSize: 64,
    microBatch: 32,
    challenger: { steps: 2, rollouts: 16, groupSize: 8, votes: 4 },
    labelling: { questions: 48, shardSize: 24, votes: 4 },
    solver: { steps: 3, questions: 8, groupSize: 4 },
    evaluation: { questions: 16, samples: 2 },
  },
  {
    runId: 'demo',
    seed: 7,
    iterations: 5,
    preset: 'paper',
    control: 'random-reward',
    model: 'smollm2-135m',
    prompts: 'few-shot',
    threads: 2,
    budget: { engineMinutes: 240, tokens: 1e6, questions: 100, minutes: 5, iterations: 1 },
    challenger: {
      learningRate: 1e-5,
      lora: { r: 8, loraAlpha: 32, targetModules: 'all-linear' },
      temperature: 0.7,
      topK: 20,
    },
    solver: { learningRateSchedule: 'cosine', minimumLearningRateRatio: 0.1, topP: 0.9, minP: 0.05 },
    gate: { minimumQuestions: 4, onTooFew: 'skip', duplicates: 'keep' },
    checkpoints: { keep: 'all' },
    evaluation: {
      shardSize: 64,
      sets: [
        { set: 'gsm8k', samples: 4 },
        { set: 'file', name: 'own', file: 'own.jsonl' },
      ],
    },
  },
];
const RESET: Json = { iteration: 1, phase: 'labelling', reason: 'why', input: { microBatch: 32 }, stop: true };
const UPDATES: Json[] = [{}, { reason: 'why' }, { iterations: 5 }, { reason: 'x'.repeat(200) }, RESET];
const NIGHTS: Json[] = [
  {},
  { runId: 'demo', iterations: 2, budget: { tokens: 5_000_000, minutes: 1.5 }, run: { seed: 2, solver: { steps: 2 } } },
];
const TIMES: Json[] = [
  { at: '02:00', timezone: 'Europe/Berlin' },
  { cron: '0 2 * * 1-5', timezone: 'UTC' },
  { every: '6h' },
];
const MANIFESTS: Json[] = [
  {
    formatVersion: 1,
    modelId: HASH,
    optimizerStep: 3,
    files: [
      { name: 'model.safetensors', bytes: 10, sha256: HASH },
      { name: 'config.json', bytes: 1, sha256: HASH },
    ],
  },
  { formatVersion: 2, modelId: HASH, base: { id: HASH, modelId: HASH }, optimizerStep: 0, files: [] },
];
const TEMPLATE =
  "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'user' %}[INST] {{ m['content'] | trim }} [/INST]{% else %}{{ m.content }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|a|>' }}{% endif %}";

/** @param folder empty, for files; deleted by the caller */
export function createFamilies(folder: string): Family[] {
  /** A folder of its own that starts as a copy of these files. */
  const folderWith = (name: string, from: string, files: readonly string[]): string => {
    const path = join(folder, name);
    mkdirSync(path, { recursive: true });
    for (const file of files) copyFileSync(join(from, file), join(path, file));
    return path;
  };
  const jsonFile = (name: string, file: string, seeds: readonly Json[], path: string, read: () => unknown): Family => ({
    name,
    make: (random) => Buffer.from(mutateJson(random, pick(random, seeds))),
    read: (input) => {
      writeFileSync(join(path, file), input);
      return read();
    },
  });
  const llama = join(FIXTURES, 'families/llama');
  const configs = ['llama', 'qwen2', 'qwen3'].map((family) =>
    readJson(join(FIXTURES, 'families', family, 'config.json')),
  );
  const configFolder = folderWith('config', llama, ['config.json']);
  const modelFolder = folderWith('model', llama, ['config.json', 'model.safetensors']);
  copyFileSync(join(BASE_MODEL, 'tokenizer.json'), join(modelFolder, 'tokenizer.json'));
  const tokenizerFolder = folderWith('tokenizer', BASE_MODEL, ['tokenizer.json', 'tokenizer_config.json']);
  const profileFolder = folderWith('profile', BASE_MODEL, [
    'config.json',
    'tokenizer_config.json',
    'model.safetensors',
    'tokenizer.json',
  ]);
  const checkpoint = folderWith('checkpoint', llama, ['config.json']);
  const heldOut = folderWith('held-out', BASE_MODEL, ['held-out.jsonl']);
  const heldOutText = readFileSync(join(heldOut, 'held-out.jsonl')).subarray(0, 600);
  const weights = readFileSync(join(llama, 'model.safetensors'));
  const weightsHeader = 8 + Number(weights.readBigUInt64LE(0));
  const ggufs = [readFileSync(join(FIXTURES, 'gguf/quantized.gguf')), tinyGguf()];
  const ggufPath = join(folder, 'model.gguf');
  const setPath = join(folder, 'set.data');
  const safetensorsPath = join(modelFolder, 'model.safetensors');
  return [
    valueFamily('run inputs', RUN_INPUTS, (input) => {
      resolveRunRequest(input, 'r-zero/demo');
      resolveRunInput(input as RunInput);
    }),
    valueFamily('update payloads', UPDATES, (input) => {
      checkRequest('resetTo', input, ['iteration', 'iterations', 'phase', 'reason', 'input', 'by', 'stop']);
      // Each update has some of these.
      const fields = typeof input === 'object' && input !== null ? input : {};
      if ('iterations' in fields) checkExtension(fields as ExtendRequest, 3);
      if ('phase' in fields) checkReset(fields as ResetToRequest);
    }),
    valueFamily('schedule inputs', NIGHTS, (input) => resolveNight(input, 'demo')),
    valueFamily('schedule times', TIMES, (input) => scheduleSpec(textsOf(input))),
    jsonFile('config.json', 'config.json', configs, configFolder, () => readModelConfig(configFolder)),
    jsonFile(
      'tokenizer.json',
      'tokenizer.json',
      [readJson(join(BASE_MODEL, 'tokenizer.json')), ...smallTokenizers()],
      tokenizerFolder,
      async () => {
        const tokenizer = await loadTokenizer(tokenizerFolder);
        tokenizer.decode(tokenizer.encode('12+34=?').slice(0, 100));
      },
    ),
    jsonFile(
      'prompt files',
      'prompts.json',
      ['few-shot', 'official'].map((name) => readJson(join(PROMPTS, `${name}.json`))),
      profileFolder,
      () => loadProfile(profileFolder, join(profileFolder, 'prompts.json')),
    ),
    {
      name: 'chat templates',
      make: (random) => mutateBytes(random, Buffer.from(TEMPLATE)),
      read: (input) =>
        readChatFormat(new Map([['chat_template.jinja', input]])).render([{ role: 'user', content: 'Hello' }]),
    },
    jsonFile('checkpoint manifests', 'manifest.json', MANIFESTS, checkpoint, () => readCheckpointManifest(checkpoint)),
    jsonFile(
      'adapter_config.json',
      'adapter_config.json',
      [readJson(join(FIXTURES, 'lora/llama/adapter_config.json'))],
      checkpoint,
      () => parseAdapterConfig(readFileSync(join(checkpoint, 'adapter_config.json'))),
    ),
    {
      name: 'held-out questions',
      make: (random) => mutateBytes(random, heldOutText),
      read: (input) => {
        writeFileSync(join(heldOut, 'held-out.jsonl'), input);
        return loadHeldOut(heldOut);
      },
    },
    {
      name: 'safetensors',
      make: (random) => mutateBytes(random, weights, weightsHeader),
      read: async (input) => {
        writeFileSync(safetensorsPath, input);
        const file = await openSafetensors(safetensorsPath);
        try {
          for (const name of file.entries.keys()) await file.read(name);
        } finally {
          await file.close();
        }
        await (await openModelFiles(modelFolder)).weights.close();
      },
    },
    {
      name: 'evaluation sets',
      make: (random) => {
        const loader = pick(random, LOADER_NAMES);
        const rows = publishedRows(loader, 4);
        const lines = rows.map((row) => Buffer.from(`${JSON.stringify(row)}\n`));
        const at = random.below(4);
        lines[at] = Buffer.from(mutateJson(random, rows[at] as Json));
        const bytes = random.below(3) === 0 ? mutateBytes(random, asParquet(rows)) : Buffer.concat(lines);
        return Buffer.concat([Buffer.from([LOADER_NAMES.indexOf(loader)]), bytes]);
      },
      read: async (input) => {
        writeFileSync(setPath, input.subarray(1));
        await readSet(LOADER_NAMES[input[0]! % LOADER_NAMES.length]!, [setPath], 'evaluation.sets.0.file');
      },
    },
    {
      name: 'GGUF',
      make: (random) => {
        const bytes = pick(random, ggufs);
        return mutateBytes(random, bytes, Math.min(bytes.length, 1600));
      },
      read: async (input) => {
        writeFileSync(ggufPath, input);
        await readConfigOf(ggufPath);
        await readCompanionsOf(ggufPath);
        await (await openModelFiles(ggufPath)).weights.close();
      },
    },
  ];
}

/** Of what is given as one JSON value. */
function valueFamily(name: string, seeds: readonly Json[], read: (input: unknown) => unknown): Family {
  return {
    name,
    make: (random) => Buffer.from(mutateJson(random, pick(random, seeds))),
    read: (input) => {
      let value: unknown;
      try {
        value = JSON.parse(input.toString('utf8'));
      } catch {
        // Temporal's own converter refuses it before we see it; text is a value that may come, too.
        value = input.toString('utf8');
      }
      return read(value);
    },
  };
}

/** Options of a command line are texts. */
function textsOf(input: unknown): Record<string, string> {
  const fields = typeof input === 'object' && input !== null ? Object.entries(input) : [];
  return Object.fromEntries(
    fields.filter(([, value]) => typeof value !== 'object').map(([name, value]) => [name, String(value)]),
  );
}

function readJson(path: string): Json {
  return JSON.parse(readFileSync(path, 'utf8')) as Json;
}

/** A byte-level BPE as most models have. */
function smallTokenizers(): Json[] {
  const vocab = Object.fromEntries(
    ['<s>', '</s>', '1', '2', '3', '4', '+', '=', '?', '12', 'Ġ'].map((token, id) => [token, id]),
  );
  return [
    {
      added_tokens: [
        { id: 0, content: '<s>', special: true, single_word: false, lstrip: false, rstrip: false, normalized: false },
      ],
      normalizer: {
        type: 'Sequence',
        normalizers: [{ type: 'NFC' }, { type: 'Replace', pattern: { Regex: ' +' }, content: ' ' }],
      },
      pre_tokenizer: {
        type: 'Sequence',
        pretokenizers: [
          { type: 'Split', pattern: { Regex: '\\p{N}{1,3}| ?[^\\s\\p{N}]+' }, behavior: 'Isolated', invert: false },
          { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
        ],
      },
      post_processor: null,
      decoder: { type: 'ByteLevel' },
      model: {
        type: 'BPE',
        unk_token: null,
        fuse_unk: false,
        byte_fallback: false,
        ignore_merges: false,
        vocab,
        merges: [['1', '2']],
      },
    },
  ];
}
