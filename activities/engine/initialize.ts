import { createModel } from './weights.ts';
import type { Model } from './weights.ts';
import type { ModelConfig } from './config.ts';
import { parameterSpecs, sizeOf } from './parameters.ts';
import { normals, parseSeed } from './random.ts';
import type { Runtime } from './tensorflow.ts';

export interface InitializeOptions {
  /** 16 hexadecimal digits. */
  seed: string;
  /** Standard deviation of the embedding. @default 0.06 */
  embeddingStd?: number;
}

/**
 * A model with random weights: matrices normal with standard deviation 1/sqrt(fan in), those that write to the residual
 * stream further divided by sqrt(2 layers), norms one, biases zero. The same seed gives the same weights.
 */
export function initializeModel(runtime: Runtime, config: ModelConfig, options: InitializeOptions): Model {
  const key = parseSeed(options.seed);
  const residual = 1 / Math.sqrt(2 * config.layers);
  const stored = new Map<string, Float32Array>();
  let stream = 0;
  for (const spec of parameterSpecs(config)) {
    for (const tensor of spec.stored) {
      const size = sizeOf(tensor.shape);
      if (tensor.shape.length === 1) {
        stored.set(tensor.name, new Float32Array(size).fill(tensor.name.endsWith('.bias') ? 0 : 1));
        continue;
      }
      let std = 1 / Math.sqrt(tensor.shape[1] as number);
      if (spec.name === 'embedding') std = options.embeddingStd ?? 0.06;
      if (spec.name.endsWith('.output') || spec.name.endsWith('.down')) std *= residual;
      stored.set(
        tensor.name,
        normals(key, stream++, size).map((x) => x * std),
      );
    }
  }
  return createModel(runtime, config, stored);
}
