/**
 * The repetition penalty of arXiv 2508.05004, section 3.2: questions are clustered by BLEU distance (1 - BLEU, average linkage,
 * threshold 0.5) and each pays for its cluster's share of the batch.
 *
 * Exact, and quick, because of two facts. Two clusters whose average distance is below the threshold contain a pair below it, so
 * clustering may be done inside each connected component of the graph of such pairs (where equal distances leave a choice, see
 * `referenceTies`). And BLEU above 0.5 needs a common
 * 4-gram as soon as the hypothesis has five tokens (without one it is at most (0.1 / 2)^(1/4) = 0.473), so those pairs are found
 * through an index of 4-grams.
 */
import { BleuRow, internNgrams, MAX_ORDER, type NgramBatch } from './bleu.ts';
import { clusterBelow, DisjointSets, pairIndex } from './clustering.ts';
import { pythonSplit } from './python-text.ts';
import { RZeroError } from '../errors.ts';
import type { FrozenPreset } from './presets.ts';

export interface RepetitionResult {
  /** Cluster of each question, numbered by first appearance; -1 for an item left out of clustering. */
  cluster: Int32Array;
  /** Size of the question's cluster; 0 for an item left out. */
  size: Int32Array;
  /** Share of the batch, 0 to 1, before the weight λ. */
  penalty: Float64Array;
}

/** Above this a pair without a common 4-gram is never within the threshold, given five tokens or more. */
const INDEXED_MIN_TOKENS = 5;
const MIN_INDEXED_SIMILARITY = (0.1 / 2) ** 0.25;

function tokenize(text: string, tokenizer: 'whitespace' | 'symbols'): string[] {
  return tokenizer === 'whitespace'
    ? pythonSplit(text)
    : (text.toLowerCase().match(/[\p{L}\p{M}]+|\p{N}|[^\s]/gu) ?? []);
}

/**
 * Penalties of one batch, all of whose questions count in B. `valid` marks the items that take part when the options leave
 * invalid ones out; without it blank questions are the invalid ones. BLEU is not symmetric: the earlier item is the hypothesis.
 */
export function repetitionPenalties(
  questions: readonly string[],
  options: FrozenPreset['repetition'],
  valid?: readonly boolean[],
): RepetitionResult {
  const threshold = options.distanceThreshold;
  if (!(threshold > 0 && threshold <= 1)) {
    throw new RZeroError('PresetInvalid', `The distance threshold is ${threshold}.`, {
      field: 'repetition.distanceThreshold',
      fix: 'Give a number above 0 and up to 1.',
    });
  }
  const total = questions.length;
  const takesPart = (i: number): boolean =>
    options.invalidItems === 'singletons' || (valid === undefined ? questions[i]?.trim() !== '' : valid[i] === true);
  const members = Array.from({ length: total }, (_, i) => i).filter(takesPart);
  const tokens = members.map((i) => tokenize(questions[i] as string, options.tokenizer));
  const labels = clusterByBleu(tokens, threshold, options);

  const cluster = new Int32Array(total).fill(-1);
  const size = new Int32Array(total);
  const penalty = new Float64Array(total);
  const sizes = new Int32Array(members.length);
  for (const label of labels) sizes[label] = (sizes[label] as number) + 1;
  members.forEach((item, k) => {
    const label = labels[k] as number;
    const count = sizes[label] as number;
    cluster[item] = label;
    size[item] = count;
    penalty[item] = (options.countSelf ? count : count - 1) / total;
  });
  return { cluster, size, penalty };
}

/** Canonical cluster labels of token lists. With `mergeIdentical`, copies are at distance 0 of each other. */
export function clusterByBleu(
  tokens: readonly (readonly string[])[],
  threshold: number,
  { mergeIdentical, referenceTies }: { mergeIdentical: boolean; referenceTies: boolean },
): Int32Array {
  const batch = internNgrams(tokens);
  const row = new BleuRow(batch);
  const copyOf = mergeIdentical ? firstCopies(tokens) : null;
  const distance = (i: number, j: number): number =>
    copyOf !== null && copyOf[i] === copyOf[j] ? 0 : 1 - row.bleu(i, j);
  const clusterItems = (items: readonly number[]): { labels: Int32Array; ambiguous: boolean } => {
    const n = items.length;
    const distances = new Float64Array((n * (n - 1)) / 2);
    for (let a = 0; a < n; a += 1) {
      for (let b = a + 1; b < n; b += 1) {
        distances[pairIndex(a, b, n)] = distance(items[a] as number, items[b] as number);
      }
    }
    return clusterBelow(distances, n, threshold);
  };

  const near = new DisjointSets(tokens.length);
  forEachCandidate(batch, threshold, (i, j) => {
    // Pairs that are connected already need no measuring here.
    if (near.find(i) !== near.find(j) && distance(i, j) < threshold) near.union(i, j);
  });
  if (copyOf !== null) copyOf.forEach((first, i) => near.union(first, i));

  const clusters = new DisjointSets(tokens.length);
  for (const component of groupByLabel(near.labels())) {
    if (component.length < 2) continue;
    const { labels, ambiguous } = clusterItems(component);
    if (ambiguous && referenceTies && component.length < tokens.length) {
      return clusterItems(tokens.map((_, item) => item)).labels;
    }
    const first = new Map<number, number>();
    component.forEach((item, a) => {
      const label = labels[a] as number;
      const anchor = first.get(label);
      if (anchor === undefined) first.set(label, item);
      else clusters.union(anchor, item);
    });
  }
  return clusters.labels();
}

function firstCopies(tokens: readonly (readonly string[])[]): Int32Array {
  const first = new Map<string, number>();
  return Int32Array.from(tokens, (list, i) => {
    const key = JSON.stringify(list);
    const known = first.get(key);
    if (known !== undefined) return known;
    first.set(key, i);
    return i;
  });
}

/** Calls back for a superset of the pairs i < j whose distance is below the threshold, grouped by i. */
function forEachCandidate(batch: NgramBatch, threshold: number, visit: (i: number, j: number) => void): void {
  const { profiles } = batch;
  // The bound behind the 4-gram index holds up to this threshold only; beyond it, one common token decides.
  const indexed = 1 - threshold >= MIN_INDEXED_SIMILARITY;
  const order = (i: number): number =>
    indexed && (profiles[i]?.tokens ?? 0) >= INDEXED_MIN_TOKENS ? MAX_ORDER - 1 : 0;
  const orders = indexed ? [0, MAX_ORDER - 1] : [0];
  const postings = new Map<number, number[]>();
  profiles.forEach((profile, j) => {
    for (const which of orders) {
      for (const id of profile.ids[which] as Int32Array) {
        const list = postings.get(id);
        if (list === undefined) postings.set(id, [j]);
        else list.push(j);
      }
    }
  });
  const seen = new Int32Array(profiles.length).fill(-1);
  profiles.forEach((profile, i) => {
    for (const id of profile.ids[order(i)] as Int32Array) {
      const list = postings.get(id) as number[];
      for (let k = list.length - 1; k >= 0; k -= 1) {
        const j = list[k] as number;
        if (j <= i) break; // lists ascend
        if (seen[j] === i) continue;
        seen[j] = i;
        visit(i, j);
      }
    }
  });
}

function groupByLabel(labels: Int32Array): number[][] {
  const groups: number[][] = [];
  labels.forEach((label, item) => {
    const group = groups[label];
    if (group === undefined) groups[label] = [item];
    else group.push(item);
  });
  return groups;
}
