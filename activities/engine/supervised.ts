import type * as tfc from '@tensorflow/tfjs-core';
import { RZeroError } from '../errors.ts';
import { applyAdamW } from './adamw.ts';
import type { AdamW, AdamWOptions } from './adamw.ts';
import { forwardInput, groupByLength, validateTokens } from './batch.ts';
import { addGradients, lossGradients } from './gradients.ts';
import { forward, head } from './model.ts';
import type { Model } from './weights.ts';

export interface CrossEntropyOptions extends AdamWOptions {
  /** Sequences per forward and backward pass; gradients accumulate. @default all */
  microBatch?: number;
}

export interface CrossEntropyMetrics {
  /** Mean over the counted tokens, nats. */
  loss: number;
  /** Tokens that counted. */
  tokens: number;
  gradientNorm: number;
  skipped: boolean;
}

/**
 * One optimizer step of next-token prediction.
 *
 * @param tokens B sequences, right-padded or of different lengths
 * @param lossMask same shape; entry [b][t] weighs the prediction *of* token t, so entry [b][0] is ignored. All ones when omitted.
 * @throws RZeroError `EngineRequestInvalid`
 */
export function crossEntropyStep(
  model: Model,
  optimizer: AdamW,
  tokens: readonly (readonly number[])[],
  lossMask: readonly (readonly number[])[] | undefined,
  options: CrossEntropyOptions,
): CrossEntropyMetrics {
  const rows = tokens.map((row, index) => {
    validateTokens(model.config, row, `tokens[${index}]`);
    const mask = lossMask?.[index] ?? row.map(() => 1);
    if (mask.length !== row.length) {
      throw new RZeroError('EngineRequestInvalid', `lossMask[${index}] has not the length of tokens[${index}].`, {
        field: `lossMask[${index}]`,
      });
    }
    // Everything after the last counted token costs time and changes nothing.
    const used = mask.findLastIndex((weight, position) => position > 0 && weight !== 0) + 1;
    return { tokens: row.slice(0, used), mask: mask.slice(0, used), used };
  });
  const counted = rows.reduce((sum, { mask }) => sum + mask.reduce((s, weight, t) => (t === 0 ? s : s + weight), 0), 0);
  if (!(counted > 0)) {
    throw new RZeroError('EngineRequestInvalid', 'No token counts in the loss.', { field: 'lossMask' });
  }
  const { tf } = model.runtime;
  let gradients: tfc.Tensor[] | undefined;
  let loss = 0;
  for (const group of groupByLength(
    rows.map((row) => row.used),
    options.microBatch ?? rows.length,
  )) {
    const members = group.map((index) => rows[index] as (typeof rows)[number]).filter((row) => row.used > 1);
    if (members.length === 0) continue;
    const part = tf.tidy(() => {
      const { gradients, report } = crossEntropyGradients(model, members, counted);
      loss += report[0] as number;
      return gradients;
    });
    gradients = addGradients(tf, gradients, part);
  }
  const final = gradients as tfc.Tensor[];
  const { gradientNorm, skipped } = applyAdamW(model, optimizer, final, options);
  for (const gradient of final) gradient.dispose();
  return { loss, tokens: counted, gradientNorm, skipped };
}

function crossEntropyGradients(
  model: Model,
  rows: readonly { tokens: readonly number[]; mask: readonly number[] }[],
  counted: number,
): { gradients: tfc.Tensor[]; report: Float32Array } {
  const { tf, ops } = model.runtime;
  const length = Math.max(...rows.map((row) => row.tokens.length)) - 1;
  const labels = new Int32Array(rows.length * length);
  const weights = new Float32Array(rows.length * length);
  for (const [row, { tokens, mask }] of rows.entries()) {
    labels.set(tokens.slice(1), row * length);
    weights.set(
      mask.slice(1).map((weight) => weight / counted),
      row * length,
    );
  }
  const input = forwardInput(
    model,
    rows.map((row) => row.tokens.slice(0, -1)),
    length,
  );
  const label = tf.tensor1d(labels, 'int32');
  const weight = tf.tensor1d(weights, 'float32');
  return lossGradients(model, (parameters) => {
    const logits = head(model.runtime, parameters, forward(model.runtime, model.config, parameters, input));
    const loss = tf.sum(tf.mul(ops.negativeLogLikelihood(logits, label), weight));
    return { loss, report: tf.reshape(loss, [1]) };
  });
}
