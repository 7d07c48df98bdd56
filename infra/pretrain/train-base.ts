import { createAdamW, disposeAdamW } from '../../activities/engine/adamw.ts';
import { parseModelConfig } from '../../activities/engine/config.ts';
import { initializeModel } from '../../activities/engine/initialize.ts';
import { crossEntropyStep } from '../../activities/engine/supervised.ts';
import type { Runtime } from '../../activities/engine/tensorflow.ts';
import type { Model } from '../../activities/engine/weights.ts';
import { RZeroError } from '../../activities/errors.ts';
import { corpusRows } from './corpus.ts';
import { MODEL_CONFIG } from './model-files.ts';
import { learningRateAt, type PretrainRecipe } from './recipe.ts';

export interface TrainingProgress {
  /** Steps done. */
  step: number;
  /** Mean cross-entropy per token since the last report, nats. */
  loss: number;
}

/** Steps between two reports. */
const REPORT_EVERY = 50;

/**
 * Trains a model from random weights: next-token prediction on every token of fresh corpus rows, Adam without decay.
 *
 * @throws RZeroError `Internal` when the loss is no longer finite.
 */
export function trainBase(
  runtime: Runtime,
  encode: (text: string) => number[],
  recipe: PretrainRecipe,
  report: (progress: TrainingProgress) => void,
): Model {
  const config = parseModelConfig(JSON.stringify(MODEL_CONFIG));
  const model = initializeModel(runtime, config, { seed: recipe.seed.toString(16).padStart(16, '0') });
  const optimizer = createAdamW();
  const rows = corpusRows(recipe.seed);
  let lossSum = 0;
  let lossSteps = 0;
  for (let step = 0; step < recipe.steps; step++) {
    const batch = Array.from({ length: recipe.batchSize }, () => encode(rows.next().value.text));
    const { loss, skipped } = crossEntropyStep(model, optimizer, batch, undefined, {
      learningRate: learningRateAt(step, recipe),
      beta1: 0.9,
      beta2: 0.99,
      weightDecay: 0,
      gradientClip: 1,
    });
    if (skipped || !Number.isFinite(loss)) {
      throw new RZeroError('Internal', `Training diverged at step ${step}.`, { fix: 'Use a smaller learning rate.' });
    }
    lossSum += loss;
    lossSteps++;
    if (lossSteps === REPORT_EVERY || step + 1 === recipe.steps) {
      report({ step: step + 1, loss: lossSum / lossSteps });
      lossSum = 0;
      lossSteps = 0;
    }
  }
  disposeAdamW(optimizer);
  return model;
}
