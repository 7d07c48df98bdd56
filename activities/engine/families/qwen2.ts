import type { Family } from './family.ts';

/** Qwen2 and Qwen2.5 (arXiv 2407.10671). */
export const QWEN2 = {
  name: 'qwen2',
  architecture: 'Qwen2ForCausalLM',
  qkvBias: true,
  qkNorm: false,
  fixed: { use_sliding_window: false },
  neighbouringPairsInGguf: false,
} as const satisfies Family;
