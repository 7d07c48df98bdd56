/**
 * Average-linkage (UPGMA) agglomerative clustering by the nearest-neighbour chain, step by step and tie by tie as SciPy 1.15
 * `linkage(method='average')`, which scikit-learn calls for a precomputed metric (caller_penalty.py:52-59). O(n^2) time and memory.
 */
import { DisjointSets } from './disjoint-sets.ts';

/** Index of pair i < j in a condensed distance array of n items. */
export function pairIndex(i: number, j: number, n: number): number {
  return i < j ? n * i - (i * (i + 1)) / 2 + (j - i - 1) : n * j - (j * (j + 1)) / 2 + (i - j - 1);
}

export interface Merge {
  /** Any item of the one cluster and of the other. */
  left: number;
  right: number;
  height: number;
}

export interface Linkage {
  /** All n - 1, in ascending height. */
  merges: Merge[];
}

/** Merges until one cluster is left. `distances` is condensed, row by row over i < j, and is overwritten. */
export function averageLinkage(distances: Float64Array, n: number): Linkage {
  const clusters = new Clusters(distances, n);
  const merges: Merge[] = [];
  const chain: number[] = [];
  while (merges.length < n - 1) {
    if (chain.length === 0) chain.push(clusters.first);
    for (;;) {
      const previous = chain.length > 1 ? (chain.at(-2) as number) : -1;
      const nearest = clusters.nearest(chain.at(-1) as number, previous);
      if (nearest === previous) break;
      chain.push(nearest);
    }
    const a = chain.pop() as number;
    const b = chain.pop() as number;
    const [left, right] = a < b ? [a, b] : [b, a];
    merges.push({ left, right, height: clusters.merge(left, right) });
  }
  return { merges: merges.sort((a, b) => a.height - b.height) };
}

/** The clusters of a moment, each named by the largest of its items, and their distances. */
class Clusters {
  readonly #distances: Float64Array;
  readonly #size: Int32Array;
  /** Names of the clusters, ascending: the first `#count` entries. */
  readonly #names: Int32Array;
  #count: number;
  /** `#row[i] + j` is the place of the pair i < j. */
  readonly #row: Int32Array;

  constructor(distances: Float64Array, n: number) {
    this.#distances = distances;
    this.#size = new Int32Array(n).fill(1);
    this.#names = Int32Array.from({ length: n }, (_, i) => i);
    this.#count = n;
    this.#row = Int32Array.from({ length: n }, (_, i) => pairIndex(i, i + 1, n) - i - 1);
  }

  get first(): number {
    return this.#names[0] as number;
  }

  /** The nearest other cluster, of several the first; `preferred` wins a tie, so that a chain cannot go round in a circle. */
  nearest(x: number, preferred: number): number {
    const distances = this.#distances;
    const names = this.#names;
    const row = this.#row;
    const count = this.#count;
    const own = row[x] as number;
    let nearest = preferred;
    let least = preferred === -1 ? Infinity : this.#distance(x, preferred);
    let k = 0;
    for (let i = names[0] as number; i < x; i = names[k] as number) {
      const distance = distances[(row[i] as number) + x] as number;
      if (distance < least) {
        least = distance;
        nearest = i;
      }
      k += 1;
    }
    for (k += 1; k < count; k += 1) {
      const i = names[k] as number;
      const distance = distances[own + i] as number;
      if (distance < least) {
        least = distance;
        nearest = i;
      }
    }
    return nearest;
  }

  /** Merges `left` into `right`, which is larger; the height is their distance. */
  merge(left: number, right: number): number {
    const distances = this.#distances;
    const row = this.#row;
    const leftSize = this.#size[left] as number;
    const rightSize = this.#size[right] as number;
    const size = leftSize + rightSize;
    const height = this.#distance(left, right);
    this.#size[right] = size;
    this.#remove(left);
    const names = this.#names;
    for (let k = 0; k < this.#count; k += 1) {
      const i = names[k] as number;
      if (i === right) continue;
      const toLeft = i < left ? (row[i] as number) + left : (row[left] as number) + i;
      const toRight = i < right ? (row[i] as number) + right : (row[right] as number) + i;
      // SciPy's order of operations: the last bit of a height can decide the next merge.
      distances[toRight] =
        (leftSize * (distances[toLeft] as number) + rightSize * (distances[toRight] as number)) / size;
    }
    return height;
  }

  #distance(x: number, y: number): number {
    return this.#distances[x < y ? (this.#row[x] as number) + y : (this.#row[y] as number) + x] as number;
  }

  #remove(name: number): void {
    const at = this.#names.subarray(0, this.#count).indexOf(name);
    this.#names.copyWithin(at, at + 1, this.#count);
    this.#count -= 1;
  }
}

/** Canonical labels after merging everything below `threshold`; a merge at exactly the threshold does not happen. */
export function clusterBelow(distances: Float64Array, n: number, threshold: number): { labels: Int32Array } {
  const sets = new DisjointSets(n);
  for (const merge of averageLinkage(distances, n).merges) {
    if (merge.height < threshold) sets.union(merge.left, merge.right);
  }
  return { labels: sets.labels() };
}
