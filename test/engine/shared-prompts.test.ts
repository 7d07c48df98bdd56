import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAdamW } from '../../activities/engine/adamw.ts';
import { executorOf } from '../../activities/engine/execution.ts';
import { eagerExecutor } from '../../activities/engine/eager-executor.ts';
import type { Executor } from '../../activities/engine/executor.ts';
import { validateGrpo } from '../../activities/engine/grpo-loss.ts';
import { packRollouts, packTraining } from '../../activities/engine/rollout-batch.ts';
import { scoreCompletions } from '../../activities/engine/rollouts.ts';
import { planRollouts } from '../../activities/engine/shared-prompts.ts';
import type { TrainItem } from '../../activities/engine/types.ts';
import { DEMO, TIED, TINY, makeModel, storedWeights, tokensOf } from './support/models.ts';
import { referenceLogprobs } from './support/reference-model.ts';

/** Groups of rollouts whose prompts and completions are of many lengths; the last prompt is a single token. */
function rolloutsOf(vocabSize: number, groups = 4, size = 5): TrainItem[] {
  return Array.from({ length: groups * size }, (_, i) => {
    const group = Math.floor(i / size);
    const completionTokens = tokensOf(1 + ((i * 5) % 9), i, vocabSize);
    return {
      promptTokens: group === groups - 1 ? [4] : tokensOf(12 - 3 * group, group, vocabSize),
      completionTokens,
      behaviourLogprobs: completionTokens.map((_, t) => -2.4 + 0.4 * Math.sin(i + 3 * t)),
      referenceLogprobs: completionTokens.map((_, t) => -2.4 + 0.4 * Math.cos(2 * i + t)),
      advantage: (i % 5) - 2,
    };
  });
}

const SETTINGS = validateGrpo({ learningRate: 0, klCoefficient: 0.2 });

/** Gradients as the first moment of an optimizer that remembers nothing holds them. */
function gradientsOf(executor: Executor, items: readonly TrainItem[], shared: boolean, size: number) {
  const optimizer = createAdamW();
  const step = executor.startStep();
  const reports = [];
  for (let from = 0; from < items.length; from += size) {
    const members = items.slice(from, from + size);
    const weights = members.map(() => 1 / items.length);
    reports.push(step.accumulate(packTraining(members, weights, 1, shared), SETTINGS));
  }
  const { gradientNorm } = step.apply(optimizer, { learningRate: 0, beta1: 0, gradientClip: 1e9 });
  step.dispose();
  const gradients = optimizer.first.map((tensor) => Array.from(tensor.dataSync()));
  for (const tensor of [...optimizer.first, ...optimizer.second]) tensor.dispose();
  return { reports, gradientNorm, gradients };
}

for (const [name, config] of Object.entries({ TINY, TIED, DEMO })) {
  for (const way of ['as it runs here', 'operation by operation'] as const) {
    test(`gradients and losses are those of whole sequences when prompts are shared (${name}, ${way})`, async () => {
      const items = rolloutsOf(config.vocabSize);
      for (const size of [items.length, 7]) {
        const results = [];
        for (const shared of [false, true]) {
          const model = await makeModel(config);
          const executor = way === 'as it runs here' ? executorOf(model) : eagerExecutor(model);
          results.push(gradientsOf(executor, items, shared, size));
        }
        const [whole, apart] = results as [(typeof results)[0], (typeof results)[0]];
        for (const [index, report] of whole.reports.entries()) {
          for (const [key, value] of Object.entries(report)) {
            const other = apart.reports[index]![key as keyof typeof report];
            assert.ok(Math.abs(other - value) <= 1e-4 * (1 + Math.abs(value)), `${key}: ${other}, not ${value}`);
          }
        }
        assert.ok(Math.abs(apart.gradientNorm / whole.gradientNorm - 1) < 1e-4);
        for (const [index, gradient] of whole.gradients.entries()) {
          const largest = Math.max(...gradient.map(Math.abs));
          assert.ok(largest > 0, `tensor ${index} has a gradient`);
          const worst = Math.max(...gradient.map((value, i) => Math.abs(apart.gradients[index]![i]! - value)));
          assert.ok(worst <= 1e-4 * largest, `tensor ${index}: ${worst} of ${largest}`);
        }
      }
    });
  }
}

test('scores behind shared prompts equal the full forward pass in double precision', async () => {
  const model = await makeModel(TINY);
  const weights = storedWeights(model);
  const items = [...rolloutsOf(TINY.vocabSize), { promptTokens: [4, 5], completionTokens: [] }];
  assert.equal(planRollouts(items, 64).shared, true);
  const scores = await scoreCompletions(model, items);
  for (const [index, { promptTokens, completionTokens }] of items.entries()) {
    const expected = referenceLogprobs(TINY, weights, promptTokens, completionTokens);
    assert.equal(scores[index]!.logprobs.length, completionTokens.length);
    for (const [t, value] of expected.entries()) assert.ok(Math.abs(scores[index]!.logprobs[t]! - value) < 1e-5);
  }
});

test('prompts are shared only where that leaves something out', () => {
  const item = (prompt: number, salt: number, length: number) => ({
    promptTokens: tokensOf(prompt, salt, 1000),
    completionTokens: tokensOf(length, salt, 1000),
  });
  const group = Array.from({ length: 8 }, (_, i) => ({ ...item(30, 1, 10 + i) }));
  const distinct = Array.from({ length: 8 }, (_, i) => item(30, i, 10 + i));
  assert.equal(planRollouts(group, 8).shared, true);
  assert.equal(planRollouts(distinct, 8).shared, false);
  assert.equal(planRollouts(group, 1).shared, false);
  const short = (length: number) => Array.from({ length: 8 }, (_, i) => ({ ...item(3, 1, length + i) }));
  assert.equal(planRollouts(short(10), 8).shared, true);
  assert.equal(planRollouts(short(40), 8).shared, false);
  for (const items of [group, distinct]) {
    const { groups } = planRollouts(items, 3);
    assert.deepEqual(groups.flat().sort((a, b) => a - b), [...items.keys()]); // prettier-ignore
    assert.ok(groups.every((members) => members.length <= 3));
  }
});

test('pads are counted, of prompts and of what follows them', () => {
  const completion = (length: number) => ({ completionTokens: tokensOf(length, 1, 20) });
  const items = [
    { promptTokens: [5, 6, 7, 8], ...completion(3) },
    { promptTokens: [5, 6, 7, 8], ...completion(1) },
    { promptTokens: [9, 6], ...completion(2) },
  ];
  // Whole: 6, 4 and 3 tokens predict something. Apart: prompts of 3 and 1, then 3, 1 and 2.
  assert.equal(packRollouts(items, 1).paddingTokens, 2 + 3);
  const { prompts, paddingTokens, tokens, rows } = packRollouts(items, 1, true);
  assert.equal(paddingTokens, 2 + 2 + 1);
  assert.deepEqual([...prompts!.tokens], [5, 6, 7, 9, 0, 0]);
  assert.deepEqual([...prompts!.promptOf], [0, 0, 1]);
  assert.deepEqual(Array.from(tokens.filter((_, i) => i % 3 === 0)), [8, 8, 6]);
  assert.deepEqual([...rows], [0, 1, 2, 3, 6, 7]);
});
