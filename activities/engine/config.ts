import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RZeroError } from '../errors.ts';
import {
  CONFIG_FIX as FIX,
  badField,
  positiveInteger,
  positiveNumber,
  tokenIds,
  trueOrFalse,
} from './config-fields.ts';
import type { Fields } from './config-fields.ts';
import { FAMILIES, familyOf } from './families/index.ts';
import type { Family, FamilyName } from './families/index.ts';
import type { LoraConfig } from './lora.ts';
import { formatRopeScaling, readRopeScaling } from './rope-scaling.ts';
import type { RopeScaling } from './rope-scaling.ts';
import { codeOf } from './staging.ts';
import { shown } from './shown.ts';

/** Shape of a Llama-style decoder, read from a Hugging Face `config.json`. */
export interface ModelConfig {
  /** @default 'llama' */
  readonly family?: FamilyName;
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
  /** The plain rotary embedding when omitted. */
  readonly ropeScaling?: RopeScaling;
  readonly rmsNormEps: number;
  readonly tieWordEmbeddings: boolean;
  /** Tokens that end a sequence. */
  readonly eosTokenIds: readonly number[];
  /** Adapters that are trained in place of the weights; not part of config.json. */
  readonly lora?: LoraConfig;
}

const MOST_LAYERS = 1000;

/**
 * Reads config.json, and from generation_config.json, where there is one, the tokens that end a sequence: of models that
 * are talked to, it names the end of a turn beside the end of a text.
 *
 * @throws RZeroError `ModelUnreadable` when the file is missing, malformed or describes an unsupported architecture.
 */
export async function readModelConfig(folder: string): Promise<{ config: ModelConfig; text: string }> {
  const path = join(folder, 'config.json');
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new RZeroError('ModelUnreadable', `${path} cannot be read.`, { field: 'path', fix: FIX, cause: error });
  }
  const config = parseModelConfig(text);
  const further = await readEndTokens(join(folder, 'generation_config.json'), config.vocabSize);
  return { config: { ...config, eosTokenIds: [...new Set([...config.eosTokenIds, ...further])] }, text };
}

async function readEndTokens(path: string, vocabSize: number): Promise<number[]> {
  let fields: unknown;
  try {
    fields = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw new RZeroError('ModelUnreadable', `${path} cannot be read.`, { field: 'path', fix: FIX, cause: error });
  }
  return typeof fields === 'object' && fields !== null ? tokenIds(fields as Fields, 'eos_token_id', vocabSize) : [];
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
  const fields = json as Fields;
  const family = readFamily(fields);
  refuseUnsupported(fields, family);

  const hiddenSize = positiveInteger(fields, 'hidden_size');
  const heads = positiveInteger(fields, 'num_attention_heads');
  const kvHeads = positiveInteger(fields, 'num_key_value_heads', heads);
  if (heads % kvHeads !== 0) throw badField('num_key_value_heads', `(${kvHeads}) does not divide ${heads} heads`);
  const defaultHeadDim = family.defaultHeadDim ?? hiddenSize / heads;
  if (fields['head_dim'] == null && !Number.isInteger(defaultHeadDim)) {
    throw badField('num_attention_heads', `(${heads}) does not divide hidden_size ${hiddenSize}`);
  }
  const headDim = positiveInteger(fields, 'head_dim', defaultHeadDim);
  if (headDim % 2 !== 0) throw badField('head_dim', `(${headDim}) is odd; rotary embedding needs an even one`);
  const vocabSize = positiveInteger(fields, 'vocab_size');
  const layers = positiveInteger(fields, 'num_hidden_layers');
  // A list of tensors is made from this number before any file is looked at.
  if (layers > MOST_LAYERS) throw badField('num_hidden_layers', `is ${layers}; supported: up to ${MOST_LAYERS}`);
  const maxPositions = positiveInteger(fields, 'max_position_embeddings', 2048);
  const ropeScaling = readRopeScaling(fields, maxPositions);
  return {
    ...(family.name === 'llama' ? {} : { family: family.name as FamilyName }),
    vocabSize,
    hiddenSize,
    layers,
    heads,
    kvHeads,
    headDim,
    intermediateSize: positiveInteger(fields, 'intermediate_size'),
    maxPositions,
    ropeTheta: positiveNumber(fields, 'rope_theta', ropeParameter(fields, 'rope_theta') ?? 10_000),
    ...(ropeScaling ? { ropeScaling } : {}),
    rmsNormEps: positiveNumber(fields, 'rms_norm_eps', 1e-6),
    tieWordEmbeddings: trueOrFalse(fields, 'tie_word_embeddings', false),
    eosTokenIds: tokenIds(fields, 'eos_token_id', vocabSize),
  };
}

/** The `config.json` of a new model; `parseModelConfig` reads it back to the same values. */
export function formatModelConfig(
  config: ModelConfig,
  tokens: { bosTokenId?: number; padTokenId?: number } = {},
): string {
  const family = familyOf(config);
  const fields = {
    architectures: [family.architecture],
    model_type: family.name,
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
    ...(config.ropeScaling ? { rope_scaling: formatRopeScaling(config.ropeScaling) } : {}),
    rms_norm_eps: config.rmsNormEps,
    tie_word_embeddings: config.tieWordEmbeddings,
    ...family.fixed,
    ...(tokens.bosTokenId === undefined ? {} : { bos_token_id: tokens.bosTokenId }),
    eos_token_id: config.eosTokenIds.length === 1 ? config.eosTokenIds[0] : config.eosTokenIds,
    ...(tokens.padTokenId === undefined ? {} : { pad_token_id: tokens.padTokenId }),
    torch_dtype: 'float32',
  };
  return `${JSON.stringify(fields, null, 2)}\n`;
}

function readFamily(fields: Fields): Family {
  const { model_type: type, architectures } = fields;
  const named = FAMILIES.find(({ name }) => name === type);
  if (type !== undefined && !named) {
    const known = FAMILIES.map(({ name }) => JSON.stringify(name)).join(', ');
    throw badField('model_type', `is ${shown(type)}; supported: ${known}`);
  }
  const classes: unknown[] = Array.isArray(architectures) ? architectures : [];
  const family = FAMILIES.find(({ architecture }) => classes.includes(architecture));
  if (architectures === undefined && named) return named;
  if (family && (!named || named === family)) return family;
  const known = (named ? [named] : FAMILIES).map(({ architecture }) => JSON.stringify(architecture)).join(' or ');
  throw badField('architectures', `is ${shown(architectures)}; supported: [${known}]`);
}

/** Everything that would make the forward pass silently wrong is refused by name. */
function refuseUnsupported(fields: Fields, family: Family): void {
  const activation = fields['hidden_act'] ?? 'silu';
  if (activation !== 'silu') throw badField('hidden_act', `is ${shown(activation)}; supported: "silu"`);
  for (const [field, only] of Object.entries(family.fixed)) {
    if (trueOrFalse(fields, field, only) !== only) throw badField(field, `is ${!only}; supported: ${only}`);
  }
  const partial = fields['partial_rotary_factor'] ?? ropeParameter(fields, 'partial_rotary_factor') ?? 1;
  if (partial !== 1) throw badField('partial_rotary_factor', `is ${shown(partial)}; supported: 1`);
}

/** Newer configs keep the rotary settings in an object of their own. */
function ropeParameter(fields: Fields, field: string): number | undefined {
  const parameters = fields['rope_parameters'];
  if (typeof parameters !== 'object' || parameters === null) return undefined;
  const value = (parameters as Fields)[field];
  return typeof value === 'number' ? value : undefined;
}
