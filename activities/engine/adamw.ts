/** AdamW (Loshchilov and Hutter, arXiv 1711.05101) with clipping of the global gradient norm. */
import type * as tfc from '@tensorflow/tfjs-core';
import { RZeroError } from '../errors.ts';
import { replaceTensors } from './weights.ts';
import type { Model } from './weights.ts';

/** First and second moments in the order of the model's specs; empty before the first step. */
export interface AdamW {
  step: number;
  first: tfc.Tensor[];
  second: tfc.Tensor[];
}

export interface AdamWOptions {
  learningRate: number;
  /** @default 0.9 */
  beta1?: number;
  /** @default 0.999 */
  beta2?: number;
  /** @default 1e-8 */
  epsilon?: number;
  /** Decoupled, on every tensor. @default 0.01 */
  weightDecay?: number;
  /** Largest global gradient norm. @default 1 */
  gradientClip?: number;
}

export function createAdamW(): AdamW {
  return { step: 0, first: [], second: [] };
}

export function shareAdamW(tf: typeof tfc, optimizer: AdamW): AdamW {
  return {
    step: optimizer.step,
    first: optimizer.first.map((tensor) => tf.clone(tensor)),
    second: optimizer.second.map((tensor) => tf.clone(tensor)),
  };
}

export function disposeAdamW(optimizer: AdamW): void {
  for (const tensor of [...optimizer.first, ...optimizer.second]) tensor.dispose();
  optimizer.first = [];
  optimizer.second = [];
  optimizer.step = 0;
}

/** @throws RZeroError `EngineRequestInvalid` naming the field. */
export function validateAdamW(options: AdamWOptions): Required<AdamWOptions> {
  const resolved = {
    learningRate: options.learningRate,
    beta1: options.beta1 ?? 0.9,
    beta2: options.beta2 ?? 0.999,
    epsilon: options.epsilon ?? 1e-8,
    weightDecay: options.weightDecay ?? 0.01,
    gradientClip: options.gradientClip ?? 1,
  };
  const ranges: [keyof typeof resolved, (x: number) => boolean, string][] = [
    ['learningRate', (x) => x >= 0, 'a number of at least 0'],
    ['beta1', (x) => x >= 0 && x < 1, 'in [0, 1)'],
    ['beta2', (x) => x >= 0 && x < 1, 'in [0, 1)'],
    ['epsilon', (x) => x > 0, 'above 0'],
    ['weightDecay', (x) => x >= 0, 'a number of at least 0'],
    ['gradientClip', (x) => x > 0, 'above 0'],
  ];
  for (const [field, valid, range] of ranges) {
    const value = resolved[field];
    if (!Number.isFinite(value) || !valid(value)) {
      throw new RZeroError('EngineRequestInvalid', `${field} must be ${range}, not ${value}.`, { field });
    }
  }
  return resolved;
}

/**
 * One update. Does not dispose `gradients`.
 *
 * @returns the norm before clipping; `skipped` when it is not finite, and then weights, moments and step stay as they were.
 */
export function applyAdamW(
  model: Model,
  optimizer: AdamW,
  gradients: readonly tfc.Tensor[],
  options: AdamWOptions,
): { gradientNorm: number; skipped: boolean } {
  const { tf } = model.runtime;
  const settings = validateAdamW(options);
  const { learningRate, beta1, beta2, epsilon, weightDecay } = settings;
  const gradientNorm = globalNorm(tf, gradients);
  if (!Number.isFinite(gradientNorm)) return { gradientNorm, skipped: true };

  const step = optimizer.step + 1;
  const { scale, stepSize, secondCorrection } = adamWStep(settings, step, gradientNorm);
  const next = { tensors: [] as tfc.Tensor[], first: [] as tfc.Tensor[], second: [] as tfc.Tensor[] };
  for (const [index, weight] of model.tensors.entries()) {
    const raw = gradients[index] as tfc.Tensor;
    const [tensor, first, second] = tf.tidy<[tfc.Tensor, tfc.Tensor, tfc.Tensor]>(() => {
      const gradient = scale === 1 ? raw : tf.mul(raw, scale);
      const oldFirst = optimizer.first[index];
      const oldSecond = optimizer.second[index];
      const newFirst = tf.mul(gradient, 1 - beta1);
      const newSecond = tf.mul(tf.square(gradient), 1 - beta2);
      const first = oldFirst ? tf.add(tf.mul(oldFirst, beta1), newFirst) : newFirst;
      const second = oldSecond ? tf.add(tf.mul(oldSecond, beta2), newSecond) : newSecond;
      const denominator = tf.add(tf.mul(tf.sqrt(second), secondCorrection), epsilon);
      const decayed = weightDecay === 0 ? weight : tf.mul(weight, 1 - learningRate * weightDecay);
      return [tf.sub(decayed, tf.mul(tf.div(first, denominator), stepSize)), first, second];
    });
    next.tensors.push(tensor);
    next.first.push(first);
    next.second.push(second);
  }
  disposeAdamW(optimizer);
  replaceTensors(model, next.tensors);
  optimizer.step = step;
  optimizer.first = next.first;
  optimizer.second = next.second;
  return { gradientNorm, skipped: false };
}

/**
 * The numbers of one update: what gradients are multiplied by, the step size with the first moment's bias correction, and
 * the factor that corrects the root of the second moment.
 */
export function adamWStep(
  { learningRate, beta1, beta2, gradientClip }: Required<AdamWOptions>,
  step: number,
  gradientNorm: number,
): { scale: number; stepSize: number; secondCorrection: number } {
  return {
    // The 1e-6 is that of torch.nn.utils.clip_grad_norm_.
    scale: Math.min(1, gradientClip / (gradientNorm + 1e-6)),
    stepSize: learningRate / (1 - beta1 ** step),
    secondCorrection: 1 / Math.sqrt(1 - beta2 ** step),
  };
}

/** Euclidean norm over all tensors. */
function globalNorm(tf: typeof tfc, gradients: readonly tfc.Tensor[]): number {
  const squares = tf.tidy(() => tf.stack(gradients.map((gradient) => tf.sum(tf.square(gradient)))));
  const values = squares.dataSync<'float32'>();
  squares.dispose();
  return Math.sqrt(values.reduce((sum, value) => sum + value, 0));
}
