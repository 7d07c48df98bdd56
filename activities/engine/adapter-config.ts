/** `adapter_config.json`: how the library `peft` is told what its adapters are. */
import { RZeroError } from '../errors.ts';
import { TARGET_MODULES } from './lora.ts';
import type { LoraConfig, TargetModule } from './lora.ts';
import { shown } from './shown.ts';

export const ADAPTER_CONFIG = 'adapter_config.json';

/** Settings of `peft` that change what is computed, and that the engine has not. */
const UNSUPPORTED = [
  'use_dora',
  'use_rslora',
  'fan_in_fan_out',
  'lora_bias',
  'modules_to_save',
  'rank_pattern',
  'alpha_pattern',
  'layers_to_transform',
  'layers_pattern',
  'layer_replication',
  'trainable_token_indices',
  'target_parameters',
  'alora_invocation_tokens',
] as const;

/**
 * The file's bytes: content and nothing of the machine, so that equal adapters are equal files.
 *
 * @param base folder of the model beneath, relative to that of the adapters
 */
export function formatAdapterConfig({ r, loraAlpha, targetModules }: LoraConfig, base: string): Uint8Array {
  const json = {
    peft_type: 'LORA',
    task_type: 'CAUSAL_LM',
    base_model_name_or_path: base,
    r,
    lora_alpha: loraAlpha,
    target_modules: targetModules,
    lora_dropout: 0,
    bias: 'none',
    inference_mode: true,
  };
  return Buffer.from(`${JSON.stringify(json, null, 2)}\n`, 'utf8');
}

/** @throws RZeroError `ModelUnreadable` naming the setting */
export function parseAdapterConfig(bytes: Uint8Array): LoraConfig {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (error) {
    throw unreadable('the file', 'is not valid JSON', error);
  }
  const fields = (json ?? {}) as Record<string, unknown>;
  if (fields['peft_type'] !== 'LORA') throw unreadable('peft_type', `is ${shown(fields['peft_type'])}`);
  if ((fields['bias'] ?? 'none') !== 'none') throw unreadable('bias', `is ${shown(fields['bias'])}`);
  for (const name of UNSUPPORTED) {
    const value = fields[name];
    const isOff = !value || (typeof value === 'object' && Object.keys(value).length === 0);
    if (!isOff) throw unreadable(name, 'is set');
  }
  const { r, lora_alpha: loraAlpha, target_modules: modules } = fields;
  if (!Number.isInteger(r) || (r as number) < 1) throw unreadable('r', 'is not a positive integer');
  if (typeof loraAlpha !== 'number' || !(loraAlpha > 0)) throw unreadable('lora_alpha', 'is not above 0');
  const known: readonly unknown[] = TARGET_MODULES;
  if (!Array.isArray(modules) || modules.length === 0 || !modules.every((name) => known.includes(name))) {
    throw unreadable('target_modules', `is not a list of ${TARGET_MODULES.join(', ')}`);
  }
  const named = modules as TargetModule[];
  return { r: r as number, loraAlpha, targetModules: TARGET_MODULES.filter((name) => named.includes(name)) };
}

function unreadable(field: string, what: string, cause?: unknown): RZeroError {
  return new RZeroError('ModelUnreadable', `${ADAPTER_CONFIG}: ${field} ${what}.`, {
    field,
    fix: 'Use plain LoRA adapters of linear layers.',
    cause,
  });
}
