import type { Family } from './family.ts';
import { LLAMA } from './llama.ts';
import { QWEN2 } from './qwen2.ts';
import { QWEN3 } from './qwen3.ts';

export type { Family } from './family.ts';

/** A new family is one file and one entry here. */
export const FAMILIES = [LLAMA, QWEN2, QWEN3] as const;

export type FamilyName = (typeof FAMILIES)[number]['name'];

export function familyOf({ family = 'llama' }: { readonly family?: FamilyName }): Family {
  return FAMILIES.find(({ name }) => name === family) as Family;
}
