import type * as tfc from '@tensorflow/tfjs-core';
import type { ModelConfig } from './config.ts';

/** A tensor as Hugging Face stores it, [out, in] for matrices. */
export interface StoredTensor {
  name: string;
  shape: readonly number[];
}

/**
 * One tensor as the model computes with it. Several stored matrices that read the same input are joined along their
 * output rows, so that one product serves them all; in row-major order that is their plain concatenation.
 */
export interface ParameterSpec {
  name: string;
  shape: readonly number[];
  stored: readonly StoredTensor[];
}

export interface LayerParameters {
  /** [d] */
  attentionNorm: tfc.Tensor;
  /** [(H + 2 KV) dh, d] */
  qkv: tfc.Tensor;
  /** [d, H dh] */
  output: tfc.Tensor;
  /** [d] */
  mlpNorm: tfc.Tensor;
  /** [2 F, d] */
  gateUp: tfc.Tensor;
  /** [d, F] */
  down: tfc.Tensor;
}

export interface Parameters {
  /** [V, d] */
  embedding: tfc.Tensor;
  layers: readonly LayerParameters[];
  /** [d] */
  norm: tfc.Tensor;
  /** [V, d]; the embedding itself when the model ties them. */
  head: tfc.Tensor;
}

const PER_LAYER = ['attentionNorm', 'qkv', 'output', 'mlpNorm', 'gateUp', 'down'] as const;

/** The tensors of a model in the one order used by gradients, optimizer and checkpoints. */
export function parameterSpecs(config: ModelConfig): ParameterSpec[] {
  const { vocabSize: v, hiddenSize: d, intermediateSize: f, heads, kvHeads, headDim } = config;
  const single = (name: string, stored: string, shape: readonly number[]): ParameterSpec => ({
    name,
    shape,
    stored: [{ name: stored, shape }],
  });
  const joined = (name: string, parts: readonly StoredTensor[]): ParameterSpec => ({
    name,
    shape: [parts.reduce((rows, part) => rows + (part.shape[0] as number), 0), d],
    stored: parts,
  });
  const specs = [single('embedding', 'model.embed_tokens.weight', [v, d])];
  for (let layer = 0; layer < config.layers; layer++) {
    const stored = `model.layers.${layer}`;
    const shapes = { q: [heads * headDim, d], kv: [kvHeads * headDim, d], mlp: [f, d] };
    specs.push(
      single(`layers.${layer}.attentionNorm`, `${stored}.input_layernorm.weight`, [d]),
      joined(`layers.${layer}.qkv`, [
        { name: `${stored}.self_attn.q_proj.weight`, shape: shapes.q },
        { name: `${stored}.self_attn.k_proj.weight`, shape: shapes.kv },
        { name: `${stored}.self_attn.v_proj.weight`, shape: shapes.kv },
      ]),
      single(`layers.${layer}.output`, `${stored}.self_attn.o_proj.weight`, [d, heads * headDim]),
      single(`layers.${layer}.mlpNorm`, `${stored}.post_attention_layernorm.weight`, [d]),
      joined(`layers.${layer}.gateUp`, [
        { name: `${stored}.mlp.gate_proj.weight`, shape: shapes.mlp },
        { name: `${stored}.mlp.up_proj.weight`, shape: shapes.mlp },
      ]),
      single(`layers.${layer}.down`, `${stored}.mlp.down_proj.weight`, [d, f]),
    );
  }
  specs.push(single('norm', 'model.norm.weight', [d]));
  if (!config.tieWordEmbeddings) specs.push(single('head', 'lm_head.weight', [v, d]));
  return specs;
}

/** Gives names to a flat list in the order of `parameterSpecs`. */
export function arrangeParameters(config: ModelConfig, flat: readonly tfc.Tensor[]): Parameters {
  const at = (index: number): tfc.Tensor => {
    const tensor = flat[index];
    if (!tensor) throw new RangeError(`parameter ${index} is missing`);
    return tensor;
  };
  const layers = Array.from({ length: config.layers }, (_, layer) => {
    const base = 1 + layer * PER_LAYER.length;
    return Object.fromEntries(PER_LAYER.map((name, offset) => [name, at(base + offset)])) as unknown as LayerParameters;
  });
  const norm = 1 + config.layers * PER_LAYER.length;
  return {
    embedding: at(0),
    layers,
    norm: at(norm),
    head: config.tieWordEmbeddings ? at(0) : at(norm + 1),
  };
}

/** Elements in a tensor of this shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
