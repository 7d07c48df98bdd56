/**
 * The text files of the base model's folder: a Hugging Face model folder (config and tokenizer) plus three of ours,
 * `r-zero.json` (how the two roles are prompted), `held-out.jsonl` and `anchors.jsonl`.
 */
import { anchorQuestions } from './anchors.ts';
import { CHALLENGER_PROMPT, SOLVER_PROMPT } from './corpus.ts';
import type { HeldOutQuestion } from './held-out.ts';
import { QUESTION_PATTERN } from './sums.ts';
import { BOS, EOS, PAD, tokenId, tokenizerConfigJson, tokenizerJson, VOCABULARY } from './vocabulary.ts';

/** Longest text a phase needs is 34 tokens; the rest is room for a model that rambles. */
const MAX_POSITIONS = 64;

/** Llama-style, 102,464 parameters with the head tied to the embedding. */
export const MODEL_CONFIG = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  vocab_size: VOCABULARY.length,
  hidden_size: 64,
  intermediate_size: 176,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 4,
  head_dim: 16,
  hidden_act: 'silu',
  max_position_embeddings: MAX_POSITIONS,
  rms_norm_eps: 1e-6,
  // Sequences are short: a base of 1,000 instead of 10,000 spreads the angles over the positions there are.
  rope_theta: 1000,
  attention_bias: false,
  mlp_bias: false,
  tie_word_embeddings: true,
  bos_token_id: tokenId(BOS),
  eos_token_id: tokenId(EOS),
  pad_token_id: tokenId(PAD),
  torch_dtype: 'float32',
};

/** Longest completion of either role: five terms worked out, with room to spare. */
export const COMPLETION_TOKENS = 24;

/** How the roles are played with this model. Prompts are encoded as they stand, without a chat template. */
export const PROFILE = {
  version: 1,
  challenger: { prompt: CHALLENGER_PROMPT },
  solver: { prompt: SOLVER_PROMPT },
  questionPattern: QUESTION_PATTERN,
};

const pretty = (value: object): string => `${JSON.stringify(value, null, 2)}\n`;

const lines = (questions: readonly HeldOutQuestion[]): string =>
  questions.map((item) => `${JSON.stringify(item)}\n`).join('');

/** File name to content, weights and README aside. */
export function modelTextFiles(heldOut: readonly HeldOutQuestion[]): Map<string, string> {
  return new Map([
    ['config.json', pretty(MODEL_CONFIG)],
    ['tokenizer.json', pretty(tokenizerJson())],
    ['tokenizer_config.json', pretty(tokenizerConfigJson(MAX_POSITIONS))],
    ['r-zero.json', pretty(PROFILE)],
    ['held-out.jsonl', lines(heldOut)],
    ['anchors.jsonl', lines(anchorQuestions())],
  ]);
}
