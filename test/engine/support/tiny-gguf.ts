/** Whole models in the GGUF format, tiny and with made-up weights, as llama.cpp's converter would write them. */
import type { ModelConfig } from '../../../activities/engine/config.ts';
import { ggufTokenizer } from '../../../activities/engine/gguf/tokenizer.ts';
import type { TokenizerFiles } from '../../../activities/engine/gguf/tokenizer.ts';
import { parameterSpecs, sizeOf } from '../../../activities/engine/parameters.ts';
import { ggufBytes } from './gguf.ts';
import type { Metadata, TensorToWrite } from './gguf.ts';
import { TINY } from './models.ts';

/** Tokens of a byte-level BPE: three control tokens, letters, a merge, a numeral and a space. */
export const TOKENS = ['<s>', '</s>', '<|pad|>', 'a', 'b', 'ab', 'Ġ', 'Ġa', '1', '<tool>', '[unused]'];
const TYPES = [3, 3, 3, 1, 1, 1, 1, 1, 1, 4, 5];

export const TOKENIZER: Metadata = {
  'tokenizer.ggml.model': 'gpt2',
  'tokenizer.ggml.pre': 'smollm',
  'tokenizer.ggml.tokens': TOKENS,
  'tokenizer.ggml.token_type': TYPES,
  'tokenizer.ggml.merges': ['a b', 'Ġ a'],
  'tokenizer.ggml.bos_token_id': 0,
  'tokenizer.ggml.eos_token_id': 1,
  'tokenizer.ggml.padding_token_id': 2,
  'tokenizer.chat_template': '{{ messages[0].content }}',
};

const NAMES: Readonly<Record<string, string>> = {
  'model.embed_tokens': 'token_embd',
  'model.norm': 'output_norm',
  lm_head: 'output',
  input_layernorm: 'attn_norm',
  'self_attn.q_proj': 'attn_q',
  'self_attn.k_proj': 'attn_k',
  'self_attn.v_proj': 'attn_v',
  'self_attn.q_norm': 'attn_q_norm',
  'self_attn.k_norm': 'attn_k_norm',
  'self_attn.o_proj': 'attn_output',
  post_attention_layernorm: 'ffn_norm',
  'mlp.gate_proj': 'ffn_gate',
  'mlp.up_proj': 'ffn_up',
  'mlp.down_proj': 'ffn_down',
};

function ggufName(name: string): string {
  const [, layer, part = '', kind] = /^(?:model\.layers\.(\d+)\.)?(.*)\.(weight|bias)$/.exec(name) ?? [];
  return `${layer === undefined ? '' : `blk.${layer}.`}${NAMES[part]}.${kind}`;
}

/** As llama.cpp's convert_hf_to_gguf.py does: reshape(heads, 2, dh/2, in).swapaxes(1, 2). */
function permuted(values: readonly number[], [rows, columns]: readonly [number, number], headDim: number): number[] {
  return Array.from({ length: rows }, (_, row) => {
    const head = Math.floor(row / headDim);
    const [pair, side] = [Math.floor((row % headDim) / 2), row % 2];
    const from = head * headDim + side * (headDim / 2) + pair;
    return values.slice(from * columns, (from + 1) * columns);
  }).flat();
}

export interface Changes {
  /** Laid over the metadata; undefined takes a key out. */
  metadata?: Record<string, Metadata[string] | undefined>;
  /** Further ones. */
  tensors?: TensorToWrite[];
}

/** Values by Hugging Face name. */
export function tinyWeights(config: ModelConfig): Map<string, number[]> {
  const values = new Map<string, number[]>();
  for (const { name, shape } of parameterSpecs(config).flatMap((spec) => spec.stored)) {
    values.set(
      name,
      Array.from({ length: sizeOf(shape) }, (_, i) => Math.fround(Math.sin(i + values.size))),
    );
  }
  return values;
}

export function tinyGguf(config: ModelConfig = TINY, changes: Changes = {}): Buffer {
  const { family = 'llama' } = config;
  const weights = tinyWeights(config);
  const tensors = parameterSpecs(config).flatMap((spec) =>
    spec.stored.map(({ name, shape }): TensorToWrite => {
      const values = weights.get(name)!;
      const turned = family === 'llama' && /[qk]_proj/.test(name);
      const pair = shape as [number, number];
      return { name: ggufName(name), shape, values: turned ? permuted(values, pair, config.headDim) : values };
    }),
  );
  const metadata = {
    'general.architecture': family,
    [`${family}.embedding_length`]: config.hiddenSize,
    [`${family}.block_count`]: config.layers,
    [`${family}.attention.head_count`]: config.heads,
    [`${family}.attention.head_count_kv`]: config.kvHeads,
    [`${family}.attention.key_length`]: config.headDim,
    [`${family}.attention.layer_norm_rms_epsilon`]: config.rmsNormEps,
    [`${family}.feed_forward_length`]: config.intermediateSize,
    [`${family}.context_length`]: config.maxPositions,
    [`${family}.rope.freq_base`]: config.ropeTheta + 0.5,
    ...TOKENIZER,
    ...changes.metadata,
  };
  const kept = Object.entries(metadata).filter(([, value]) => value !== undefined) as [string, Metadata[string]][];
  return ggufBytes(Object.fromEntries(kept), [...tensors, ...(changes.tensors ?? [])]);
}

/** tokenizer.json and tokenizer_config.json of these models. */
export function readGgufTokenizer(): TokenizerFiles {
  return ggufTokenizer(new Map(Object.entries(TOKENIZER)) as Parameters<typeof ggufTokenizer>[0]);
}
