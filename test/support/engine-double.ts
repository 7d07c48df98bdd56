/**
 * An engine that answers at once, behind the interface of the real one: plausible questions and answers as token ids, a
 * function of the sample's seed, so that everything around the engine can be measured by itself and repeated exactly.
 */
import { createHash } from 'node:crypto';
import { loadTokenizer } from '../../activities/engine/tokenizer.ts';
import type { Tokenizer } from '../../activities/engine/tokenizer.ts';
import type {
  CallOptions,
  CheckpointRecord,
  Completion,
  Engine,
  EngineDescription,
  ModelLease,
  ModelSource,
  SampleItem,
  SampleRequest,
  ScoreItem,
  TrainItem,
  TrainMetrics,
} from '../../activities/engine/types.ts';
import { createRandom } from '../../activities/method/seeds.ts';
import type { SeededRandom } from '../../activities/method/seeds.ts';
import { answerCorpus } from '../bench/answer-corpus.ts';
import { mixedQuestions } from '../bench/question-corpus.ts';
import { ASK_ID, END_ID } from './simulated-model.ts';

export interface DoubleOptions {
  /** The folder that `writeSimulatedModel` made. */
  modelDir: string;
  /** Different questions that the Challenger has; beyond that it repeats itself, as a real one does. @default 20000 */
  questions?: number;
  /** Mean length of an answer, in tokens; lengths are spread evenly from half of it to half more. @default 400 */
  answerTokens?: number;
  /** How long each call takes, as if it computed. @default 0 */
  callMs?: number;
}

/** Different sets of answers. */
const ANSWER_POOL = 2_000;
const VOTES = 32;
const LOGPROBS = 65_536;
const SEED = '00000000000051a2';

interface Corpus {
  /** Whole completions of the Challenger. */
  questions: number[][];
  /** For each kind of question, endings of answers: the box and the end token. */
  endings: number[][][];
  /** Tokens of running text, to take reasoning from. */
  text: number[];
  logprobs: number[];
}

export async function createEngineDouble(options: DoubleOptions): Promise<Engine> {
  const tokenizer = await loadTokenizer(options.modelDir);
  const corpus = createCorpus(tokenizer, options.questions ?? 20_000);
  return {
    describe: () => Promise.resolve(DESCRIPTION),
    open: (source) => Promise.resolve(openDouble(source, corpus, options)),
    close: () => Promise.resolve(),
  };
}

const DESCRIPTION: EngineDescription = {
  engine: 'tfjs',
  backend: 'cpu',
  backendVersion: 'double',
  execution: 'eager',
  precision: 'float32',
  device: 'none: answers are made up',
  deterministic: true,
  threads: 1,
};

function createCorpus(tokenizer: Tokenizer, questions: number): Corpus {
  const random = createRandom(SEED);
  const box = new Map<string, number[]>();
  const boxed = (answer: string): number[] => {
    let ids = box.get(answer);
    if (!ids) box.set(answer, (ids = tokenizer.encode(`. The answer is \\boxed{${answer}}`)));
    return ids;
  };
  const texts = mixedQuestions(questions, SEED);
  const answers = answerCorpus(ANSWER_POOL, VOTES, SEED);
  return {
    questions: texts.map((text, index) => {
      const answer = boxed(answers[index % ANSWER_POOL]?.[0] ?? '1');
      return [...tokenizer.encode(`<question>${text}</question>`), ...answer, END_ID];
    }),
    endings: answers.map((own) => own.map((answer) => [...boxed(answer), END_ID])),
    text: texts.slice(0, 2_000).flatMap((text) => tokenizer.encode(` ${text}`)),
    logprobs: Array.from({ length: LOGPROBS }, () => Math.fround(Math.log((random.nextUint32() + 1) / 2 ** 32) / 8)),
  };
}

