/** Prompt-and-completion pairs through the full forward pass: log-probabilities of given tokens, and the GRPO step. */
import type * as tfc from '@tensorflow/tfjs-core';
import { RZeroError } from '../errors.ts';
import { applyAdamW } from './adamw.ts';
import type { AdamW } from './adamw.ts';
import { validateAdamW } from './adamw.ts';
import { forwardInput, groupByLength, validateTokens } from './batch.ts';
import { addGradients, lossGradients } from './gradients.ts';
import { grpoTerms, sequenceWeights, validateGrpo } from './grpo-loss.ts';
import { forward, head } from './model.ts';
import type { ForwardInput } from './model.ts';
import type { Parameters } from './parameters.ts';
import { breathe } from './sampler.ts';
import type { CallOptions, ScoreItem, TrainItem, TrainMetrics, TrainOptions } from './types.ts';
import { parametersOf } from './weights.ts';
import type { Model } from './weights.ts';

/** Most logits held at once while scoring, as a number of floats (256 MiB). */
const SCORE_LOGITS = 2 ** 26;
const SCORE_BATCH = 128;

/**
 * @returns natural log-probability of each completion token, in the order of the items
 * @throws RZeroError `EngineRequestInvalid` naming the field, `EngineCancelled`
 */
export async function scoreCompletions(
  model: Model,
  items: readonly ScoreItem[],
  { signal, onProgress }: CallOptions = {},
): Promise<number[][]> {
  validateItems(model, items);
  const { tf, ops } = model.runtime;
  const scores: number[][] = items.map(() => []);
  const lengths = items.map(lengthOf);
  const longest = Math.max(0, ...lengths);
  const size = Math.max(1, Math.min(SCORE_BATCH, Math.floor(SCORE_LOGITS / (model.config.vocabSize * longest))));
  let done = 0;
  for (const group of groupByLength(lengths, size)) {
    await breathe(signal);
    const members = group.map((index) => items[index] as ScoreItem);
    const width = packedWidth(members);
    const values = tf.tidy(() => {
      const packed = pack(model, members);
      const logits = completionLogits(model, parametersOf(model), packed);
      return ops.negativeLogLikelihood(logits, packed.labels).dataSync<'float32'>();
    });
    for (const [row, index] of group.entries()) {
      const item = items[index] as ScoreItem;
      const start = row * width.span + item.promptTokens.length - 1 - width.from;
      scores[index] = Array.from(values.subarray(start, start + item.completionTokens.length), (loss) => -loss);
    }
    done += group.length;
    onProgress?.({ stage: 'scoring', done, total: items.length });
  }
  return scores;
}

/**
 * One AdamW update on the GRPO objective over all items.
 *
 * @throws RZeroError `EngineRequestInvalid` naming the field; `EngineCancelled`, and then nothing has changed
 */
export async function grpoStep(
  model: Model,
  optimizer: AdamW,
  items: readonly TrainItem[],
  options: TrainOptions,
  { signal, onProgress }: CallOptions = {},
): Promise<TrainMetrics> {
  const started = performance.now();
  const settings = validateGrpo(options);
  validateAdamW(options);
  validateTrainItems(model, items);
  const { tf } = model.runtime;
  const weights = sequenceWeights(
    items.map((item) => item.completionTokens.length),
    settings.aggregation,
  );
  const total = { loss: 0, policy: 0, kl: 0, entropy: 0, clipped: 0, padding: 0 };
  let gradients: tfc.Tensor[] | undefined;
  let done = 0;
  try {
    for (const group of groupByLength(items.map(lengthOf), settings.microBatch)) {
      await breathe(signal);
      const members = group.map((index) => items[index] as TrainItem);
      const memberWeights = group.map((index) => weights[index] as number);
      const part = tf.tidy(() => {
        const { gradients, report } = microBatchGradients(model, members, memberWeights, settings);
        const [loss, policy, kl, entropy, clipped] = report as unknown as [number, number, number, number, number];
        total.loss += loss;
        total.policy += policy;
        total.kl += kl;
        total.entropy += entropy;
        total.clipped += clipped;
        return gradients;
      });
      gradients = addGradients(tf, gradients, part);
      const longest = Math.max(...members.map(lengthOf)) - 1;
      total.padding += members.reduce((sum, item) => sum + longest - (lengthOf(item) - 1), 0);
      done += group.length;
      onProgress?.({ stage: 'training', done, total: items.length });
    }
    await breathe(signal);
    const { gradientNorm, skipped } = applyAdamW(model, optimizer, gradients as tfc.Tensor[], options);
    const tokens = items.reduce((sum, item) => sum + item.completionTokens.length, 0);
    return {
      loss: total.loss,
      policyLoss: total.policy,
      kl: total.kl / tokens,
      entropy: total.entropy / tokens,
      clipFraction: total.clipped / tokens,
      gradientNorm,
      tokens,
      paddingTokens: total.padding,
      seconds: (performance.now() - started) / 1000,
      memoryBytes: process.memoryUsage.rss(),
      skipped,
    };
  } finally {
    for (const gradient of gradients ?? []) gradient.dispose();
  }
}

