/** Next-token prediction, as base models are trained. */
import { RZeroError } from '../errors.ts';
import type { AdamW, AdamWOptions } from './adamw.ts';
import { groupByLength, validateTokens } from './batch.ts';
import { executorOf } from './execution.ts';
import type { LabelBatch } from './rollout-batch.ts';
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
  const step = executorOf(model).startStep();
  try {
    let loss = 0;
    for (const group of groupByLength(
      rows.map((row) => row.used),
      options.microBatch ?? rows.length,
    )) {
      const members = group.map((index) => rows[index] as Row).filter((row) => row.used > 1);
      if (members.length > 0) loss += step.accumulateLabels(packLabels(members, counted, lossMask === undefined));
    }
    const { gradientNorm, skipped } = step.apply(optimizer, options);
    return { loss, tokens: counted, gradientNorm, skipped };
  } finally {
    step.dispose();
  }
}

interface Row {
  tokens: readonly number[];
  mask: readonly number[];
  used: number;
}

/**
 * The predictions that count, each weighed so that all of them sum to one.
 *
 * @param whole with what follows a sequence's end, at no weight: hardly more work where all tokens count, and the order of sums
 *   that the base model was trained with
 */
function packLabels(members: readonly Row[], counted: number, whole: boolean): LabelBatch {
  const length = Math.max(...members.map(({ used }) => used)) - 1;
  const tokens = new Int32Array(members.length * length);
  const rows: number[] = [];
  const labels: number[] = [];
  const weights: number[] = [];
  for (const [row, member] of members.entries()) {
    tokens.set(member.tokens.slice(0, -1), row * length);
    for (let position = 1; position <= length; position++) {
      const weight = member.mask[position] ?? 0;
      if (weight === 0 && !whole) continue;
      rows.push(row * length + position - 1);
      labels.push(member.tokens[position] ?? 0);
      weights.push(weight / counted);
    }
  }
  return {
    batch: members.length,
    length,
    tokens,
    rows: Int32Array.from(rows),
    labels: Int32Array.from(labels),
    temperature: 1,
    weights: Float32Array.from(weights),
    paddingTokens: members.reduce((sum, { used }) => sum + length - (used - 1), 0),
  };
}
