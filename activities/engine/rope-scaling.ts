/**
 * Variants of the rotary frequencies for contexts longer than those trained on, as `transformers` computes them
 * (modeling_rope_utils.py). `dynamic` and `longrope` change with the length of the sequence and are refused.
 */
import { badField, positiveInteger, positiveNumber, trueOrFalse } from './config-fields.ts';
import type { Fields } from './config-fields.ts';
import { shown } from './shown.ts';

export type RopeScaling =
  /** All positions divided (Chen et al., arXiv 2306.15595). */
  | { readonly type: 'linear'; readonly factor: number }
  /** Slow frequencies divided, fast ones kept, a ramp between (Llama 3.1, arXiv 2407.21783). */
  | {
      readonly type: 'llama3';
      readonly factor: number;
      readonly lowFreqFactor: number;
      readonly highFreqFactor: number;
      readonly originalMaxPositions: number;
    }
  /** The same idea with a ramp over dimensions, and scores scaled (Peng et al., arXiv 2309.00071). */
  | {
      readonly type: 'yarn';
      readonly factor: number;
      readonly originalMaxPositions: number;
      readonly betaFast: number;
      readonly betaSlow: number;
      /** Bounds of the ramp are rounded to whole dimensions. */
      readonly truncate: boolean;
      /** Multiplies cosines and sines. */
      readonly attentionFactor: number;
    };

const FIELDS = ['rope_scaling', 'rope_parameters'] as const;

/**
 * From `rope_scaling`, or `rope_parameters` in newer files; undefined for the plain embedding.
 *
 * @throws RZeroError `ModelUnreadable` for a variant that is not known.
 */
export function readRopeScaling(fields: Fields, maxPositions: number): RopeScaling | undefined {
  let found: RopeScaling | undefined;
  for (const field of FIELDS) {
    const scaling = fields[field];
    if (scaling == null) continue;
    if (typeof scaling !== 'object') throw badField(field, `is ${shown(scaling)}; an object is expected`);
    found = parseScaling(field, scaling as Fields, maxPositions) ?? found;
  }
  return found;
}

function parseScaling(field: string, scaling: Fields, maxPositions: number): RopeScaling | undefined {
  const type = scaling['rope_type'] ?? scaling['type'] ?? 'default';
  const original = (): number => positiveInteger(scaling, 'original_max_position_embeddings', maxPositions);
  switch (type) {
    case 'default':
      return undefined;
    case 'linear':
      return { type: 'linear', factor: positiveNumber(scaling, 'factor') };
    case 'llama3': {
      const lowFreqFactor = positiveNumber(scaling, 'low_freq_factor');
      const highFreqFactor = positiveNumber(scaling, 'high_freq_factor');
      if (highFreqFactor <= lowFreqFactor) throw badField('high_freq_factor', 'must be above low_freq_factor');
      const factor = positiveNumber(scaling, 'factor');
      return { type: 'llama3', factor, lowFreqFactor, highFreqFactor, originalMaxPositions: original() };
    }
    case 'yarn': {
      const originalMaxPositions = original();
      const factor = positiveNumber(scaling, 'factor', maxPositions / originalMaxPositions);
      return {
        type: 'yarn',
        factor,
        originalMaxPositions,
        betaFast: positiveNumber(scaling, 'beta_fast', 32),
        betaSlow: positiveNumber(scaling, 'beta_slow', 1),
        truncate: trueOrFalse(scaling, 'truncate', true),
        attentionFactor: positiveNumber(scaling, 'attention_factor', yarnAttentionFactor(scaling, factor)),
      };
    }
    default:
      throw badField(field, `is ${shown(scaling)}; supported rope types: default, linear, llama3, yarn`);
  }
}

function yarnAttentionFactor(scaling: Fields, factor: number): number {
  const scale = (weight: number): number => (factor <= 1 ? 1 : 0.1 * weight * Math.log(factor) + 1);
  if (!scaling['mscale'] || !scaling['mscale_all_dim']) return scale(1);
  return scale(positiveNumber(scaling, 'mscale')) / scale(positiveNumber(scaling, 'mscale_all_dim'));
}

/** The object that `readRopeScaling` reads back to the same values. */
export function formatRopeScaling(scaling: RopeScaling): Record<string, unknown> {
  const common = { rope_type: scaling.type, factor: scaling.factor };
  if (scaling.type === 'linear') return common;
  const original = { original_max_position_embeddings: scaling.originalMaxPositions };
  if (scaling.type === 'llama3') {
    return { ...common, ...original, low_freq_factor: scaling.lowFreqFactor, high_freq_factor: scaling.highFreqFactor };
  }
  const { betaFast: beta_fast, betaSlow: beta_slow, truncate, attentionFactor: attention_factor } = scaling;
  return { ...common, ...original, beta_fast, beta_slow, truncate, attention_factor };
}

/** Radians a position turns each of the dh/2 pairs. */
export function ropeFrequencies(headDim: number, theta: number, scaling?: RopeScaling): Float64Array {
  const half = headDim / 2;
  const plain = Float64Array.from({ length: half }, (_, i) => theta ** (-i / half));
  if (!scaling) return plain;
  if (scaling.type === 'linear') return plain.map((frequency) => frequency / scaling.factor);
  if (scaling.type === 'llama3') {
    return plain.map((frequency) => {
      const turns = (scaling.originalMaxPositions * frequency) / (2 * Math.PI);
      const kept = (turns - scaling.lowFreqFactor) / (scaling.highFreqFactor - scaling.lowFreqFactor);
      return blend(frequency, scaling.factor, kept);
    });
  }
  const [low, high] = yarnRamp(headDim, theta, scaling);
  return plain.map((frequency, i) => blend(frequency, scaling.factor, 1 - (i - low) / (high - low)));
}

/** Between the frequency over `factor` (kept <= 0) and the frequency itself (kept >= 1). */
function blend(frequency: number, factor: number, kept: number): number {
  const share = Math.min(1, Math.max(0, kept));
  return (frequency / factor) * (1 - share) + frequency * share;
}

/** The pairs where the ramp begins and ends. */
function yarnRamp(headDim: number, theta: number, scaling: Extract<RopeScaling, { type: 'yarn' }>): [number, number] {
  const pairWith = (turns: number): number =>
    (headDim * Math.log(scaling.originalMaxPositions / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
  const round = scaling.truncate ? { low: Math.floor, high: Math.ceil } : { low: Number, high: Number };
  const low = Math.max(round.low(pairWith(scaling.betaFast)), 0);
  const high = Math.min(round.high(pairWith(scaling.betaSlow)), headDim - 1);
  return low === high ? [low, high + 0.001] : [low, high];
}
