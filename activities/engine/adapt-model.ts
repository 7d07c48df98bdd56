import { RZeroError } from '../errors.ts';
import { createAdamW, disposeAdamW } from './adamw.ts';
import { addNewAdapters } from './adapter-model.ts';
import { modelIdOf } from './checkpoint.ts';
import { describeLora, resolveLora, sameLora } from './lora.ts';
import type { LoadedModel } from './model-folder.ts';
import type { LoraSource } from './types.ts';
import { disposeModel } from './weights.ts';

/**
 * A loaded model for the training of adapters: with new ones, unless it has those that are asked for. Takes over `loaded`.
 *
 * @throws RZeroError `EngineRequestInvalid` naming the field, and then `loaded` is freed
 */
export async function adaptModel(loaded: LoadedModel, { seed, ...options }: LoraSource): Promise<LoadedModel> {
  const { model, optimizer, checkpointId, companions, modelId } = loaded;
  try {
    const lora = resolveLora(options);
    const present = model.config.lora;
    if (present && sameLora(present, lora)) return loaded;
    if (present) {
      throw new RZeroError(
        'EngineRequestInvalid',
        `The checkpoint has adapters of ${describeLora(present)}, and others are asked for: ${describeLora(lora)}.`,
        { field: 'lora', fix: 'Ask for the same, or merge these first with `npx r-zero model export`.' },
      );
    }
    if (checkpointId === undefined) {
      throw new RZeroError('EngineRequestInvalid', 'Adapters are stored beside a checkpoint, and this model is none.', {
        field: 'lora',
        fix: 'Import the model into a checkpoint first.',
      });
    }
    const base = { id: checkpointId, modelId };
    const adapted = await addNewAdapters(model, lora, seed);
    // Moments of the weights are of no use to adapters.
    disposeAdamW(optimizer);
    return { model: adapted, optimizer: createAdamW(), companions, modelId: modelIdOf(adapted, base), base };
  } catch (error) {
    disposeModel(model);
    disposeAdamW(optimizer);
    throw error;
  }
}
