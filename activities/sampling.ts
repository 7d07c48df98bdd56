/** From prompts in text to completions in text: the tokenizer's side of sampling, shared by all phases. */
import type { Role } from './contract.ts';
import type { ActivityDependencies } from './dependencies.ts';
import type { PromptPart } from './engine/prompt-parts.ts';
import type { Tokenizer } from './engine/tokenizer.ts';
import type { CallOptions, Completion, ModelLease, SampleItem, SamplingParams } from './engine/types.ts';
import { mapInSlices } from './in-slices.ts';
import { stopPatternOf } from './stop-automaton.ts';
import { endAtStopText } from './stop-texts.ts';
import type { DecodedCompletion } from './stop-texts.ts';
import { tokenizerOf } from './store.ts';
import type { UnitContext } from './unit.ts';

export interface Prompted {
  prompt: readonly PromptPart[];
  /** The sample's whole random stream (activities/method/seeds.ts). */
  seed: string;
}

/** `text` is without the end token and other special tokens, and ends before a stop text of the run's profile. */
export interface SampledText extends DecodedCompletion {
  seed: string;
  promptTokens: readonly number[];
}

/** How sequences are sampled, and the texts that end them. */
export interface TextSampling extends SamplingParams {
  stop?: readonly string[] | undefined;
}

export async function sampleTexts(
  lease: Pick<ModelLease, 'sample'>,
  tokenizer: Tokenizer,
  prompts: readonly Prompted[],
  { stop, ...params }: TextSampling,
  batchSize: number,
  call: CallOptions,
): Promise<SampledText[]> {
  // Groups share their prompt: encode each text once.
  const encoded = new Map<string, number[]>();
  const encode = ({ prompt, seed }: Prompted): SampleItem => {
    const key = JSON.stringify(prompt);
    let promptTokens = encoded.get(key);
    if (!promptTokens) {
      promptTokens = tokenizer.encode(prompt);
      encoded.set(key, promptTokens);
    }
    return { promptTokens, seed };
  };
  const items = await mapInSlices(prompts, encode, call.signal);
  const stopPattern = stopPatternOf(tokenizer, stop);
  const request = { items, params: { ...params, ...(stopPattern ? { stopPattern } : {}) }, batchSize };
  const completions = await lease.sample(request, call);
  const decode = (completion: Completion, index: number): SampledText => ({
    ...endAtStopText(tokenizer, completion, stop),
    seed: items[index]!.seed,
    promptTokens: items[index]!.promptTokens,
  });
  return mapInSlices(completions, decode, call.signal);
}

/**
 * Samples as a role: with the run's settings and the stop texts of its profile.
 *
 * @param change what is not as in training, for evaluation
 */
export async function sampleAs(
  role: Role,
  deps: ActivityDependencies,
  { run, config, profile, call, usage }: Pick<UnitContext, 'run' | 'config' | 'profile' | 'call' | 'usage'>,
  lease: ModelLease,
  prompts: readonly Prompted[],
  change: Partial<SamplingParams> = {},
): Promise<SampledText[]> {
  const { maxTokens, temperature, topK, topP, minP } = config[role];
  const { stop } = profile[role];
  const tokenizer = await tokenizerOf(deps, run.baseCheckpointId);
  const params: TextSampling = {
    maxTokens,
    temperature,
    topK,
    topP,
    minP,
    ...change,
    stop,
  };
  return sampleTexts(counting(lease, usage), tokenizer, prompts, params, config.batchSize, call);
}

/** Counts what the model sampled, before anything is cut off. */
function counting(lease: ModelLease, usage: UnitContext['usage']): Pick<ModelLease, 'sample'> {
  return {
    sample: async (request, call) => {
      const completions = await lease.sample(request, call);
      for (const { tokens } of completions) usage.tokens += tokens.length;
      return completions;
    },
  };
}
