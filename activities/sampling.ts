/** From prompts in text to completions in text: the tokenizer's side of sampling, shared by all phases. */
import type { Role } from './contract.ts';
import type { ActivityDependencies } from './dependencies.ts';
import type { PromptPart } from './engine/prompt-parts.ts';
import type { Tokenizer } from './engine/tokenizer.ts';
import type { CallOptions, ModelLease, SamplingParams } from './engine/types.ts';
import { tokenizerOf } from './store.ts';
import type { UnitContext } from './unit.ts';

export interface Prompted {
  prompt: readonly PromptPart[];
  /** The sample's whole random stream (activities/method/seeds.ts). */
  seed: string;
}

export interface SampledText {
  seed: string;
  promptTokens: readonly number[];
  tokens: number[];
  logprobs: number[];
  finishReason: 'stop' | 'length';
  /** Without the end token and other special tokens. */
  text: string;
}

export async function sampleTexts(
  lease: ModelLease,
  tokenizer: Tokenizer,
  prompts: readonly Prompted[],
  params: SamplingParams,
  batchSize: number,
  call: CallOptions,
): Promise<SampledText[]> {
  // Groups share their prompt: encode each text once.
  const encoded = new Map<string, number[]>();
  const items = prompts.map(({ prompt, seed }) => {
    const key = JSON.stringify(prompt);
    let promptTokens = encoded.get(key);
    if (!promptTokens) {
      promptTokens = tokenizer.encode(prompt);
      encoded.set(key, promptTokens);
    }
    return { promptTokens, seed };
  });
  const completions = await lease.sample({ items, params, batchSize }, call);
  return completions.map((completion, index) => ({
    ...completion,
    seed: items[index]!.seed,
    promptTokens: items[index]!.promptTokens,
    text: tokenizer.decode(completion.tokens),
  }));
}

/** Samples with the settings that the run gives to a role. */
export async function sampleAs(
  role: Role,
  deps: ActivityDependencies,
  { run, config, call }: UnitContext,
  lease: ModelLease,
  prompts: readonly Prompted[],
): Promise<SampledText[]> {
  const { maxTokens, temperature, topP, topK } = config[role];
  const tokenizer = await tokenizerOf(deps, run.baseCheckpointId);
  return sampleTexts(lease, tokenizer, prompts, { maxTokens, temperature, topP, topK }, config.batchSize, call);
}
