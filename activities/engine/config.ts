import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RZeroError } from '../errors.ts';

/** Shape of a Llama-style decoder, read from a Hugging Face `config.json`. */
export interface ModelConfig {
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly layers: number;
  readonly heads: number;
  /** Grouped-query attention when smaller than `heads`. */
  readonly kvHeads: number;
  readonly headDim: number;
  readonly intermediateSize: number;
  readonly maxPositions: number;
  readonly ropeTheta: number;
  readonly rmsNormEps: number;
  readonly tieWordEmbeddings: boolean;
  /** Tokens that end a sequence. */
  readonly eosTokenIds: readonly number[];
}

const MOST_LAYERS = 1000;
const FIX = 'Use a Llama-family model folder with a Hugging Face config.json.';

function unreadable(field: string, message: string): RZeroError {
  return new RZeroError('ModelUnreadable', `config.json: ${field} ${message}.`, { field, fix: FIX });
}

/** @throws RZeroError `ModelUnreadable` when the file is missing, malformed or describes an unsupported architecture. */
export async function readModelConfig(folder: string): Promise<{ config: ModelConfig; text: string }> {
  const path = join(folder, 'config.json');
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new RZeroError('ModelUnreadable', `${path} cannot be read.`, { field: 'path', fix: FIX, cause: error });
  }
  return { config: parseModelConfig(text), text };
}

/** @throws RZeroError `ModelUnreadable`, with the field at fault. */
export function parseModelConfig(text: string): ModelConfig {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new RZeroError('ModelUnreadable', 'config.json is not valid JSON.', { fix: FIX, cause: error });
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new RZeroError('ModelUnreadable', 'config.json is not an object.', { fix: FIX });
  }
  const fields = json as Record<string, unknown>;
  refuseUnsupported(fields);

  const hiddenSize = positive(fields, 'hidden_size');
  const heads = positive(fields, 'num_attention_heads');
  const kvHeads = positive(fields, 'num_key_value_heads', heads);
  if (heads % kvHeads !== 0) throw unreadable('num_key_value_heads', `(${kvHeads}) does not divide ${heads} heads`);
  if (fields['head_dim'] == null && hiddenSize % heads !== 0) {
    throw unreadable('num_attention_heads', `(${heads}) does not divide hidden_size ${hiddenSize}`);
  }
  const headDim = positive(fields, 'head_dim', hiddenSize / heads);
  if (headDim % 2 !== 0) throw unreadable('head_dim', `(${headDim}) is odd; rotary embedding needs an even one`);
  const vocabSize = positive(fields, 'vocab_size');
  const layers = positive(fields, 'num_hidden_layers');
  // A list of tensors is made from this number before any file is looked at.
  if (layers > MOST_LAYERS) throw unreadable('num_hidden_layers', `is ${layers}; supported: up to ${MOST_LAYERS}`);
  return {
    vocabSize,
    hiddenSize,
    layers,
    heads,
    kvHeads,
    headDim,
    intermediateSize: positive(fields, 'intermediate_size'),
    maxPositions: positive(fields, 'max_position_embeddings', 2048),
    ropeTheta: number(fields, 'rope_theta', ropeParameter(fields, 'rope_theta') ?? 10_000),
    rmsNormEps: number(fields, 'rms_norm_eps', 1e-6),
    tieWordEmbeddings: boolean(fields, 'tie_word_embeddings', false),
    eosTokenIds: tokenIds(fields, 'eos_token_id', vocabSize),
  };
}

