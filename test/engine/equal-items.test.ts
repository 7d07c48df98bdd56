import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAdamW, disposeAdamW } from '../../activities/engine/adamw.ts';
import { eagerExecutor } from '../../activities/engine/eager-executor.ts';
import { equalItems } from '../../activities/engine/equal-items.ts';
import { executorOf } from '../../activities/engine/execution.ts';
import type { Executor } from '../../activities/engine/executor.ts';
import { validateGrpo } from '../../activities/engine/grpo-loss.ts';
import { packTraining } from '../../activities/engine/rollout-batch.ts';
import { grpoStep, scoreCompletions } from '../../activities/engine/rollouts.ts';
import type { TrainItem } from '../../activities/engine/types.ts';
import { DEMO, makeModel, tokensOf } from './support/models.ts';

/** 24 rollouts of two prompts, of which 10 are distinct; equal ones differ in all that is not their tokens. */
const ITEMS = Array.from({ length: 24 }, (_, i): TrainItem => {
  const kind = (i * 7) % 5;
  const completionTokens = tokensOf(2 + kind, kind, DEMO.vocabSize);
  return {
    promptTokens: tokensOf(9, i % 2, DEMO.vocabSize),
    completionTokens,
    behaviourLogprobs: completionTokens.map((_, t) => -2.4 + 0.4 * Math.sin(i + 3 * t)),
    referenceLogprobs: completionTokens.map((_, t) => -2.4 + 0.4 * Math.cos(2 * i + t)),
    advantage: (i % 7) - 3,
  };
});
const SETTINGS = validateGrpo({ learningRate: 0, klCoefficient: 0.2 });

test('items are equal when prompt and completion are', () => {
  const items = [
    { promptTokens: [1], completionTokens: [2, 3] },
    { promptTokens: [1, 2], completionTokens: [3] },
    { promptTokens: [1], completionTokens: [23] },
    { promptTokens: [1], completionTokens: [2, 3] },
  ];
  assert.deepEqual(equalItems(items), [[0, 3], [1], [2]]);
});

/** Sums of reports, and gradients as the first moment of an optimizer that remembers nothing holds them. */
function accumulate(executor: Executor, batches: readonly (readonly TrainItem[])[], shared: boolean) {
  const step = executor.startStep();
  const sums = new Map<string, number>();
  for (const items of batches) {
    const weights = items.map((item) => (1 + ITEMS.indexOf(item)) / 300);
    const report = step.accumulate(packTraining(items, weights, 1, shared), SETTINGS);
    for (const [key, value] of Object.entries(report)) sums.set(key, (sums.get(key) ?? 0) + value);
  }
  const optimizer = createAdamW();
  step.apply(optimizer, { learningRate: 0, beta1: 0, gradientClip: 1e9 });
  step.dispose();
  const gradients = optimizer.first.map((tensor) => Array.from(tensor.dataSync()));
  disposeAdamW(optimizer);
  return { sums, gradients };
}

for (const shared of [false, true]) {
  for (const way of ['as it runs here', 'operation by operation'] as const) {
    test(`equal sequences run once weigh what each would (prompts ${shared ? 'apart' : 'whole'}, ${way})`, async () => {
      const packed = packTraining(ITEMS, ITEMS.map(() => 1), 1, shared); // prettier-ignore
      assert.equal(packed.batch, 10);
      assert.ok(packed.predictions.length > 2 * packed.rows.length);
      const run = async (batches: readonly (readonly TrainItem[])[]) => {
        const model = await makeModel(DEMO);
        return accumulate(way === 'as it runs here' ? executorOf(model) : eagerExecutor(model), batches, shared);
      };
      const once = await run([ITEMS]);
      const each = await run(ITEMS.map((item) => [item]));
      for (const [key, value] of each.sums) {
        assert.ok(Math.abs(once.sums.get(key)! - value) <= 1e-4 * (1 + Math.abs(value)), key);
      }
      for (const [index, gradient] of each.gradients.entries()) {
        const largest = Math.max(...gradient.map(Math.abs));
        const worst = Math.max(...gradient.map((value, i) => Math.abs(once.gradients[index]![i]! - value)));
        assert.ok(largest > 0 && worst <= 1e-4 * largest, `tensor ${index}: ${worst} of ${largest}`);
      }
    });
  }
}

test('every item has its score, and a step counts the tokens of all', async () => {
  const model = await makeModel(DEMO);
  const progress: number[] = [];
  const scores = await scoreCompletions(model, ITEMS, { batchSize: 4, onProgress: ({ done }) => progress.push(done) });
  assert.deepEqual([progress.length, progress.at(-1)], [3, ITEMS.length]);
  for (const [index, item] of ITEMS.entries()) {
    const [alone] = await scoreCompletions(model, [item]);
    for (const key of ['logprobs', 'entropies'] as const) {
      assert.equal(scores[index]![key].length, item.completionTokens.length);
      scores[index]![key].forEach((value, t) => assert.ok(Math.abs(value - alone![key][t]!) < 1e-5));
    }
  }
  const { tokens } = await grpoStep(model, createAdamW(), ITEMS, { learningRate: 1e-4, microBatch: 4 });
  assert.equal(tokens, ITEMS.reduce((sum, item) => sum + item.completionTokens.length, 0)); // prettier-ignore
});
