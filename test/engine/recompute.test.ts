import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAdamW, disposeAdamW } from '../../activities/engine/adamw.ts';
import type { ModelConfig } from '../../activities/engine/config.ts';
import { activationBytes, recomputes } from '../../activities/engine/recompute.ts';
import { grpoStep } from '../../activities/engine/rollouts.ts';
import type { TrainItem } from '../../activities/engine/types.ts';
import { disposeModel } from '../../activities/engine/weights.ts';
import type { Model } from '../../activities/engine/weights.ts';
import { DEMO, TIED, TINY, makeModel, runtime, tokensOf } from './support/models.ts';

const QWEN2: ModelConfig = { ...TINY, family: 'qwen2' };
const QWEN3: ModelConfig = { ...TINY, family: 'qwen3' };

function rollouts({ vocabSize }: ModelConfig): TrainItem[] {
  return Array.from({ length: 10 }, (_, row) => {
    const completionTokens = tokensOf(3 + (row % 5), row + 1, vocabSize);
    return {
      promptTokens: tokensOf(1 + (row % 4), row, vocabSize),
      completionTokens,
      behaviourLogprobs: completionTokens.map((_, t) => -2 + Math.sin(row + t)),
      referenceLogprobs: completionTokens.map((_, t) => -2 + Math.cos(row - t)),
      advantage: (row % 3) - 0.9,
    };
  });
}

/** Gradients in the order of the model's tensors, and what was reported. */
async function gradientsOf(
  model: Model,
  recompute: 'always' | 'never',
): Promise<{ values: number[]; report: number[] }> {
  const optimizer = createAdamW();
  // The first moment of the first step is then the gradient itself.
  const options = { learningRate: 0, beta1: 0, gradientClip: 1e9, klCoefficient: 0.1, microBatch: 4, recompute };
  const { loss, kl, entropy, gradientNorm } = await grpoStep(model, optimizer, rollouts(model.config), options);
  const values = optimizer.first.flatMap((tensor) => Array.from(tensor.dataSync()));
  disposeAdamW(optimizer);
  return { values, report: [loss, kl, entropy, gradientNorm] };
}

for (const [name, config] of Object.entries({ TINY, TIED, DEMO, QWEN2, QWEN3 })) {
  test(`${name}: recomputed activations give the gradients of kept ones, eagerly to the bit`, async () => {
    const { graphs: _, ...eager } = await runtime();
    const model: Model = { ...(await makeModel(config)), runtime: eager };
    const kept = await gradientsOf(model, 'never');
    assert.ok(kept.values.some((value) => value !== 0));
    assert.deepEqual(await gradientsOf(model, 'always'), kept);
    disposeModel(model);
  });

  test(`${name}: traced, too, up to the rounding of operations that TensorFlow joins in one form and not in the other`, async () => {
    const model = await makeModel(config);
    const [kept, again] = [await gradientsOf(model, 'never'), await gradientsOf(model, 'always')];
    assert.ok(kept.values.some((value) => value !== 0));
    for (const what of ['values', 'report'] as const) {
      kept[what].forEach((value, index) => {
        const error = Math.abs(again[what][index]! - value);
        assert.ok(error <= 1e-6 * (1 + Math.abs(value)), `${what}[${index}]: ${again[what][index]}, not ${value}`);
      });
    }
    disposeModel(model);
  });
}

/** Layers enough that what they keep is most of a step's memory: 210 MiB, against 18 MiB for one layer. */
const DEEP: ModelConfig = { ...DEMO, layers: 12, maxPositions: 512 };

for (const execution of ['traced', 'eager'] as const) {
  test(`${execution}: a step that recomputes needs less memory by what it does not keep`, async (t) => {
    const { graphs, ...rest } = await runtime();
    if (process.platform !== 'linux' || rest.description.backend !== 'tensorflow-cpu')
      return t.skip('needs Linux and a processor');
    const model: Model = {
      ...(await makeModel(DEEP)),
      runtime: execution === 'traced' && graphs ? { ...rest, graphs } : rest,
    };
    const items = Array.from({ length: 8 }, (_, row) => {
      const completionTokens = tokensOf(256, row + 1, DEEP.vocabSize);
      const logprobs = completionTokens.map(() => -3);
      const [behaviourLogprobs, referenceLogprobs] = [logprobs, logprobs];
      return { promptTokens: [1], completionTokens, behaviourLogprobs, referenceLogprobs, advantage: row - 3 };
    });
    // The saving one first: memory that a step has freed may stay with the process.
    const peaks: number[] = [];
    for (const recompute of ['always', 'never'] as const) {
      const optimizer = createAdamW();
      for (let step = 0; step < 2; step++) {
        const { peakMemoryBytes } = await grpoStep(model, optimizer, items, { learningRate: 1e-4, recompute });
        peaks.push(peakMemoryBytes / 2 ** 20);
      }
      disposeAdamW(optimizer);
    }
    disposeModel(model);
    const [, recomputing, , keeping] = peaks.map(Math.round);
    const saved = (activationBytes(DEEP, 8, 256) / 2 ** 20) * (1 - 1 / DEEP.layers);
    t.diagnostic(
      `${recomputing} MiB with recomputation, ${keeping} MiB without; ${Math.round(saved)} MiB are not kept`,
    );
    assert.ok(keeping! - recomputing! > 0.7 * saved, `${recomputing} MiB, not far below ${keeping} MiB`);
  });
}

test('recomputation leaves no tensor behind', async () => {
  const { graphs: _, ...eager } = await runtime();
  const model: Model = { ...(await makeModel(TINY)), runtime: eager };
  await gradientsOf(model, 'always');
  const before = eager.tf.memory().numTensors;
  await gradientsOf(model, 'always');
  assert.equal(eager.tf.memory().numTensors, before);
});

test('auto decides by shapes: never for the demo, for long sequences of a real model', () => {
  const real: ModelConfig = {
    ...TINY,
    vocabSize: 49_152,
    hiddenSize: 576,
    layers: 30,
    heads: 9,
    kvHeads: 3,
    headDim: 64,
    intermediateSize: 1536,
  };
  assert.equal(recomputes('auto', DEMO, 128, 60), false);
  assert.equal(recomputes('auto', real, 4, 128), false);
  assert.equal(recomputes('auto', real, 4, 1024), true);
  assert.deepEqual([recomputes('always', DEMO, 1, 1), recomputes('never', real, 64, 4096)], [true, false]);
  // 30 layers of 4096 tokens of (4 576 + 2 12 64 + 4 1536 + 9 1024) floats.
  assert.equal(activationBytes(real, 4, 1024), 4 * 30 * 4096 * (2304 + 1536 + 6144 + 9216));
});

test('an unknown setting is refused by name', async () => {
  const model = await makeModel(TINY);
  const options = { learningRate: 1e-3, recompute: 'sometimes' as 'auto' };
  await assert.rejects(grpoStep(model, createAdamW(), rollouts(TINY), options), {
    code: 'EngineRequestInvalid',
    field: 'recompute',
  });
});