/** The `config.json` of a new model; `parseModelConfig` reads it back to the same values. */
export function formatModelConfig(
  config: ModelConfig,
  tokens: { bosTokenId?: number; padTokenId?: number } = {},
): string {
  const fields = {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    hidden_act: 'silu',
    vocab_size: config.vocabSize,
    hidden_size: config.hiddenSize,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    num_key_value_heads: config.kvHeads,
    head_dim: config.headDim,
    intermediate_size: config.intermediateSize,
    max_position_embeddings: config.maxPositions,
    rope_theta: config.ropeTheta,
    rms_norm_eps: config.rmsNormEps,
    tie_word_embeddings: config.tieWordEmbeddings,
    attention_bias: false,
    mlp_bias: false,
    ...(tokens.bosTokenId === undefined ? {} : { bos_token_id: tokens.bosTokenId }),
    eos_token_id: config.eosTokenIds.length === 1 ? config.eosTokenIds[0] : config.eosTokenIds,
    ...(tokens.padTokenId === undefined ? {} : { pad_token_id: tokens.padTokenId }),
    torch_dtype: 'float32',
  };
  return `${JSON.stringify(fields, null, 2)}\n`;
}

/** Everything that would make the forward pass silently wrong is refused by name. */
function refuseUnsupported(fields: Record<string, unknown>): void {
  const type = fields['model_type'];
  if (type !== undefined && type !== 'llama') {
    throw unreadable('model_type', `is ${JSON.stringify(type)}; supported: "llama"`);
  }
  const architectures = fields['architectures'];
  const known = Array.isArray(architectures) && architectures.includes('LlamaForCausalLM');
  if (architectures !== undefined ? !known : type === undefined) {
    throw unreadable('architectures', `is ${JSON.stringify(architectures)}; supported: ["LlamaForCausalLM"]`);
  }
  const activation = fields['hidden_act'] ?? 'silu';
  if (activation !== 'silu') throw unreadable('hidden_act', `is ${JSON.stringify(activation)}; supported: "silu"`);
  for (const field of ['attention_bias', 'mlp_bias']) {
    if (boolean(fields, field, false)) throw unreadable(field, 'is true; supported: false');
  }
  for (const field of ['rope_scaling', 'rope_parameters']) {
    const scaling = fields[field];
    if (scaling == null) continue;
    const kind = typeof scaling === 'object' ? ropeKind(scaling as Record<string, unknown>) : scaling;
    if (kind !== 'default') throw unreadable(field, `is ${JSON.stringify(scaling)}; supported: none`);
  }
  const partial = fields['partial_rotary_factor'] ?? ropeParameter(fields, 'partial_rotary_factor') ?? 1;
  if (partial !== 1) throw unreadable('partial_rotary_factor', `is ${JSON.stringify(partial)}; supported: 1`);
}

function ropeKind(scaling: Record<string, unknown>): unknown {
  return scaling['rope_type'] ?? scaling['type'] ?? 'default';
}

/** Newer configs keep the rotary settings in an object of their own. */
function ropeParameter(fields: Record<string, unknown>, field: string): number | undefined {
  const parameters = fields['rope_parameters'];
  if (typeof parameters !== 'object' || parameters === null) return undefined;
  const value = (parameters as Record<string, unknown>)[field];
  return typeof value === 'number' ? value : undefined;
}

function positive(fields: Record<string, unknown>, field: string, fallback?: number): number {
  const value = fields[field] ?? fallback;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1 || value > 2 ** 31 - 1) {
    throw unreadable(field, `must be a positive integer, not ${JSON.stringify(value)}`);
  }
  return value;
}

function number(fields: Record<string, unknown>, field: string, fallback: number): number {
  const value = fields[field] ?? fallback;
  if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0) {
    throw unreadable(field, `must be a positive number, not ${JSON.stringify(value)}`);
  }
  return value;
}

function boolean(fields: Record<string, unknown>, field: string, fallback: boolean): boolean {
  const value = fields[field] ?? fallback;
  if (typeof value !== 'boolean') throw unreadable(field, `must be true or false, not ${JSON.stringify(value)}`);
  return value;
}

function tokenIds(fields: Record<string, unknown>, field: string, vocabSize: number): number[] {
  const value = fields[field];
  if (value == null) return [];
  const ids: unknown[] = Array.isArray(value) ? value : [value];
  for (const id of ids) {
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id >= vocabSize) {
      throw unreadable(field, `must be token ids below ${vocabSize}, not ${JSON.stringify(value)}`);
    }
  }
  return ids as number[];
}
