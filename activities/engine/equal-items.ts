import type { ScoreItem } from './types.ts';

/**
 * Items of equal prompt and completion, which one run of the model serves: groups sample the same answer again and again once
 * a model has become sure of it.
 *
 * @returns their indices, in the order in which they first appear
 */
export function equalItems(items: readonly ScoreItem[]): [number, ...number[]][] {
  const known = new Map<string, [number, ...number[]]>();
  for (const [index, { promptTokens, completionTokens }] of items.entries()) {
    const name = `${promptTokens.join(' ')}, ${completionTokens.join(' ')}`;
    const equal = known.get(name);
    if (equal) equal.push(index);
    else known.set(name, [index]);
  }
  return [...known.values()];
}
