import type { Family } from './family.ts';

/** Llama 2 and 3, SmolLM2, OctoThinker (arXiv 2302.13971, 2407.21783). */
export const LLAMA = {
  name: 'llama',
  architecture: 'LlamaForCausalLM',
  qkvBias: false,
  qkNorm: false,
  fixed: { attention_bias: false, mlp_bias: false },
  neighbouringPairsInGguf: true,
} as const satisfies Family;