/** `report`: weighted loss and policy loss, then sums over tokens of KL, entropy and clipped. */
function microBatchGradients(
  model: Model,
  items: readonly TrainItem[],
  weights: readonly number[],
  settings: ReturnType<typeof validateGrpo>,
): { gradients: tfc.Tensor[]; report: Float32Array } {
  const { tf, ops } = model.runtime;
  const packed = pack(model, items);
  const place = (values: (item: TrainItem, row: number) => ArrayLike<number>): tfc.Tensor =>
    placeTokens(tf, items, values);
  const behaviour = place((item) => item.behaviourLogprobs);
  const reference = place((item) => item.referenceLogprobs);
  const advantages = place((item) => new Float32Array(item.completionTokens.length).fill(item.advantage));
  const weight = place((item, row) => new Float32Array(item.completionTokens.length).fill(weights[row] as number));
  const real = place((item) => new Float32Array(item.completionTokens.length).fill(1));
  return lossGradients(model, (parameters) => {
    const logits = completionLogits(model, parameters, packed);
    const logprobs = tf.neg(ops.negativeLogLikelihood(logits, packed.labels));
    const { policy, kl, clipped } = grpoTerms(tf, { logprobs, behaviour, reference, advantages }, settings);
    const policyLoss = tf.sum(tf.mul(policy, weight));
    const loss = tf.add(policyLoss, tf.mul(tf.sum(tf.mul(kl, weight)), settings.klCoefficient));
    const overTokens = (values: tfc.Tensor): tfc.Tensor => tf.sum(tf.mul(values, real));
    return {
      loss,
      report: tf.stack([loss, policyLoss, overTokens(kl), overTokens(entropies(tf, logits)), overTokens(clipped)]),
    };
  });
}

/** Entropy of each row of logits [N, V], nats. */
function entropies(tf: typeof tfc, logits: tfc.Tensor): tfc.Tensor {
  const probabilities = tf.softmax(logits);
  // The likeliest token gives the log of the sum of exponentials without another exponential.
  const logSum = tf.sub(tf.max(logits, -1), tf.log(tf.max(probabilities, -1)));
  return tf.sub(logSum, tf.sum(tf.mul(probabilities, logits), -1));
}

interface Packed {
  input: ForwardInput;
  /** First column whose logits are needed, and how many are. */
  from: number;
  span: number;
  /** int32 [B span] */
  labels: tfc.Tensor;
}

function lengthOf(item: ScoreItem): number {
  return item.promptTokens.length + item.completionTokens.length;
}

function packedWidth(items: readonly ScoreItem[]): { length: number; from: number; span: number } {
  // Empty completions still need one column, or there would be nothing to compute on.
  const length = Math.max(2, ...items.map(lengthOf)) - 1;
  const from = Math.min(length - 1, ...items.map((item) => item.promptTokens.length - 1));
  return { length, from, span: length - from };
}

function pack(model: Model, items: readonly ScoreItem[]): Packed {
  const { tf } = model.runtime;
  const { length, from, span } = packedWidth(items);
  const sequences = items.map((item) => [...item.promptTokens, ...item.completionTokens].slice(0, length));
  return {
    input: forwardInput(model, sequences, length),
    from,
    span,
    labels: tf.cast(
      placeTokens(tf, items, (item) => item.completionTokens),
      'int32',
    ),
  };
}

/** Per-token values at the columns whose logits predict those tokens, zero elsewhere: [B span]. */
function placeTokens<Item extends ScoreItem>(
  tf: typeof tfc,
  items: readonly Item[],
  values: (item: Item, row: number) => ArrayLike<number>,
): tfc.Tensor {
  const { from, span } = packedWidth(items);
  const placed = new Float32Array(items.length * span);
  for (const [row, item] of items.entries()) {
    placed.set(values(item, row), row * span + item.promptTokens.length - 1 - from);
  }
  return tf.tensor1d(placed, 'float32');
}

/** Logits [B span, V] of the columns that predict completion tokens. */
function completionLogits(model: Model, parameters: Parameters, { input, from, span }: Packed): tfc.Tensor {
  const { runtime, config } = model;
  const { tf } = runtime;
  const hidden = forward(runtime, config, parameters, input);
  const d = config.hiddenSize;
  if (from === 0) return head(runtime, parameters, hidden);
  const needed = tf.slice(tf.reshape(hidden, [input.batch, input.length, d]), [0, from, 0], [input.batch, span, d]);
  return head(runtime, parameters, tf.reshape(needed, [input.batch * span, d]));
}

function validateItems(model: Model, items: readonly ScoreItem[]): void {
  for (const [index, item] of items.entries()) {
    validateTokens(model.config, item.promptTokens, `items[${index}].promptTokens`);
    if (item.completionTokens.length === 0) continue;
    const room = model.config.maxPositions - item.promptTokens.length;
    validateTokens(model.config, item.completionTokens, `items[${index}].completionTokens`, room);
  }
}

function validateTrainItems(model: Model, items: readonly TrainItem[]): void {
  const refuse = (field: string, message: string): never => {
    throw new RZeroError('EngineRequestInvalid', `${field} ${message}.`, { field });
  };
  if (items.length === 0) refuse('items', 'is empty');
  validateItems(model, items);
  for (const [index, item] of items.entries()) {
    const length = item.completionTokens.length;
    if (length === 0) refuse(`items[${index}].completionTokens`, 'is empty');
    if (!Number.isFinite(item.advantage)) refuse(`items[${index}].advantage`, 'is not a finite number');
    for (const field of ['behaviourLogprobs', 'referenceLogprobs'] as const) {
      if (item[field].length !== length) refuse(`items[${index}].${field}`, 'has not the length of completionTokens');
      if (!item[field].every((value) => Number.isFinite(value))) {
        refuse(`items[${index}].${field}`, 'holds a number that is not finite');
      }
    }
  }
}
