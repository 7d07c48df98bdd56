/** Log-probabilities of given tokens and the GRPO loss, as functions of tensors; run eagerly or traced into a graph. */
import type * as tfc from '@tensorflow/tfjs-core';
import { causalMask } from './batch.ts';
import type { ModelConfig } from './config.ts';
import type { LossOutput } from './gradients.ts';
import { grpoTerms } from './grpo-loss.ts';
import type { GrpoBounds, Scalar } from './grpo-loss.ts';
import { forward, head } from './model.ts';
import type { Rotary } from './model.ts';
import type { Parameters } from './parameters.ts';
import { forwardBehind } from './prompt-attention.ts';
import type { PromptTensors } from './prompt-attention.ts';
import type { Runtime } from './tensorflow.ts';

/** What a model's functions need of a runtime, whatever runs them. */
export type Toolkit = Pick<Runtime, 'tf' | 'ops'>;

/** A `RolloutBatch` as tensors. */
export interface RolloutTensors {
  batch: number;
  length: number;
  /** int32 [B T] */
  tokens: tfc.Tensor;
  /** Positions 0 to T - 1; with prompts apart, the positions of each sequence, [B, 1, T, dh]. */
  rotary: Rotary;
  prompts?: PromptTensors;
  /** int32 [M] */
  rows: tfc.Tensor;
  /** int32 [M] */
  labels: tfc.Tensor;
  temperature: Scalar;
  /** See `ForwardInput`. */
  recompute?: boolean;
}

/** A `LabelBatch` as tensors. */
export interface LabelTensors extends RolloutTensors {
  /** [M] */
  weights: tfc.Tensor;
}

/** A `TrainBatch` as tensors, all [K]. */
export interface TrainTensors extends RolloutTensors {
  /** int32 */
  predictions: tfc.Tensor;
  weights: tfc.Tensor;
  behaviour: tfc.Tensor;
  reference: tfc.Tensor;
  advantages: tfc.Tensor;
}

/**
 * Logits [M, V] of the rows that predict a completion token, over the temperature. The hidden states are divided, which
 * comes to the same and is less work: there are fewer of them, and the loss needs no second copy of the logits.
 */
export function completionLogits(
  toolkit: Toolkit,
  config: ModelConfig,
  parameters: Parameters,
  { prompts, rows, temperature, recompute = false, ...sequences }: RolloutTensors,
): tfc.Tensor {
  const { tokens, batch, length, rotary } = sequences;
  const input = { tokens, batch, length, rotary };
  const hidden = prompts
    ? forwardBehind(toolkit, config, parameters, prompts, input)
    : forward(toolkit, config, parameters, { ...input, mask: causalMask(toolkit.tf, length), recompute });
  return head(toolkit, parameters, toolkit.tf.div(toolkit.ops.embedding(hidden, rows), temperature));
}

/** Natural log-probability of each label, and entropy of the distribution it is from, both [M]; not differentiable. */
export function completionScores(
  toolkit: Toolkit,
  config: ModelConfig,
  parameters: Parameters,
  tensors: RolloutTensors,
): { logprobs: tfc.Tensor; entropies: tfc.Tensor } {
  return toolkit.ops.labelScores(completionLogits(toolkit, config, parameters, tensors), tensors.labels);
}

/** Weighted cross entropy of the labels; `report`: the same. */
export function labelLoss(
  toolkit: Toolkit,
  config: ModelConfig,
  parameters: Parameters,
  tensors: LabelTensors,
): LossOutput {
  const { tf, ops } = toolkit;
  const logits = completionLogits(toolkit, config, parameters, tensors);
  const loss = tf.sum(tf.mul(ops.negativeLogLikelihood(logits, tensors.labels), tensors.weights));
  return { loss, report: tf.reshape(loss, [1]) };
}

/** `report`: weighted loss and policy loss, then sums over tokens of KL, entropy and clipped. */
export function rolloutLoss(
  toolkit: Toolkit,
  config: ModelConfig,
  parameters: Parameters,
  tensors: TrainTensors,
  settings: GrpoBounds & { klCoefficient: Scalar },
): LossOutput {
  const { tf, ops } = toolkit;
  const { predictions, behaviour, reference, advantages, weights } = tensors;
  const ofEach = (x: tfc.Tensor): tfc.Tensor =>
    tf.reshape(ops.embedding(tf.reshape(x, [...x.shape, 1]), predictions), predictions.shape);
  const logits = completionLogits(toolkit, config, parameters, tensors);
  const logprobs = tf.neg(ofEach(ops.negativeLogLikelihood(logits, tensors.labels)));
  const { policy, kl, clipped } = grpoTerms(tf, { logprobs, behaviour, reference, advantages }, settings);
  const policyLoss = tf.sum(tf.mul(policy, weights));
  const loss = tf.add(policyLoss, tf.mul(tf.sum(tf.mul(kl, weights)), settings.klCoefficient));
  const report = [
    loss,
    policyLoss,
    tf.sum(kl),
    tf.sum(ofEach(ops.labelScores(logits, tensors.labels).entropies)),
    tf.sum(clipped),
  ];
  return { loss, report: tf.stack(report) };
}
