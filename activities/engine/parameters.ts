import type * as tfc from '@tensorflow/tfjs-core';
import { adapterSpecs } from './adapters.ts';
import type { AdapterParameters } from './adapters.ts';
import type { ModelConfig } from './config.ts';
import { familyOf } from './families/index.ts';

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

export interface LayerParameters extends AdapterParameters {
  /** [d] */
  attentionNorm: tfc.Tensor;
  /** [(H + 2 KV) dh, d] */
  qkv: tfc.Tensor;
  /** [(H + 2 KV) dh], in families with one */
  qkvBias?: tfc.Tensor;
  /** [dh], in families that norm queries and keys */
  queryNorm?: tfc.Tensor;
  keyNorm?: tfc.Tensor;
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
  /** Only adapters are trained: no gradient of any other tensor is asked for. */
  frozen: boolean;
}

/** The weights of a model in the one order used by gradients, optimizer and checkpoints. */
export function parameterSpecs(config: ModelConfig): ParameterSpec[] {
  const { vocabSize: v, hiddenSize: d, intermediateSize: f, heads, kvHeads, headDim } = config;
  const single = (name: string, stored: string, shape: readonly number[]): ParameterSpec => ({
    name,
    shape,
    stored: [{ name: stored, shape }],
  });
  const joined = (name: string, parts: readonly StoredTensor[]): ParameterSpec => ({
    name,
    shape: [
      parts.reduce((rows, part) => rows + (part.shape[0] as number), 0),
      ...(parts[0] as StoredTensor).shape.slice(1),
    ],
    stored: parts,
  });
  const { qkvBias, qkNorm } = familyOf(config);
  const specs = [single('embedding', 'model.embed_tokens.weight', [v, d])];
  for (let layer = 0; layer < config.layers; layer++) {
    const stored = `model.layers.${layer}`;
    const attention = `${stored}.self_attn`;
    const rows = { q_proj: heads * headDim, k_proj: kvHeads * headDim, v_proj: kvHeads * headDim };
    const qkv = (name: string, part: 'weight' | 'bias', columns: readonly number[]): ParameterSpec =>
      joined(
        `layers.${layer}.${name}`,
        Object.entries(rows).map(([which, size]) => ({
          name: `${attention}.${which}.${part}`,
          shape: [size, ...columns],
        })),
      );
    specs.push(single(`layers.${layer}.attentionNorm`, `${stored}.input_layernorm.weight`, [d]));
    specs.push(qkv('qkv', 'weight', [d]));
    if (qkvBias) specs.push(qkv('qkvBias', 'bias', []));
    if (qkNorm) {
      specs.push(single(`layers.${layer}.queryNorm`, `${attention}.q_norm.weight`, [headDim]));
      specs.push(single(`layers.${layer}.keyNorm`, `${attention}.k_norm.weight`, [headDim]));
    }
    specs.push(
      single(`layers.${layer}.output`, `${attention}.o_proj.weight`, [d, heads * headDim]),
      single(`layers.${layer}.mlpNorm`, `${stored}.post_attention_layernorm.weight`, [d]),
      joined(`layers.${layer}.gateUp`, [
        { name: `${stored}.mlp.gate_proj.weight`, shape: [f, d] },
        { name: `${stored}.mlp.up_proj.weight`, shape: [f, d] },
      ]),
      single(`layers.${layer}.down`, `${stored}.mlp.down_proj.weight`, [d, f]),
    );
  }
  specs.push(single('norm', 'model.norm.weight', [d]));
  if (!config.tieWordEmbeddings) specs.push(single('head', 'lm_head.weight', [v, d]));
  return specs;
}

/** What is trained: the weights, or in their place the adapters. */
export function trainedSpecs(config: ModelConfig): ParameterSpec[] {
  return config.lora ? adapterSpecs(config.lora, parameterSpecs(config)) : parameterSpecs(config);
}

/** What stays as it is: the weights beneath adapters. */
export function frozenSpecs(config: ModelConfig): ParameterSpec[] {
  return config.lora ? parameterSpecs(config) : [];
}

/** Gives names to a flat list: what is frozen, then what is trained. */
export function arrangeParameters(config: ModelConfig, flat: readonly tfc.Tensor[]): Parameters {
  const layers = Array.from({ length: config.layers }, (): Partial<LayerParameters> => ({}));
  const whole: Partial<Parameters> = {};
  for (const [index, { name }] of [...frozenSpecs(config), ...trainedSpecs(config)].entries()) {
    const tensor = flat[index];
    if (!tensor) throw new RangeError(`parameter ${index} is missing`);
    const [, layer, part] = /^layers\.(\d+)\.(\w+)$/.exec(name) ?? [];
    Object.assign(layer === undefined ? whole : (layers[Number(layer)] as object), { [part ?? name]: tensor });
  }
  const { embedding, norm, head = embedding } = whole;
  return { embedding, norm, head, layers, frozen: config.lora !== undefined } as Parameters;
}

/** Elements in a tensor of this shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
