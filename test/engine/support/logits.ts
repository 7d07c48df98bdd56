import { causalMask } from '../../../activities/engine/batch.ts';
import { forward, head } from '../../../activities/engine/model.ts';
import { ropeAt } from '../../../activities/engine/rope.ts';
import { parametersOf } from '../../../activities/engine/weights.ts';
import type { Model } from '../../../activities/engine/weights.ts';

/** Logits after every token of one sequence: [T][V]. */
export function logitsOf(model: Model, tokens: readonly number[]): Float32Array[] {
  const { tf } = model.runtime;
  return tf.tidy(() => {
    const length = tokens.length;
    const positions = Int32Array.from({ length }, (_, position) => position);
    const hidden = forward(model.runtime, model.config, parametersOf(model), {
      tokens: tf.tensor1d(Int32Array.from(tokens), 'int32'),
      batch: 1,
      length,
      rotary: ropeAt(tf, model.config, model.rope, positions, [length]),
      mask: causalMask(tf, length),
    });
    const flat = head(model.runtime, parametersOf(model), hidden).dataSync<'float32'>();
    const width = model.config.vocabSize;
    return tokens.map((_, row) => flat.subarray(row * width, (row + 1) * width));
  });
}

/** Between two lists of rows of equal sizes. */
export function largestDifference(
  actual: readonly ArrayLike<number>[],
  expected: readonly ArrayLike<number>[],
): number {
  let largest = 0;
  for (const [row, wanted] of expected.entries()) {
    const found = actual[row];
    if (found?.length !== wanted.length) throw new RangeError(`row ${row} has another size`);
    for (let i = 0; i < wanted.length; i++) largest = Math.max(largest, Math.abs((found[i] as number) - wanted[i]!));
  }
  return largest;
}
