import type { ModelConfig } from '../../activities/engine/config.ts';

const COMMON = { maxPositions: 512, ropeTheta: 10_000, rmsNormEps: 1e-5, tieWordEmbeddings: true, eosTokenIds: [2] };

/** Shapes that the benchmark runs; `engine-peer.py` has the same. */
export const SHAPES: Readonly<Record<string, ModelConfig>> = {
  demo: {
    ...COMMON,
    vocabSize: 28,
    hiddenSize: 64,
    layers: 2,
    heads: 4,
    kvHeads: 4,
    headDim: 16,
    intermediateSize: 176,
  },
  '40m': {
    ...COMMON,
    vocabSize: 8192,
    hiddenSize: 512,
    layers: 12,
    heads: 8,
    kvHeads: 4,
    headDim: 64,
    intermediateSize: 1408,
  },
  '135m': {
    ...COMMON,
    vocabSize: 49_152,
    hiddenSize: 576,
    layers: 30,
    heads: 9,
    kvHeads: 3,
    headDim: 64,
    intermediateSize: 1536,
  },
};
