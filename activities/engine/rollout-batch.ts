/** Prompt-and-completion pairs as plain arrays, ready for any way of running the model. */
import { RZeroError } from '../errors.ts';
import { validateTokens } from './batch.ts';
import type { ModelConfig } from './config.ts';
import { equalItems } from './equal-items.ts';
import { packSharedPrompts } from './shared-prompts.ts';
import type { SharedPrompts } from './shared-prompts.ts';
import type { ScoreItem, TrainItem } from './types.ts';

/** B sequences of T tokens, right-padded, of whose predictions M are looked at: those of completion tokens. */
export interface RolloutBatch {
  batch: number;
  length: number;
  /** [B T]; with prompts apart, from the last token of the prompt. */
  tokens: Int32Array;
  /** What comes before, when sequences share it. */
  prompts?: SharedPrompts;
  /** Pads among all tokens. */
  paddingTokens: number;
  /** [M] rows of the hidden states [B T, d] that predict a completion token, sequence by sequence. */
  rows: Int32Array;
  /** [M] those tokens. */
  labels: Int32Array;
  /** Of the distribution whose log-probabilities are meant. */
  temperature: number;
}

/** Tokens to be predicted, each with its weight in the loss, [M]. */
export interface LabelBatch extends RolloutBatch {
  weights: Float32Array;
}

/** The tokens of K predictions in all: those of equal sequences, which are there once, count for each. All [K]. */
export interface TrainBatch extends RolloutBatch {
  /** Which of the M each is. */
  predictions: Int32Array;
  weights: Float32Array;
  behaviour: Float32Array;
  reference: Float32Array;
  advantages: Float32Array;
}

export function lengthOf(item: ScoreItem): number {
  return item.promptTokens.length + item.completionTokens.length;
}

/** @param shared with the prompts apart */
export function packRollouts(items: readonly ScoreItem[], temperature: number, shared = false): RolloutBatch {
  const prompts = shared ? packSharedPrompts(items) : undefined;
  /** Tokens of an item that are left out, because they are among the prompts. */
  const before = (item: ScoreItem): number => (shared ? item.promptTokens.length - 1 : 0);
  // The last token predicts nothing. Empty completions still need one column, or there would be nothing to compute on.
  const length = Math.max(2, ...items.map((item) => lengthOf(item) - before(item))) - 1;
  const tokens = new Int32Array(items.length * length);
  for (const [row, item] of items.entries()) {
    const whole = [...item.promptTokens, ...item.completionTokens];
    tokens.set(whole.slice(before(item), before(item) + length), row * length);
  }
  const ofPrompts = prompts ? prompts.tokens.length - prompts.lengths.reduce((sum, size) => sum + size, 0) : 0;
  const ofRest = items.reduce((sum, item) => sum + length - (lengthOf(item) - 1 - before(item)), 0);
  return {
    batch: items.length,
    length,
    tokens,
    ...(prompts ? { prompts } : {}),
    paddingTokens: ofPrompts + ofRest,
    rows: Int32Array.from(
      items.flatMap((item, row) =>
        item.completionTokens.map((_, index) => row * length + item.promptTokens.length - 1 - before(item) + index),
      ),
    ),
    labels: Int32Array.from(items.flatMap(({ completionTokens }) => completionTokens)),
    temperature,
  };
}

/**
 * @param weights of each token of a sequence, one for every item
 * @param shared with the prompts apart
 */
export function packTraining(
  items: readonly TrainItem[],
  weights: readonly number[],
  temperature: number,
  shared = false,
): TrainBatch {
  const spread = (value: (item: TrainItem, row: number) => number): Float32Array =>
    Float32Array.from(items.flatMap((item, row) => item.completionTokens.map(() => value(item, row))));
  const equal = equalItems(items);
  const distinct = equal.map(([first]) => items[first] as TrainItem);
  /** By item: the first of its predictions. */
  const begins: number[] = [];
  let from = 0;
  for (const [index, { completionTokens }] of distinct.entries()) {
    for (const item of equal[index] as number[]) begins[item] = from;
    from += completionTokens.length;
  }
  return {
    ...packRollouts(distinct, temperature, shared),
    predictions: Int32Array.from(
      items.flatMap(({ completionTokens }, row) => completionTokens.map((_, t) => (begins[row] as number) + t)),
    ),
    behaviour: Float32Array.from(items.flatMap((item) => item.behaviourLogprobs)),
    reference: Float32Array.from(items.flatMap((item) => item.referenceLogprobs)),
    advantages: spread((item) => item.advantage),
    weights: spread((_, row) => weights[row] as number),
  };
}

/** @throws RZeroError `EngineRequestInvalid` naming the field */
export function validateItems(config: ModelConfig, items: readonly ScoreItem[]): void {
  for (const [index, item] of items.entries()) {
    validateTokens(config, item.promptTokens, `items[${index}].promptTokens`);
    if (item.completionTokens.length === 0) continue;
    const room = config.maxPositions - item.promptTokens.length;
    validateTokens(config, item.completionTokens, `items[${index}].completionTokens`, room);
  }
}

/** @throws RZeroError `EngineRequestInvalid` naming the field */
export function validateTrainItems(config: ModelConfig, items: readonly TrainItem[]): void {
  const refuse = (field: string, message: string): never => {
    throw new RZeroError('EngineRequestInvalid', `${field} ${message}.`, { field });
  };
  if (items.length === 0) refuse('items', 'is empty');
  validateItems(config, items);
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
