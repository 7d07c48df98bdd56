/**
 * How the public code samples its models: start_vllm_server.py:49-56, evaluate.py:36, question_generate.py:99-107. What it asks them
 * is `activities/prompts/official.json`.
 */

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
