/**
 * A program: runs the same small models through sampling, scoring and training, and prints what came out, so that the ways
 * of running a model can be compared. How it runs is chosen by the environment.
 */
import { createAdamW } from '../../../activities/engine/adamw.ts';
import { grpoStep, scoreCompletions } from '../../../activities/engine/rollouts.ts';
import { crossEntropyStep } from '../../../activities/engine/supervised.ts';
import { sampleCompletions } from '../../../activities/engine/sampler.ts';
import type { Completion, SamplingParams } from '../../../activities/engine/types.ts';
import { TIED, TINY, makeAdapted, makeModel, runtime, seedOf, tokensOf } from './models.ts';

export interface Numbers {
  execution: string;
  tokens: number[][];
  logprobs: number[];
  scores: number[];
  metrics: number[];
  gradients: number[];
  weights: number[];
}

/** Enter few rows one after the other, and share beginnings of different lengths. */
const FEW_ROWS = 5;

const CHOICES: SamplingParams[] = [
  { maxTokens: 30, temperature: 1 },
  { maxTokens: 12, temperature: 0.7 },
  { maxTokens: 12, temperature: 0 },
  { maxTokens: 12, temperature: 1, topP: 0.8 },
  { maxTokens: 12, temperature: 1.3, topK: 4 },
  { maxTokens: 12, temperature: 0.8, minP: 0.2 },
  { maxTokens: 12, temperature: 1.5, topK: 6, topP: 0.9, minP: 0.1 },
];

const { description } = await runtime();
const out: Numbers = {
  execution: `${description.backend} ${description.execution}`,
  tokens: [],
  logprobs: [],
  scores: [],
  metrics: [],
  gradients: [],
  weights: [],
};
const models = [
  await makeModel(TINY),
  await makeModel(TIED),
  await makeAdapted(TINY, { r: 2, loraAlpha: 3 }),
  await makeAdapted(TIED, { r: 3, loraAlpha: 3, targetModules: ['k_proj', 'v_proj', 'down_proj'] }),
];
for (const model of models) {
  const { config } = model;
  const prompts = Array.from({ length: 24 }, (_, i) => tokensOf(1 + ((i >> 2) % 5), i >> 2, config.vocabSize));
  const items = prompts.map((promptTokens, i) => ({ promptTokens, seed: seedOf(i) }));
  const all: Completion[][] = [];
  for (const params of CHOICES) {
    const completions = await sampleCompletions(model, { items, params });
    out.tokens.push(...completions.map((completion) => completion.tokens));
    out.logprobs.push(...completions.flatMap((completion) => completion.logprobs));
    all.push(completions);
  }
  const shared = items.map(({ promptTokens, seed }, i) => ({
    promptTokens: [...tokensOf(18 - (i % 2), 3, config.vocabSize), ...promptTokens],
    seed,
  }));
  for (const temperature of [0, 1]) {
    const params = { maxTokens: 14, temperature };
    const completions = await sampleCompletions(model, { items: shared, params, batchSize: FEW_ROWS });
    out.tokens.push(...completions.map((completion) => completion.tokens));
    out.logprobs.push(...completions.flatMap((completion) => completion.logprobs));
  }
  const rollouts = items.map(({ promptTokens }, i) => ({
    promptTokens,
    completionTokens: all[0]![i]!.tokens,
    behaviourLogprobs: all[0]![i]!.logprobs.map((logprob, t) => logprob + 0.3 * Math.sin(i + 3 * t)),
    referenceLogprobs: all[0]![i]!.logprobs.map((logprob, t) => logprob + 0.3 * Math.cos(2 * i + t)),
    advantage: (i % 5) - 2,
  }));
  for (const temperature of [1, 0.7]) {
    const scored = await scoreCompletions(model, rollouts, { temperature });
    out.scores.push(...scored.flatMap(({ logprobs, entropies }) => [...logprobs, ...entropies]));
  }
  const optimizer = createAdamW();
  // A large epsilon: with a small one the first update is the sign of a gradient, rounding errors included.
  const options = { learningRate: 0.05, beta1: 0, epsilon: 0.1, klCoefficient: 0.1, microBatch: 7 };
  for (const [aggregation, temperature] of [
    ['token-mean', 1],
    ['sequence-mean', 0.7],
  ] as const) {
    const {
      seconds: _,
      memoryBytes: __,
      peakMemoryBytes: ___,
      skipped: ____,
      ...metrics
    } = await grpoStep(model, optimizer, rollouts, {
      ...options,
      aggregation,
      temperature,
      recompute: aggregation === 'token-mean' ? 'never' : 'always',
    });
    out.metrics.push(...Object.values(metrics));
    out.gradients.push(...optimizer.first.flatMap((tensor) => Array.from(tensor.dataSync())));
  }
  // Plain cross entropy, where some tokens do not count and one weighs double.
  const texts = rollouts.map(({ promptTokens, completionTokens }) => [...promptTokens, ...completionTokens]);
  const masks = texts.map((text, row) =>
    text.map((_, t) => (row % 4 === 3 ? 1 : (t + row) % 3 === 0 ? 0 : 1 + (t % 2))),
  );
  const labelled = createAdamW();
  const { loss, gradientNorm } = crossEntropyStep(model, labelled, texts, masks, options);
  out.metrics.push(loss, gradientNorm);
  out.gradients.push(...labelled.first.flatMap((tensor) => Array.from(tensor.dataSync())));
  out.weights.push(...model.tensors.flatMap((tensor) => Array.from(tensor.dataSync())));
}
process.stdout.write(JSON.stringify(out));
