import type * as tfc from '@tensorflow/tfjs-core';
import type { ModelConfig } from './config.ts';
import { ropeFrequencies } from './rope-scaling.ts';

/**
 * Cosines and sines of the rotary embedding (Su et al., arXiv 2104.09864), rotate-half convention: dimension i is paired
 * with i + dh/2. Two factors are folded in, because both are free here: the minus sign of rotate-half into the first
 * half of the sines, and dh^(-1/4) into all, so that q.k comes out divided by sqrt(dh).
 */
export interface RopeTables {
  /** Positions so far. */
  length: number;
  /** [length * dh] */
  cos: Float32Array;
  sin: Float32Array;
}

export function ropeTables(config: ModelConfig, length = 0): RopeTables {
  const { headDim, ropeTheta, ropeScaling } = config;
  const half = headDim / 2;
  const scale = headDim ** -0.25 * (ropeScaling?.type === 'yarn' ? ropeScaling.attentionFactor : 1);
  const frequencies = ropeFrequencies(headDim, ropeTheta, ropeScaling);
  const cos = new Float32Array(length * headDim);
  const sin = new Float32Array(length * headDim);
  for (let i = 0; i < half; i++) {
    const frequency = frequencies[i] as number;
    for (let position = 0; position < length; position++) {
      const angle = position * frequency;
      const at = position * headDim + i;
      cos[at] = cos[at + half] = Math.cos(angle) * scale;
      sin[at] = -Math.sin(angle) * scale;
      sin[at + half] = Math.sin(angle) * scale;
    }
  }
  return { length, cos, sin };
}

/** Longer tables when a position asks for them: few sequences come near the context of a long-context model. */
function growTables(config: ModelConfig, tables: RopeTables, length: number): void {
  if (length <= tables.length) return;
  Object.assign(tables, ropeTables(config, Math.min(config.maxPositions, Math.max(length, 2 * tables.length, 64))));
}

/** Rows of the tables at the given positions, one after the other. Negative positions (padding) read row 0. */
export function ropeRows(
  config: ModelConfig,
  tables: RopeTables,
  positions: ArrayLike<number>,
): { cos: Float32Array; sin: Float32Array } {
  const { headDim } = config;
  let last = 0;
  for (let row = 0; row < positions.length; row++) last = Math.max(last, positions[row] as number);
  growTables(config, tables, last + 1);
  const cos = new Float32Array(positions.length * headDim);
  const sin = new Float32Array(positions.length * headDim);
  for (let row = 0; row < positions.length; row++) {
    const from = Math.max(0, positions[row] as number) * headDim;
    cos.set(tables.cos.subarray(from, from + headDim), row * headDim);
    sin.set(tables.sin.subarray(from, from + headDim), row * headDim);
  }
  return { cos, sin };
}

/** The same as tensors, [shape..., dh]. */
export function ropeAt(
  tf: typeof tfc,
  config: ModelConfig,
  tables: RopeTables,
  positions: ArrayLike<number>,
  shape: readonly number[],
): { cos: tfc.Tensor; sin: tfc.Tensor } {
  const { cos, sin } = ropeRows(config, tables, positions);
  const full = [...shape, config.headDim];
  return { cos: tf.tensor(cos, full, 'float32'), sin: tf.tensor(sin, full, 'float32') };
}
