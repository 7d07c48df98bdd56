/**
 * Recomputation of activations (Chen et al., arXiv 1604.06174): of a layer only its input is kept for the backward pass, which
 * runs the layer forward once more when its turn has come. Same operations on the same numbers, so the same gradients.
 */
import type * as tfc from '@tensorflow/tfjs-core';
import { RZeroError } from '../errors.ts';
import type { ModelConfig } from './config.ts';
import type { LayerParameters } from './parameters.ts';
import type { Runtime } from './tensorflow.ts';

export const RECOMPUTE = ['auto', 'always', 'never'] as const;
export type Recompute = (typeof RECOMPUTE)[number];

/** Activations that `auto` lets a micro-batch keep, bytes. */
const KEPT_BYTES = 2 ** 30;

/**
 * What a backward pass without recomputation keeps of B sequences of T tokens, by shapes alone and in bytes: of each layer two
 * norms of two vectors each (4 d), queries, keys, values and their mixture (2 (H + KV) dh), four times the feed-forward's width,
 * and the attention of each head to each token (H T). Logits are kept in either form.
 */
export function activationBytes(config: ModelConfig, batch: number, length: number): number {
  const { layers, hiddenSize, heads, kvHeads, headDim, intermediateSize } = config;
  const perToken = 4 * hiddenSize + 2 * (heads + kvHeads) * headDim + 4 * intermediateSize + heads * length;
  return 4 * layers * batch * length * perToken;
}

/** Whether a micro-batch is run with recomputation. Free memory has no say, so that a run is the same on every machine. */
export function recomputes(setting: Recompute, config: ModelConfig, batch: number, length: number): boolean {
  return setting === 'auto' ? activationBytes(config, batch, length) > KEPT_BYTES : setting === 'always';
}

/** @throws RZeroError `EngineRequestInvalid` */
export function validateRecompute(setting: Recompute = 'auto'): Recompute {
  if (RECOMPUTE.includes(setting)) return setting;
  const field = 'recompute';
  throw new RZeroError('EngineRequestInvalid', `${field} must be one of ${RECOMPUTE.join(', ')}, not "${setting}".`, {
    field,
  });
}

/** What a layer reads beside its input and its parameters, and does not differentiate. */
export interface BlockContext {
  cos: tfc.Tensor;
  sin: tfc.Tensor;
  mask: tfc.Tensor;
}

export type Block = (x: tfc.Tensor, layer: LayerParameters, context: BlockContext) => tfc.Tensor;

/** `block(x, layer, context)`, of which nothing but `x` is kept. */
export function recomputed(
  { tf, ops }: Pick<Runtime, 'tf' | 'ops'>,
  block: Block,
  x: tfc.Tensor,
  layer: LayerParameters,
  { cos, sin, mask }: BlockContext,
): tfc.Tensor {
  const names = Object.keys(layer);
  const run = (context: BlockContext, first: tfc.Tensor, parameters: readonly tfc.Tensor[]): tfc.Tensor => {
    const named = Object.fromEntries(names.map((name, index) => [name, parameters[index]]));
    return block(first, named as unknown as LayerParameters, context);
  };
  const kept = tf.customGrad((...args) => {
    const save = args.pop() as unknown as tfc.GradSaveFunc;
    const [first, ...parameters] = args as [tfc.Tensor, ...tfc.Tensor[]];
    // The context, too: what the forward pass has made itself is gone when the backward pass begins.
    save([cos, sin, mask, first, ...parameters]);
    return {
      value: run({ cos, sin, mask }, first, parameters),
      gradFunc: (dy, saved) => {
        const [cos, sin, mask, first, ...parameters] = saved as [tfc.Tensor, tfc.Tensor, tfc.Tensor, ...tfc.Tensor[]];
        // Not before its turn: otherwise all layers could be recomputed at once, or be taken for what was computed before.
        const input = ops.after(first as tfc.Tensor, dy);
        return gradients(tf, () => run({ cos, sin, mask }, input, parameters), [input, ...parameters], dy);
      },
    };
  });
  return kept(x, ...(Object.values(layer) as tfc.Tensor[]));
}

/** Gradients inside of a gradient. The library has one tape, which an inner call would leave empty for the outer one. */
function gradients(tf: Runtime['tf'], run: () => tfc.Tensor, inputs: tfc.Tensor[], dy: tfc.Tensor): tfc.Tensor[] {
  const engine = tf.engine();
  const { activeTape } = engine.state;
  try {
    const { value, grads } = engine.gradients(run, inputs, dy, true);
    value.dispose();
    // What the block does not differentiate has none, and nobody asks for it.
    return grads.map((gradient) => (gradient as tfc.Tensor | undefined) ?? tf.scalar(0));
  } finally {
    engine.state.activeTape = activeTape;
  }
}
