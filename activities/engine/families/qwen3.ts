import type { Family } from './family.ts';

/** Qwen3, the dense models (arXiv 2505.09388). */
export const QWEN3 = {
  name: 'qwen3',
  architecture: 'Qwen3ForCausalLM',
  qkvBias: false,
  qkNorm: true,
  defaultHeadDim: 128,
  fixed: { attention_bias: false, use_sliding_window: false },
  neighbouringPairsInGguf: false,
} as const satisfies Family;
