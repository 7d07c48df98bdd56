/**
 * What the public code asks its models and how it samples them, word for word: verl/utils/dataset.py:167-196 (the same texts stand in
 * question_generate.py:63-88), start_vllm_server.py:49-56, evaluate.py:36, question_generate.py:99-107; Apache-2.0.
 */

export const OFFICIAL_CHALLENGER_SYSTEM =
  'You are an expert competition-math problem setter.\n' +
  'FIRST, in your private scratch-pad, think step-by-step to design a brand-new, non-trivial problem. ' +
  'The problem could come from any field of mathematics, including but not limited to algebra, geometry, number theory, combinatorics, prealgebra, probability, statistics, and calculus. ' +
  'Aim for a difficulty such that fewer than 30 % of advanced high-school students could solve it. ' +
  'Avoid re-using textbook clichés or famous contest problems.\n' +
  'THEN, without revealing any of your private thoughts, output **exactly** the following two blocks:\n\n' +
  '<question>\n' +
  '{The full problem statement on one or more lines}\n' +
  '</question>\n\n' +
  '\\boxed{final_answer}' +
  '\n\n' +
  'Do NOT output anything else—no explanations, no extra markup.';

export const OFFICIAL_CHALLENGER_USER =
  'Generate one new, challenging reasoning question now. Remember to format the output exactly as instructed.';

export const OFFICIAL_SOLVER_SYSTEM = 'Please reason step by step, and put your final answer within \\boxed{}.';

/** How a model without a chat template is asked (dataset.py:247-250): no cue for the assistant follows. */
export function plainRendering(system: string, user: string): string {
  return `system: ${system}\nuser: ${user}`;
}

export interface SamplingSettings {
  /** New tokens at most. */
  maxTokens: number;
  temperature: number;
  topP: number;
  /** 0 = off. */
  topK: number;
  /** Completions a prompt. */
  samples: number;
}

/** By use: writing the data set's questions, scoring the Challenger's (m = 10), labelling (m = 9; the paper says 10). */
export const OFFICIAL_SAMPLING = {
  questionGeneration: { maxTokens: 4096, temperature: 1, topP: 0.95, topK: 0, samples: 1 },
  challengerReward: { maxTokens: 4096, temperature: 1, topP: 1, topK: 40, samples: 10 },
  labelling: { maxTokens: 4096, temperature: 1, topP: 1, topK: 40, samples: 9 },
} as const satisfies Record<string, SamplingSettings>;

/** Contiguous parts whose sizes differ by at most one, the larger first (caller_penalty.py:74-76 `split_list`). */
export function splitList<T>(items: readonly T[], parts: number): T[][] {
  const size = Math.floor(items.length / parts);
  const larger = items.length % parts;
  return Array.from({ length: parts }, (_, i) =>
    items.slice(i * size + Math.min(i, larger), (i + 1) * size + Math.min(i + 1, larger)),
  );
}
