/** What a model gives for the same completions, to compare precisions and devices. */
import { createAdamW } from '../../../activities/engine/adamw.ts';
import { grpoStep, scoreCompletions } from '../../../activities/engine/rollouts.ts';
import type { Model } from '../../../activities/engine/weights.ts';
import { DEMO, tokensOf } from './models.ts';

export interface ScoresAndGradients {
  logprobs: number[];
  entropies: number[];
  gradients: number[];
}

/** Log-probabilities, entropies and gradients of some completions. */
export async function numbersOf(model: Model): Promise<ScoresAndGradients> {
  const items = Array.from({ length: 12 }, (_, row) => ({
    promptTokens: tokensOf(1 + (row % 4), row, DEMO.vocabSize),
    completionTokens: tokensOf(3 + (row % 7), row + 1, DEMO.vocabSize),
  }));
  const scores = await scoreCompletions(model, items);
  const rollouts = items.map((item, row) => ({
    ...item,
    behaviourLogprobs: scores[row]!.logprobs,
    referenceLogprobs: scores[row]!.logprobs,
    advantage: (row % 3) - 1,
  }));
  const optimizer = createAdamW();
  await grpoStep(model, optimizer, rollouts, { learningRate: 0, beta1: 0, gradientClip: 1e9, microBatch: 5 });
  return {
    logprobs: scores.flatMap(({ logprobs }) => logprobs),
    entropies: scores.flatMap(({ entropies }) => entropies),
    gradients: optimizer.first.flatMap((tensor) => Array.from(tensor.dataSync())),
  };
}

/** Length of the difference, in lengths of `b`. */
export function distance(a: readonly number[], b: readonly number[]): number {
  return Math.sqrt(
    a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0) / b.reduce((sum, value) => sum + value ** 2, 0),
  );
}
