/**
 * One side of the engine benchmark: reads a command a line, answers with one line of JSON, ends with its input. How the
 * model is run is chosen by the environment. Times are processor seconds of this process, and seconds on the clock.
 */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { createAdamW } from '../../activities/engine/adamw.ts';
import { executorOf } from '../../activities/engine/execution.ts';
import { loadModelFolder } from '../../activities/engine/model-folder.ts';
import { grpoStep, scoreCompletions } from '../../activities/engine/rollouts.ts';
import { sampleCompletions } from '../../activities/engine/sampler.ts';
import { loadRuntime } from '../../activities/engine/tensorflow.ts';
import { RZeroError } from '../../activities/errors.ts';
import type { Model } from '../../activities/engine/weights.ts';

const [path = '', threads = '2'] = process.argv.slice(2);
const runtime = await loadRuntime({ threads: Number(threads) }).catch((error: unknown) => {
  if (!(error instanceof RZeroError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});
const optimizer = createAdamW();
let opened: Model | undefined;

function model(): Model {
  if (!opened) throw new Error('load comes first');
  return opened;
}

function tokens(count: number, salt: number): number[] {
  return Array.from({ length: count }, (_, i) => (i * 7919 + salt * 104_729) % model().config.vocabSize);
}

async function measure(work: () => unknown): Promise<{ cpu: number; wall: number }> {
  const from = process.cpuUsage();
  const started = performance.now();
  await work();
  const { user, system } = process.cpuUsage(from);
  return { cpu: (user + system) / 1e6, wall: (performance.now() - started) / 1000 };
}

const COMMANDS: Record<string, (...words: string[]) => Promise<unknown>> = {
  /** Opens the model and gets its functions ready: traces and loads a graph, or loads one from disk. */
  load: () =>
    measure(async () => {
      opened = (await loadModelFolder(runtime, { path })).model;
      executorOf(opened);
    }),
  /** Log-probabilities of a sequence, by which the two sides are known to run the same model. */
  check: async (length) => {
    const item = { promptTokens: tokens(1, 0), completionTokens: tokens(Number(length), 1) };
    return { logprobs: (await scoreCompletions(model(), [item]))[0]?.logprobs };
  },
  /** One optimizer step on `batch` sequences of `length` predictions. */
  train: async (batch, length) => {
    const count = Number(length);
    const items = Array.from({ length: Number(batch) }, (_, row) => ({
      promptTokens: tokens(1, row),
      completionTokens: tokens(count, row + 1),
      behaviourLogprobs: Array<number>(count).fill(-9),
      referenceLogprobs: Array<number>(count).fill(-9),
      advantage: (row % 2) * 2 - 1,
    }));
    const options = { learningRate: 1e-6, microBatch: items.length };
    const time = await measure(() => grpoStep(model(), optimizer, items, options));
    return { ...time, maxRss: process.resourceUsage().maxRSS * 1024 };
  },
  /** Mean of `steps` decode steps after a prompt. */
  decode: async (batch, prompt, steps) => {
    const [size, length, count] = [Number(batch), Number(prompt), Number(steps)];
    const decoder = executorOf(model()).startDecoding({
      params: { temperature: 1, topK: 0, topP: 1, minP: 0 },
      rows: size,
      columns: length + count + 2,
    });
    const draws = new Float64Array(size).fill(0.4);
    const rows = Int32Array.from({ length: size }, (_, row) => row);
    let choices = decoder.prefill(
      Array.from(rows, (row) => ({ row, from: 0, tokens: tokens(length, row) })),
      rows,
      draws,
    );
    let column = length;
    const step = (): void => {
      choices = decoder.step(Int32Array.from(choices.tokens), new Int32Array(size).fill(column++), rows, draws);
    };
    step();
    const { cpu, wall } = await measure(() => {
      for (let i = 0; i < count; i++) step();
    });
    decoder.dispose();
    return { cpu: cpu / count, wall: wall / count };
  },
  /** Answers to the questions of a file, all of the same length. */
  generate: async (file, questions, answers, length) => {
    const prompts = (JSON.parse(readFileSync(file ?? '', 'utf8')) as number[][]).slice(0, Number(questions));
    const items = prompts.flatMap((promptTokens, question) =>
      Array.from({ length: Number(answers) }, (_, answer) => ({
        promptTokens,
        seed: (question * 1000 + answer).toString(16).padStart(16, '0'),
      })),
    );
    const params = { maxTokens: Number(length), temperature: 1, stopTokens: [] };
    let made = 0;
    const time = await measure(async () => {
      for (const { tokens } of await sampleCompletions(model(), { items, params })) made += tokens.length;
    });
    return { ...time, tokens: made };
  },
};

process.stdout.write(`${JSON.stringify({ ready: runtime.description })}\n`);
for await (const line of createInterface({ input: process.stdin })) {
  const [name = '', ...words] = line.split(' ');
  process.stdout.write(`${JSON.stringify(await COMMANDS[name]?.(...words))}\n`);
}
process.exit(0);
