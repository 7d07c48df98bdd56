/** The config.json of a model in a GGUF file, from its metadata (keys: ggml's docs/gguf.md) and the shapes of its tensors. */
import { parseModelConfig } from '../config.ts';
import type { ModelConfig } from '../config.ts';
import { FAMILIES } from '../families/index.ts';
import type { Family } from '../families/index.ts';
import { formatRopeScaling, ropeFrequencies } from '../rope-scaling.ts';
import { GgufError } from './error.ts';
import type { GgufFile } from './file.ts';
import { readMetadata, required } from './metadata.ts';
import type { Metadata } from './metadata.ts';

/** Rotary frequencies divided pair by pair: how llama.cpp's converter writes Llama 3's scaling. */
export const ROPE_FACTORS = 'rope_freqs.weight';

/** @throws GgufError, or RZeroError `ModelUnreadable` naming a field out of range. */
export async function ggufConfig(file: GgufFile): Promise<{ config: ModelConfig; family: Family }> {
  const metadata = readMetadata(file.metadata);
  const name = required('general.architecture', metadata.text('general.architecture'));
  const family = FAMILIES.find((family) => family.name === name);
  if (!family) {
    const known = FAMILIES.map(({ name }) => name).join(', ');
    throw new GgufError(`holds a model of the architecture ${JSON.stringify(name)}; these are read: ${known}`);
  }
  const number = (key: string): number | undefined => metadata.number(`${name}.${key}`);
  const needed = (key: string): number => required(`${name}.${key}`, number(key));
  if ((number('expert_count') ?? 0) > 0) throw new GgufError('holds a mixture of experts; dense models are read');
  const heads = needed('attention.head_count');
  const headDim = number('attention.key_length') ?? needed('embedding_length') / heads;
  for (const key of ['attention.value_length', 'rope.dimension_count']) {
    if ((number(key) ?? headDim) !== headDim) throw new GgufError(`has ${name}.${key} that is not ${headDim}`);
  }
  const fields = {
    architectures: [family.architecture],
    model_type: family.name,
    ...family.fixed,
    vocab_size: file.tensors.get('token_embd.weight')?.shape[0],
    hidden_size: needed('embedding_length'),
    num_hidden_layers: needed('block_count'),
    num_attention_heads: heads,
    num_key_value_heads: number('attention.head_count_kv') ?? heads,
    head_dim: headDim,
    intermediate_size: needed('feed_forward_length'),
    max_position_embeddings: needed('context_length'),
    rope_theta: shortest(number('rope.freq_base') ?? 10_000),
    rms_norm_eps: shortest(needed('attention.layer_norm_rms_epsilon')),
    tie_word_embeddings: !file.tensors.has('output.weight'),
    eos_token_id: endTokens(metadata),
  };
  const plain = parseModelConfig(JSON.stringify(fields));
  const scaling = scalingOf(metadata, name) ?? (await llama3Scaling(file, plain));
  return { config: parseModelConfig(JSON.stringify({ ...fields, rope_scaling: scaling })), family };
}

/** The end of a text, and of a turn where that is another token. */
function endTokens(metadata: Metadata): number[] {
  const ids = ['eos', 'eot'].map((which) => metadata.number(`tokenizer.ggml.${which}_token_id`));
  return [...new Set(ids.filter((id) => id !== undefined))];
}

function scalingOf(metadata: Metadata, name: string): Record<string, unknown> | undefined {
  const type = metadata.text(`${name}.rope.scaling.type`) ?? 'none';
  if (type === 'none') return undefined;
  if (type !== 'linear' && type !== 'yarn') {
    throw new GgufError(`has rotary scaling ${JSON.stringify(type)}; these are read: none, linear, yarn`);
  }
  const original = metadata.number(`${name}.rope.scaling.original_context_length`);
  return {
    rope_type: type,
    factor: shortest(required(`${name}.rope.scaling.factor`, metadata.number(`${name}.rope.scaling.factor`))),
    ...(type === 'yarn' && original !== undefined ? { original_max_position_embeddings: original } : {}),
  };
}

/**
 * The file holds the outcome of Llama 3's formula and not its numbers. Three of the four are the same in every published
 * model, and the fourth is the largest divisor; what the formula then gives must be what the file holds.
 */
async function llama3Scaling(file: GgufFile, config: ModelConfig): Promise<Record<string, unknown> | undefined> {
  const tensor = file.tensors.get(ROPE_FACTORS);
  if (!tensor) return undefined;
  const divisors = await file.readRows(tensor, 0, 1);
  const factor = shortest(Math.max(...divisors));
  const scaling = { type: 'llama3', factor, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPositions: 8192 } as const;
  const plain = ropeFrequencies(config.headDim, config.ropeTheta);
  const scaled = ropeFrequencies(config.headDim, config.ropeTheta, scaling);
  const same = (divisor: number, pair: number): boolean =>
    Math.abs((scaled[pair] as number) * divisor - (plain[pair] as number)) <= 1e-4 * (plain[pair] as number);
  if (divisors.length !== plain.length || !divisors.every(same)) {
    throw new GgufError(`has a tensor ${ROPE_FACTORS} that is not Llama 3's scaling of the rotary embedding`);
  }
  return formatRopeScaling(scaling);
}

/** The decimal number with the fewest digits that is this 32-bit float: 1e-5 and not 0.000009999999747378752. */
function shortest(value: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const candidate = Number(value.toPrecision(digits));
    if (Math.fround(candidate) === Math.fround(value)) return candidate;
  }
  return value;
}
