/** The products of a layer with its matrices, adapters included. */
import type * as tfc from '@tensorflow/tfjs-core';
import { SITES, secondFactor } from './adapters.ts';
import type { Site } from './adapters.ts';
import type { ModelConfig } from './config.ts';
import { loraScale } from './lora.ts';
import type { TargetModule } from './lora.ts';
import type { LayerParameters } from './parameters.ts';
import type { Runtime } from './tensorflow.ts';

/** x [N, in] times the transpose of the site's matrix [out, in], and what its adapters add: [N, out]. */
export function project(
  { tf, ops }: Pick<Runtime, 'tf' | 'ops'>,
  config: ModelConfig,
  layer: LayerParameters,
  site: Site,
  x: tfc.Tensor,
): tfc.Tensor {
  const { lora } = config;
  if (!lora) return ops.linear(x, layer[site]);
  const product = ops.frozen.linear(x, layer[site]);
  const a = layer[`${site}A`];
  if (!a) return product;
  const modules: readonly TargetModule[] = SITES[site];
  const adapted = modules.filter((module) => layer[secondFactor(module)]);
  // All parts share x, so their first factors are one product; scaled here, where it is narrowest.
  const narrow = tf.mul(ops.linear(x, a), loraScale(lora));
  const narrows = adapted.length === 1 ? [narrow] : tf.split(narrow, adapted.length, 1);
  const added = modules.map((module) => {
    const b = layer[secondFactor(module)];
    if (b) return ops.linear(narrows[adapted.indexOf(module)] as tfc.Tensor, b);
    return tf.fill(shapeOf(config, module, x), 0);
  });
  return tf.add(product, added.length === 1 ? (added[0] as tfc.Tensor) : tf.concat(added, 1));
}

/** Of x times the transpose of a module's matrix. */
function shapeOf(config: ModelConfig, module: TargetModule, x: tfc.Tensor): [number, number] {
  const { heads, kvHeads, headDim, hiddenSize, intermediateSize } = config;
  const rows = {
    q_proj: heads * headDim,
    k_proj: kvHeads * headDim,
    v_proj: kvHeads * headDim,
    o_proj: hiddenSize,
    gate_proj: intermediateSize,
    up_proj: intermediateSize,
    down_proj: hiddenSize,
  };
  return [x.shape[0], rows[module]];
}
