import type * as tfc from '@tensorflow/tfjs-core';
import { applyAdamW } from './adamw.ts';
import { eagerDecoder } from './eager-decoder.ts';
import { reportOf } from './executor.ts';
import type { Executor } from './executor.ts';
import type { Rotary } from './model.ts';
import { addGradients, lossGradients } from './gradients.ts';
import type { LossOutput } from './gradients.ts';
import { grpoBounds } from './grpo-loss.ts';
import type { Parameters } from './parameters.ts';
import { recomputes } from './recompute.ts';
import type { RolloutBatch } from './rollout-batch.ts';
import { completionScores, labelLoss, rolloutLoss } from './rollout-loss.ts';
import type { RolloutTensors } from './rollout-loss.ts';
import { ropeAt } from './rope.ts';
import { countUp, placeBehind } from './shared-prompts.ts';
import { parametersOf } from './weights.ts';
import type { Model } from './weights.ts';

/** Operation by operation, on any backend. */
export function eagerExecutor(model: Model): Executor {
  const { runtime, config } = model;
  const { tf } = runtime;
  return {
    score: (batch) =>
      tf.tidy(() => {
        const { logprobs, entropies } = completionScores(runtime, config, parametersOf(model), tensorsOf(model, batch));
        const values = (tensor: tfc.Tensor): Float32Array => tensor.dataSync<'float32'>().slice();
        return { logprobs: values(logprobs), entropies: values(entropies) };
      }),
    startDecoding: (request) => eagerDecoder(model, request),
    startStep: () => {
      let sum: tfc.Tensor[] | undefined;
      const vector = (values: Float32Array): tfc.Tensor => tf.tensor1d(values, 'float32');
      /** @param prepare makes the tensors of a batch, and gives the loss on them */
      const add = (prepare: () => (parameters: Parameters) => LossOutput): Float32Array => {
        let report: Float32Array | undefined;
        const part = tf.tidy(() => {
          const result = lossGradients(model, prepare());
          report = result.report;
          return result.gradients;
        });
        sum = addGradients(tf, sum, part);
        return report as Float32Array;
      };
      return {
        accumulate: (batch, settings) => {
          const report = add(() => {
            const tensors = {
              ...tensorsOf(model, batch),
              predictions: tf.tensor1d(batch.predictions, 'int32'),
              behaviour: vector(batch.behaviour),
              reference: vector(batch.reference),
              advantages: vector(batch.advantages),
              weights: vector(batch.weights),
              recompute: recomputes(settings.recompute, config, batch.batch, batch.length),
            };
            const bounds = { ...grpoBounds(settings), klCoefficient: settings.klCoefficient };
            return (parameters) => rolloutLoss(runtime, config, parameters, tensors, bounds);
          });
          return reportOf(report);
        },
        accumulateLabels: (batch) => {
          const [loss] = add(() => {
            const tensors = { ...tensorsOf(model, batch), weights: vector(batch.weights) };
            return (parameters) => labelLoss(runtime, config, parameters, tensors);
          });
          return loss as number;
        },
        apply: (optimizer, options) => applyAdamW(model, optimizer, sum ?? [], options),
        dispose: () => {
          for (const gradient of sum ?? []) gradient.dispose();
          sum = undefined;
        },
      };
    },
  };
}

function tensorsOf(model: Model, batched: RolloutBatch): RolloutTensors {
  const { batch, length, tokens, rows, labels, temperature, prompts } = batched;
  const { tf } = model.runtime;
  const integers = (values: Int32Array): tfc.Tensor => tf.tensor1d(values, 'int32');
  const rotary = (positions: Int32Array, shape: readonly number[]): Rotary =>
    ropeAt(tf, model.config, model.rope, positions, shape);
  const whole = {
    batch,
    length,
    tokens: integers(tokens),
    rows: integers(rows),
    labels: integers(labels),
    temperature,
  };
  if (!prompts) return { ...whole, rotary: rotary(countUp(length), [length]) };
  const { positions, pads, order } = placeBehind(prompts, length, model.config.maxPositions);
  const columns = order.length;
  return {
    ...whole,
    rotary: rotary(positions, [batch, 1, length]),
    prompts: {
      count: prompts.count,
      length: prompts.length,
      columns,
      tokens: integers(prompts.tokens),
      rotary: rotary(countUp(prompts.length), [prompts.length]),
      promptOf: integers(prompts.promptOf),
      pads: tf.tensor2d(pads, [batch, columns]),
      order: integers(order),
    },
  };
}
