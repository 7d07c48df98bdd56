/**
 * One side of the engine benchmark: reads a command a line, answers with one line of JSON. How the model is run is chosen
 * by the environment. Times are processor seconds of this process, and seconds on the clock.
 */
import { createInterface } from 'node:readline';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createAdamW } from '../../activities/engine/adamw.ts';
import type { ModelConfig } from '../../activities/engine/config.ts';
import { executorOf } from '../../activities/engine/execution.ts';
import { parameterSpecs, sizeOf } from '../../activities/engine/parameters.ts';
import { grpoStep } from '../../activities/engine/rollouts.ts';
import { loadRuntime } from '../../activities/engine/tensorflow.ts';
import { createModel } from '../../activities/engine/weights.ts';
import type { Model } from '../../activities/engine/weights.ts';
import { SHAPES } from './engine-shapes.ts';

const [shape = 'demo', threads = '2'] = process.argv.slice(2);
const config = SHAPES[shape] as ModelConfig;
const runtime = await loadRuntime({ threads: Number(threads) });
const model = randomModel(config);
const optimizer = createAdamW();

function randomModel(shape: ModelConfig): Model {
  let state = 1;
  const next = (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 31 - 1;
  const stored = new Map<string, Float32Array>();
  for (const { name, shape: size } of parameterSpecs(shape).flatMap((spec) => spec.stored)) {
    const scale = size.length === 1 ? 0 : 0.03;
    stored.set(
      name,
      new Float32Array(sizeOf(size)).map(() => (scale === 0 ? 1 : scale * next())),
    );
  }
  return createModel(runtime, shape, stored);
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function tokens(count: number, salt: number): number[] {
  return Array.from({ length: count }, (_, i) => (i * 7919 + salt * 104_729) % config.vocabSize);
}

async function measure(work: () => unknown): Promise<{ cpu: number; wall: number }> {
  const from = process.cpuUsage();
  const started = performance.now();
  await work();
  const { user, system } = process.cpuUsage(from);
  return { cpu: (user + system) / 1e6, wall: (performance.now() - started) / 1000 };
}

const COMMANDS: Record<string, (...numbers: number[]) => Promise<unknown>> = {
  /** Gets the model's functions ready, which is tracing and loading a graph, or loading one from disk. */
  load: async () => {
    const time = await measure(() => executorOf(model));
    // The arrays that the random weights were made of are the benchmark's, not the engine's.
    await COMMANDS['decode']?.(1, 1, 1);
    collectGarbage();
    return time;
  },
  /** One optimizer step on `batch` sequences of `length` predictions. */
  train: async (batch = 1, length = 1) => {
    const items = Array.from({ length: batch }, (_, row) => ({
      promptTokens: tokens(1, row),
      completionTokens: tokens(length, row + 1),
      behaviourLogprobs: tokens(length, 0).map(() => -9),
      referenceLogprobs: tokens(length, 0).map(() => -9),
      advantage: (row % 2) * 2 - 1,
    }));
    const time = await measure(() => grpoStep(model, optimizer, items, { learningRate: 1e-4, microBatch: batch }));
    return { ...time, maxRss: process.resourceUsage().maxRSS * 1024 };
  },
  /** Mean of `steps` decode steps after a prompt. */
  decode: async (batch = 1, prompt = 1, steps = 1) => {
    const decoder = executorOf(model).startDecoding({
      prompts: Array.from({ length: batch }, (_, row) => tokens(prompt, row)),
      params: { temperature: 1, topK: 0, topP: 1 },
      maxTokens: steps + 2,
    });
    const draws = new Float64Array(batch).fill(0.4);
    let choices = decoder.start(draws);
    const step = (): void => {
      choices = decoder.step(
        Int32Array.from(choices, (choice) => choice.token),
        draws,
      );
    };
    step();
    const { cpu, wall } = await measure(() => {
      for (let i = 0; i < steps; i++) step();
    });
    decoder.dispose();
    return { cpu: cpu / steps, wall: wall / steps };
  },
};

process.stdout.write(`${JSON.stringify({ ready: runtime.description })}\n`);
for await (const line of createInterface({ input: process.stdin })) {
  const [name = '', ...numbers] = line.split(' ');
  process.stdout.write(`${JSON.stringify(await COMMANDS[name]?.(...numbers.map(Number)))}\n`);
}
