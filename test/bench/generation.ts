/**
 * What the schedule of generation and shared prompts save, by processor time, with random weights:
 *
 *     npx tsx test/bench/generation.ts [demo|40m|135m]
 *
 * Lengths are very unequal (5 to 200 tokens), because the limit of each sequence is drawn, not its end. Batches one after the
 * other are requests of as many sequences as there are rows; everything else about them is the same.
 */
import { executorOf } from '../../activities/engine/execution.ts';
import type { ModelConfig } from '../../activities/engine/config.ts';
import { createAdamW } from '../../activities/engine/adamw.ts';
import { validateGrpo } from '../../activities/engine/grpo-loss.ts';
import { parameterSpecs, sizeOf } from '../../activities/engine/parameters.ts';
import { packRollouts, packTraining } from '../../activities/engine/rollout-batch.ts';
import { createSchedule } from '../../activities/engine/schedule.ts';
import type { Sequence } from '../../activities/engine/shared-rows.ts';
import { loadRuntime } from '../../activities/engine/tensorflow.ts';
import type { GenerationWork } from '../../activities/engine/types.ts';
import { createModel } from '../../activities/engine/weights.ts';
import { SHAPE_40M } from './engine-models.ts';

const SHAPES: Readonly<Record<string, ModelConfig>> = {
  demo: {
    ...SHAPE_40M,
    vocabSize: 28,
    hiddenSize: 64,
    layers: 2,
    heads: 4,
    kvHeads: 4,
    headDim: 16,
    intermediateSize: 176,
  },
  '40m': SHAPE_40M,
  '135m': {
    ...SHAPE_40M,
    vocabSize: 49_152,
    hiddenSize: 576,
    layers: 30,
    heads: 9,
    kvHeads: 3,
    intermediateSize: 1536,
  },
};
const ROWS = 16;
const GROUP = 8;
const PROMPT = 64;

const [shape = '40m'] = process.argv.slice(2);
const config = SHAPES[shape] as ModelConfig;
const model = createModel(await loadRuntime({ threads: 2 }), config, randomWeights());

function randomWeights(): Map<string, Float32Array> {
  let state = 1;
  const next = (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 31 - 1;
  return new Map(
    parameterSpecs(config)
      .flatMap((spec) => spec.stored)
      .map(({ name, shape: size }) => [
        name,
        new Float32Array(sizeOf(size)).map(() => (size.length === 1 ? 1 : 0.03 * next())),
      ]),
  );
}

const tokens = (count: number, salt: number): number[] =>
  Array.from({ length: count }, (_, i) => (i * 7919 + salt * 104_729) % config.vocabSize);

function seconds(work: () => void): number {
  const from = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(from);
  return (user + system) / 1e6;
}

interface Wish {
  prompt: readonly number[];
  limit: number;
}

function generate(wishes: readonly Wish[]): GenerationWork {
  const sequences: Sequence[] = wishes.map(({ prompt, limit }, i) => ({
    prompt,
    limit,
    ends: () => false,
    key: [i, i],
    completion: { tokens: [], logprobs: [], finishReason: 'length' },
  }));
  const params = { temperature: 1, topK: 0, topP: 1, minP: 0 };
  const options = { rows: ROWS, random: true };
  const schedule = createSchedule(sequences, options, (rows, columns) =>
    executorOf(model).startDecoding({ params, rows, columns }),
  );
  while (schedule.advance() !== undefined);
  schedule.dispose();
  return schedule.work;
}

const inBatches = (wishes: readonly Wish[]): void => {
  for (let from = 0; from < wishes.length; from += ROWS) generate(wishes.slice(from, from + ROWS));
};
const say = (what: string, before: number, after: number, note = ''): void =>
  console.log(
    `${shape} ${what}: ${before.toFixed(2)} s, then ${after.toFixed(2)} s (${(before / after).toFixed(2)} x) ${note}`,
  );

// The first call of everything is slower.
generate([{ prompt: tokens(PROMPT, 0), limit: 3 }]);

// Equal prompts are the same array, as the sampler hands them over.
const prompts = Array.from({ length: 64 / GROUP }, (_, group) => tokens(PROMPT, group));
const unequal = Array.from({ length: 64 }, (_, i) => ({
  prompt: prompts[Math.floor(i / GROUP)] as number[],
  limit: 5 + ((i * 7919) % 196),
}));
let work: GenerationWork | undefined;
const times = [0, 1].map(() => [seconds(() => inBatches(unequal)), seconds(() => (work = generate(unequal)))] as const);
const one = Math.min(...times.map(([batches]) => batches));
const continuous = Math.min(...times.map(([, all]) => all));
say('64 answers of 5 to 200 tokens, batches or continuous', one, continuous, JSON.stringify(work));

const examples = tokens(192, 1);
const asked = (shared: boolean): Wish[] =>
  Array.from({ length: 32 }, (_, i) => ({
    prompt: [...(shared ? examples : tokens(192, 100 + i)), ...tokens(24, 200 + i)],
    limit: 8,
  }));
const apart = seconds(() => generate(asked(false)));
const prefix = seconds(() => (work = generate(asked(true))));
say('32 prompts of 216 tokens, all different or with 192 in common', apart, prefix, JSON.stringify(work));

const items = Array.from({ length: 4 * GROUP }, (_, i) => {
  const completionTokens = tokens(20 + ((i * 7919) % 41), i);
  const flat = completionTokens.map(() => -3);
  const promptTokens = tokens(PROMPT, Math.floor(i / GROUP));
  return { promptTokens, completionTokens, behaviourLogprobs: flat, referenceLogprobs: flat, advantage: (i % 3) - 1 };
});
const settings = validateGrpo({ learningRate: 1e-5 });
const optimizer = createAdamW();
for (const round of [0, 1]) {
  const [whole, shared, scored, scoredShared] = [false, true, false, true].map((share, index) =>
    seconds(() => {
      const executor = executorOf(model);
      for (let from = 0; from < items.length; from += ROWS) {
        const members = items.slice(from, from + ROWS);
        if (index >= 2) executor.score(packRollouts(members, 1, share));
        else {
          const step = executor.startStep();
          step.accumulate(
            packTraining(
              members,
              members.map(() => 1 / items.length),
              1,
              share,
            ),
            settings,
          );
          step.apply(optimizer, { learningRate: 1e-5 });
          step.dispose();
        }
      }
    }),
  ) as [number, number, number, number];
  if (round === 0) continue;
  say(`training on 32 answers of 20 to 60 tokens to 4 prompts of ${PROMPT}, whole or shared`, whole, shared);
  say('scoring them', scored, scoredShared);
}
