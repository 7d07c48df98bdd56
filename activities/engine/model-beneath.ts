import { createAdamW } from './adamw.ts';
import type { LoadedModel } from './model-folder.ts';
import { parameterSpecs } from './parameters.ts';

/**
 * A checkpoint on which the adapters of an open model lie, as the model that it is without them: however large it is, it is
 * in memory once.
 *
 * @returns undefined when none of the open models lies on it
 */
export function modelBeneath(open: readonly LoadedModel[], checkpointId: string): LoadedModel | undefined {
  const found = open.find(({ base, model }) => base?.id === checkpointId && model.frozen.length > 0);
  if (!found?.base) return undefined;
  const { model, companions, base } = found;
  const { lora: _, ...config } = model.config;
  const tensors = model.frozen.map((tensor) => model.runtime.tf.clone(tensor));
  return {
    model: { ...model, config, specs: parameterSpecs(config), tensors, frozen: [] },
    optimizer: createAdamW(),
    companions,
    modelId: base.modelId,
    checkpointId: base.id,
  };
}
