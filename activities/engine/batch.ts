import type * as tfc from '@tensorflow/tfjs-core';
import { RZeroError } from '../errors.ts';
import type { ModelConfig } from './config.ts';
import { MASKED } from './model.ts';

/** @throws RZeroError `EngineRequestInvalid` when a sequence is empty, too long or holds something that is no token id. */
export function validateTokens(
  config: ModelConfig,
  tokens: readonly number[],
  field: string,
  maxLength = config.maxPositions,
): void {
  if (tokens.length === 0) {
    throw new RZeroError('EngineRequestInvalid', `${field} is empty.`, { field, fix: 'Give at least one token.' });
  }
  if (tokens.length > maxLength) {
    throw new RZeroError(
      'EngineRequestInvalid',
      `${field} has ${tokens.length} tokens; the model takes ${maxLength}.`,
      {
        field,
        fix: 'Shorten it, or use a model with a longer context.',
      },
    );
  }
  for (const token of tokens) {
    if (!Number.isInteger(token) || token < 0 || token >= config.vocabSize) {
      throw new RZeroError(
        'EngineRequestInvalid',
        `${field} holds ${token}, which is no id below ${config.vocabSize}.`,
        {
          field,
          fix: "Encode the text with this model's own tokenizer.",
        },
      );
    }
  }
}

/**
 * Index groups of at most `size` sequences with few pad tokens: longest first, equal lengths in their given order, so the
 * grouping is a function of the lengths alone.
 */
export function groupByLength(lengths: readonly number[], size: number): number[][] {
  const order = lengths.map((_, index) => index);
  order.sort((a, b) => (lengths[b] as number) - (lengths[a] as number) || a - b);
  const groups: number[][] = [];
  for (let from = 0; from < order.length; from += size) groups.push(order.slice(from, from + size));
  return groups;
}

/**
 * [P, 1, 1, T, C] for T tokens that follow columns which are there already: each sees what comes before it and itself.
 *
 * @param starts int32 [P], the column of the first token
 */
export function continuedCausalMask(
  tf: typeof tfc,
  starts: tfc.Tensor,
  count: number,
  length: number,
  columns: number,
): tfc.Tensor {
  const queries = tf.add(
    tf.reshape(tf.range(0, length, 1, 'int32'), [1, length, 1]),
    tf.reshape(starts, [count, 1, 1]),
  );
  const ahead = tf.sub(tf.reshape(tf.range(0, columns, 1, 'int32'), [1, 1, columns]), queries);
  return tf.reshape(tf.mul(tf.cast(tf.greater(ahead, 0), 'float32'), MASKED), [count, 1, 1, length, columns]);
}

/** [T, T]: `MASKED` where the key comes after the query. From tensors alone, so that a traced length may be unknown. */
export function causalMask(tf: typeof tfc, length: number): tfc.Tensor {
  const positions = tf.range(0, length, 1, 'int32');
  // Differences first: the WebAssembly backend compares no row with a column.
  const ahead = tf.sub(tf.reshape(positions, [1, length]), tf.reshape(positions, [length, 1]));
  return tf.mul(tf.cast(tf.greater(ahead, 0), 'float32'), MASKED);
}
