/** Prints how much of the model's size two optimizer steps have added to this process, as a multiple of it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createAdamW } from '../../../activities/engine/adamw.ts';
import { collectGarbage } from '../../../activities/engine/collect-garbage.ts';
import { executorOf } from '../../../activities/engine/execution.ts';
import { sizeOf, trainedSpecs } from '../../../activities/engine/parameters.ts';
import { grpoStep } from '../../../activities/engine/rollouts.ts';
import type { ModelConfig } from '../../../activities/engine/config.ts';
import { DEMO, makeModel } from './models.ts';

/** 64 MiB of weights, nearly all of them one table; nothing else in a step is large. */
const WIDE: ModelConfig = { ...DEMO, vocabSize: 2 ** 17, hiddenSize: 128, layers: 1, headDim: 32 };

const model = await makeModel(WIDE);
executorOf(model);
// The arrays that the weights came in are garbage once a step has taken them over, and are freed by another thread.
const resident = async (): Promise<number> => {
  collectGarbage();
  await sleep(300);
  return process.memoryUsage.rss();
};
const before = await resident();
const optimizer = createAdamW();
const logprobs = [-9, -9];
const item = { promptTokens: [3], completionTokens: [4, 5], behaviourLogprobs: logprobs, referenceLogprobs: logprobs };
for (let step = 0; step < 2; step++)
  await grpoStep(model, optimizer, [{ ...item, advantage: 1 }], { learningRate: 1e-4 });
const weights = 4 * trainedSpecs(WIDE).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
process.stdout.write(`${((await resident()) - before) / weights}\n`);
process.exit(0);
