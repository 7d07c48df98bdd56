/**
 * Low-rank adaptation (Hu et al., "LoRA", arXiv 2106.09685): the weights stay what they are, and beside chosen matrices W
 * a product of two narrow ones is trained, W + (alpha / r) B A. Named as the library `peft` names it.
 */
import { RZeroError } from '../errors.ts';

/** The matrices of a layer, by the last part of their stored name. */
export const TARGET_MODULES = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'] as const;

export type TargetModule = (typeof TARGET_MODULES)[number];

/** As a caller gives it. */
export interface LoraOptions {
  /** Rank: columns of B and rows of A. */
  r: number;
  /** What A and B add is multiplied by loraAlpha / r. */
  loraAlpha: number;
  /** Which matrices of each layer get adapters. @default 'all-linear' */
  targetModules?: 'all-linear' | readonly TargetModule[];
}

/** As part of a model's configuration. */
export interface LoraConfig {
  readonly r: number;
  readonly loraAlpha: number;
  /** In the order of `TARGET_MODULES`. */
  readonly targetModules: readonly TargetModule[];
}

/** @throws RZeroError `EngineRequestInvalid` naming the field */
export function resolveLora({ r, loraAlpha, targetModules = 'all-linear' }: LoraOptions): LoraConfig {
  refuseUnless(Number.isInteger(r) && r >= 1, 'lora.r', r, 'a positive integer');
  refuseUnless(Number.isFinite(loraAlpha) && loraAlpha > 0, 'lora.loraAlpha', loraAlpha, 'above 0');
  const named: readonly string[] = targetModules === 'all-linear' ? TARGET_MODULES : targetModules;
  const known: readonly string[] = TARGET_MODULES;
  const usable = Array.isArray(named) && named.length > 0 && named.every((name) => known.includes(name));
  refuseUnless(usable, 'lora.targetModules', JSON.stringify(targetModules), `"all-linear" or some of ${known.join()}`);
  return { r, loraAlpha, targetModules: TARGET_MODULES.filter((name) => named.includes(name)) };
}

function refuseUnless(valid: boolean, field: string, value: unknown, range: string): void {
  if (valid) return;
  throw new RZeroError('EngineRequestInvalid', `${field} must be ${range}, not ${String(value)}.`, { field });
}

/** What the product of A and B is multiplied by. */
export function loraScale({ r, loraAlpha }: LoraConfig): number {
  return loraAlpha / r;
}

export function sameLora(a: LoraConfig, b: LoraConfig): boolean {
  return a.r === b.r && a.loraAlpha === b.loraAlpha && a.targetModules.join() === b.targetModules.join();
}

export function describeLora({ r, loraAlpha, targetModules }: LoraConfig): string {
  return `r ${r}, alpha ${loraAlpha}, on ${targetModules.join(', ')}`;
}