function openDouble(source: ModelSource, corpus: Corpus, options: DoubleOptions): ModelLease {
  const { answerTokens = 400, callMs = 0 } = options;
  let modelId = source.expectId ?? 'base';
  let optimizerStep = 0;
  const compute = async <T>(call: CallOptions | undefined, work: () => T): Promise<T> => {
    if (callMs > 0) await new Promise((resolve) => setTimeout(resolve, callMs));
    call?.signal?.throwIfAborted();
    return work();
  };
  return {
    get modelId() {
      return modelId;
    },
    maxSequenceLength: 8192,
    sample: ({ items }: SampleRequest, call) =>
      compute(call, () => {
        const kinds = new Map<readonly number[], number>();
        return items.map((item) => completionOf(item, corpus, answerTokens, kinds));
      }),
    score: (items: readonly ScoreItem[], call) =>
      compute(call, () =>
        items.map(({ completionTokens: { length } }) => ({
          logprobs: corpus.logprobs.slice(0, length),
          entropies: corpus.logprobs.slice(0, length).map((logprob) => -logprob),
        })),
      ),
    trainStep: (items: readonly TrainItem[], _options, call) =>
      compute(call, () => {
        modelId = sha256(`${modelId} ${items.length} ${items[0]?.completionTokens.join() ?? ''}`);
        optimizerStep += 1;
        return metricsOf(items);
      }),
    publish: () => Promise.resolve(),
    checkpoint: (root) => Promise.resolve(recordOf(root, modelId, optimizerStep)),
    close: () => Promise.resolve(),
  };
}

function completionOf(
  { promptTokens, seed }: SampleItem,
  corpus: Corpus,
  answerTokens: number,
  kinds: Map<readonly number[], number>,
): Completion {
  const random = createRandom(seed);
  const tokens =
    promptTokens[0] === ASK_ID
      ? [...(corpus.questions[random.below(corpus.questions.length)] ?? [])]
      : answerTo(kindOf(promptTokens, kinds), random, corpus, answerTokens);
  const start = random.below(Math.max(1, LOGPROBS - tokens.length));
  return { tokens, logprobs: corpus.logprobs.slice(start, start + tokens.length), finishReason: 'stop' };
}

function answerTo(kind: number, random: SeededRandom, corpus: Corpus, answerTokens: number): number[] {
  const length = (answerTokens >> 1) + random.below(answerTokens + 1);
  const start = random.below(Math.max(1, corpus.text.length - length));
  return [...corpus.text.slice(start, start + length), ...(corpus.endings[kind]?.[random.below(VOTES)] ?? [])];
}

/** The same question is answered alike wherever it is asked. */
function kindOf(promptTokens: readonly number[], kinds: Map<readonly number[], number>): number {
  let kind = kinds.get(promptTokens);
  if (kind === undefined) {
    let hash = 0;
    for (const token of promptTokens) hash = (Math.imul(hash, 31) + token) >>> 0;
    kinds.set(promptTokens, (kind = hash % ANSWER_POOL));
  }
  return kind;
}

function metricsOf(items: readonly TrainItem[]): TrainMetrics {
  const tokens = items.reduce((sum, { completionTokens }) => sum + completionTokens.length, 0);
  return {
    loss: 0.1,
    policyLoss: 0.09,
    kl: 0.01,
    entropy: 0.4,
    clipFraction: 0.02,
    gradientNorm: 0.3,
    tokens,
    paddingTokens: 0,
    seconds: 0,
    memoryBytes: 0,
    peakMemoryBytes: 0,
    skipped: false,
  };
}

/** Named and described, never written: a double's weights are nowhere. */
function recordOf(root: string, modelId: string, optimizerStep: number): CheckpointRecord {
  const id = sha256(`checkpoint ${modelId}`);
  const files = [{ name: 'model.safetensors', bytes: 1, sha256: sha256(modelId) }];
  return { id, path: `${root}/${id}`, bytes: 1, files, optimizerStep };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
