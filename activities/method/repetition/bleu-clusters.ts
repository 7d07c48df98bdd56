/**
 * Clusters of texts by BLEU distance. Equal distances make partitions depend on the order of merging. With `referenceTies` the matrix of the whole batch is clustered,
 * merge by merge as SciPy does it. Without, clustering is done inside each group of questions that are linked by pairs below the
 * threshold, which is the same without such ties, since two clusters whose average distance is below the threshold contain a pair
 * below it; diverse batches then need little memory.
 */
import { BleuRows } from './bleu.ts';
import { nextCopies, pairCount, writeBleuDistances } from './bleu-distances.ts';
import { clusterBelow, pairIndex } from './clustering.ts';
import { DisjointSets } from './disjoint-sets.ts';
import { buildNgramIndex, internTokens } from './ngram-index.ts';
import type { FrozenPreset } from '../presets.ts';

type ClusterOptions = Pick<FrozenPreset['repetition'], 'mergeIdentical' | 'referenceTies'>;

/** Canonical cluster labels of token lists. `distances` is their condensed matrix if it is known already, and is overwritten. */
export function clusterByBleu(
  tokens: readonly (readonly string[])[],
  threshold: number,
  { mergeIdentical, referenceTies }: ClusterOptions,
  distances?: Float64Array,
): Int32Array {
  const n = tokens.length;
  const texts = internTokens(tokens);
  const near = referenceTies ? null : nearTexts(texts, threshold, mergeIdentical, distances);
  if (near === null || near.count === 1) {
    return clusterBelow(distances ?? measure(texts, mergeIdentical), n, threshold).labels;
  }
  const clusters = new DisjointSets(n);
  for (const group of near.groups()) {
    if (group.length < 2) continue;
    const own =
      distances === undefined
        ? measure(
            group.map((i) => texts[i] as Int32Array),
            mergeIdentical,
          )
        : select(distances, n, group);
    const { labels } = clusterBelow(own, group.length, threshold);
    const first = new Map<number, number>();
    group.forEach((item, k) => {
      const label = labels[k] as number;
      const anchor = first.get(label);
      if (anchor === undefined) first.set(label, item);
      else clusters.union(anchor, item);
    });
  }
  return clusters.labels();
}

function measure(texts: readonly Int32Array[], mergeIdentical: boolean): Float64Array {
  const distances = new Float64Array(pairCount(texts.length));
  writeBleuDistances(texts, mergeIdentical, distances);
  return distances;
}

function select(distances: Float64Array, n: number, group: readonly number[]): Float64Array {
  const selected = new Float64Array(pairCount(group.length));
  let place = 0;
  group.forEach((i, k) => {
    for (let l = k + 1; l < group.length; l += 1) {
      selected[place] = distances[pairIndex(i, group[l] as number, n)] as number;
      place += 1;
    }
  });
  return selected;
}

/** The connected components of the pairs below the threshold. */
function nearTexts(
  texts: readonly Int32Array[],
  threshold: number,
  mergeIdentical: boolean,
  distances: Float64Array | undefined,
): DisjointSets {
  const n = texts.length;
  const near = new DisjointSets(n);
  if (mergeIdentical) {
    nextCopies(texts).forEach((copy, i) => {
      if (copy !== -1) near.union(i, copy);
    });
  }
  const rows = distances === undefined ? new BleuRows(buildNgramIndex(texts)) : null;
  const scores = new Float64Array(rows === null ? 0 : n);
  for (let i = 0; i < n && near.count > 1; i += 1) {
    const start = distances === undefined ? 0 : pairIndex(i, i + 1, n);
    rows?.write(i, scores, 0, 1 - threshold);
    for (let j = i + 1; j < n; j += 1) {
      const place = start + j - i - 1;
      const distance = distances === undefined ? 1 - (scores[place] as number) : (distances[place] as number);
      if (distance < threshold) near.union(i, j);
    }
  }
  return near;
}
