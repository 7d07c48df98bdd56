import type { ModelLease, TrainItem } from '../../../activities/engine/types.ts';
import { seedOf, tokensOf } from './models.ts';

/** One on-policy batch: sampled and scored by the lease itself, with advantages of both signs. */
export async function rolloutsOf(
  lease: ModelLease,
  count: number,
  salt: number,
  vocabSize: number,
): Promise<TrainItem[]> {
  const items = Array.from({ length: count }, (_, i) => ({
    promptTokens: tokensOf(2 + ((i >> 2) % 4), i >> 2, vocabSize),
    seed: seedOf(i + 1000 * salt),
  }));
  const completions = await lease.sample({ items, params: { maxTokens: 10, temperature: 1 }, batchSize: 32 });
  const scored = items.map((item, i) => ({
    promptTokens: item.promptTokens,
    completionTokens: completions[i]!.tokens,
  }));
  const reference = await lease.score(scored);
  return scored.map((item, i) => ({
    ...item,
    behaviourLogprobs: completions[i]!.logprobs,
    referenceLogprobs: reference[i]!.logprobs.map((value) => value + 0.1),
    advantage: (i % 5) - 2,
  }));
}
