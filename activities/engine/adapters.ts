/** The tensors of low-rank adapters: which there are, what they are called here and in `peft`. */
import type * as tfc from '@tensorflow/tfjs-core';
import type { LoraConfig, TargetModule } from './lora.ts';
import type { ParameterSpec, StoredTensor } from './parameters.ts';

/** Where a layer multiplies by a matrix, and what that matrix is joined from. */
export const SITES = {
  qkv: ['q_proj', 'k_proj', 'v_proj'],
  output: ['o_proj'],
  gateUp: ['gate_proj', 'up_proj'],
  down: ['down_proj'],
} as const satisfies Record<string, readonly TargetModule[]>;

export type Site = keyof typeof SITES;

/**
 * Adapters of a layer, in its list of parameters. `…A`: of all parts of a site that have one, one below the other,
 * [parts r, in], so that one product serves them all; `…B`: of one part, [out, r].
 */
export type AdapterParameters = Partial<Record<`${Site}A` | SecondFactor, tfc.Tensor>>;

type SecondFactor = `${Part<TargetModule>}B`;
type Part<Module> = Module extends `${infer Name}_proj` ? Name : never;

/** What the second factor of a module is called among a layer's parameters. */
export function secondFactor(module: TargetModule): SecondFactor {
  return `${module.slice(0, -'_proj'.length)}B` as SecondFactor;
}

/** @param weights of the model beneath, in their order */
export function adapterSpecs({ r, targetModules }: LoraConfig, weights: readonly ParameterSpec[]): ParameterSpec[] {
  return weights.flatMap(({ name, shape, stored }) => {
    const parts = stored.flatMap((part) => {
      const module = moduleOf(part);
      return module && targetModules.includes(module) ? [{ ...part, module }] : [];
    });
    if (parts.length === 0) return [];
    const columns = shape[1] as number;
    const first = parts.map((part) => ({ name: factorName(part, 'A'), shape: [r, columns] }));
    return [
      { name: `${name}A`, shape: [parts.length * r, columns], stored: first },
      ...parts.map((part) => {
        const shape = [part.shape[0] as number, r];
        const layer = name.slice(0, name.lastIndexOf('.'));
        return {
          name: `${layer}.${secondFactor(part.module)}`,
          shape,
          stored: [{ name: factorName(part, 'B'), shape }],
        };
      }),
    ];
  });
}

/** The module of which this is the weight, if it can have adapters. */
export function moduleOf({ name }: StoredTensor): TargetModule | undefined {
  const [, module] = /\.(\w+_proj)\.weight$/.exec(name) ?? [];
  return module as TargetModule | undefined;
}

/** As `peft` stores the factor of a weight's adapter. */
export function factorName({ name }: StoredTensor, factor: 'A' | 'B'): string {
  return `base_model.model.${name.slice(0, -'weight'.length)}lora_${factor}.weight`;
}
