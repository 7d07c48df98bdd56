/** Which labels a judge or a person is asked about: stratified by p̂, drawn by a seed. */
import { createHash } from 'node:crypto';
import { pHatPart } from '../method/p-hat-parts.ts';

export interface Candidate {
  unit: number;
  item: number;
  majority: number;
  total: number;
}

/**
 * `count` of the candidates, from each tenth of p̂ its share and one at least, in an order of which every beginning is as mixed. A
 * larger sample by the same seed holds the smaller one, part by part, but for the rounding of shares.
 *
 * @param seed of the run, with the iteration
 */
export function stratifiedSample<T extends Candidate>(candidates: readonly T[], count: number, seed: string): T[] {
  if (count >= candidates.length) return ordered(strata(candidates, seed), (stratum) => stratum.length);
  const parts = strata(candidates, seed);
  const shares = allot(
    parts.map((part) => part.length),
    count,
  );
  return ordered(parts, (_, index) => shares[index]!).slice(0, count);
}

/** By p̂, each in the seed's order. */
function strata<T extends Candidate>(candidates: readonly T[], seed: string): T[][] {
  const parts = new Map<number, { rank: string; candidate: T }[]>();
  for (const candidate of candidates) {
    const { unit, item, majority, total } = candidate;
    const part = pHatPart(majority, total);
    const rank = createHash('sha256').update(`${seed}/${unit}/${item}`).digest('hex');
    parts.set(part, [...(parts.get(part) ?? []), { rank, candidate }]);
  }
  return [...parts]
    .sort(([a], [b]) => a - b)
    .map(([, own]) => own.sort((a, b) => (a.rank < b.rank ? -1 : 1)).map(({ candidate }) => candidate));
}

/** Largest remainders, at least one each: few of a rare part say more than none. */
function allot(sizes: readonly number[], count: number): number[] {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const exact = sizes.map((size) => (size * count) / total);
  const shares = exact.map((share) => Math.max(1, Math.floor(share)));
  const byRemainder = exact.map((share, index) => ({ index, rest: share - shares[index]! }));
  byRemainder.sort((a, b) => b.rest - a.rest);
  let left = count - shares.reduce((sum, share) => sum + share, 0);
  for (const { index } of byRemainder) {
    if (left <= 0) break;
    shares[index]!++;
    left--;
  }
  return shares;
}

/** The first of every part, then on through each at its own pace. */
function ordered<T>(parts: readonly (readonly T[])[], shareOf: (part: readonly T[], index: number) => number): T[] {
  return parts
    .flatMap((part, index) => {
      const share = shareOf(part, index);
      return part.slice(0, share).map((candidate, rank) => ({ candidate, at: rank / share }));
    })
    .sort((a, b) => a.at - b.at)
    .map(({ candidate }) => candidate);
}
