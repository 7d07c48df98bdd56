/**
 * Average-linkage (UPGMA) agglomerative clustering by the nearest-neighbour chain, step by step as SciPy's `linkage(method='average')`,
 * which scikit-learn calls for a precomputed metric (caller_penalty.py:44-62). O(n^2) time and memory.
 */

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
  /**
   * The smallest distance at which a cluster had two nearest neighbours that are not at distance 0 of each other; Infinity without.
   * Merges below it are the only possible ones; from it on they depend on the order of the items.
   */
  firstTie: number;
}

/** Merges until one cluster is left. `distances` is condensed, row by row over i < j, and is overwritten. */
export function averageLinkage(distances: Float64Array, n: number): Linkage {
  let firstTie = Infinity;
  const size = new Int32Array(n).fill(1);
  const merges: Merge[] = [];
  const chain: number[] = [];
  for (let step = 0; step < n - 1; step += 1) {
    if (chain.length === 0) chain.push(size.findIndex((count) => count > 0));
    let x = -1;
    let y = -1;
    let height = Infinity;
    for (;;) {
      x = chain.at(-1) as number;
      // The previous element of the chain wins a tie, so that the chain cannot go round in a circle.
      y = chain.length > 1 ? (chain.at(-2) as number) : -1;
      height = y === -1 ? Infinity : (distances[pairIndex(x, y, n)] as number);
      let tied = false;
      for (let i = 0; i < n; i += 1) {
        if (size[i] === 0 || i === x) continue;
        const distance = distances[pairIndex(x, i, n)] as number;
        if (distance < height) {
          height = distance;
          y = i;
          tied = false;
        } else if (distance === height && i !== y && distances[pairIndex(y, i, n)] !== 0) {
          tied = true;
        }
      }
      if (tied) firstTie = Math.min(firstTie, height);
      if (chain.length > 1 && y === chain.at(-2)) break;
      chain.push(y);
    }
    chain.length -= 2;
    if (x > y) [x, y] = [y, x];
    const sizeX = size[x] as number;
    const sizeY = size[y] as number;
    merges.push({ left: x, right: y, height });
    size[x] = 0;
    size[y] = sizeX + sizeY;
    for (let i = 0; i < n; i += 1) {
      if (size[i] === 0 || i === y) continue;
      const toY = pairIndex(i, y, n);
      distances[toY] =
        (sizeX * (distances[pairIndex(i, x, n)] as number) + sizeY * (distances[toY] as number)) / (sizeX + sizeY);
    }
  }
  return { merges: merges.sort((a, b) => a.height - b.height), firstTie };
}

/** Union-find over 0 .. n - 1. */
export class DisjointSets {
  readonly #parent: Int32Array;

  constructor(n: number) {
    this.#parent = Int32Array.from({ length: n }, (_, i) => i);
  }

  find(item: number): number {
    const parent = this.#parent;
    let root = item;
    while (parent[root] !== root) root = parent[root] as number;
    for (let i = item; i !== root;) {
      const next = parent[i] as number;
      parent[i] = root;
      i = next;
    }
    return root;
  }

  union(a: number, b: number): void {
    const rootA = this.find(a);
    const rootB = this.find(b);
    // The smaller index stays the root, so labels do not depend on the order of the unions.
    if (rootA !== rootB) this.#parent[Math.max(rootA, rootB)] = Math.min(rootA, rootB);
  }

  /** Cluster numbers in order of first appearance: the canonical labels of the partition. */
  labels(): Int32Array {
    const names = new Map<number, number>();
    return this.#parent.map((_, item) => {
      const root = this.find(item);
      const label = names.get(root) ?? names.size;
      names.set(root, label);
      return label;
    });
  }
}

/** Canonical labels after merging everything below `threshold`; a merge at exactly the threshold does not happen. */
export function clusterBelow(
  distances: Float64Array,
  n: number,
  threshold: number,
): { labels: Int32Array; ambiguous: boolean } {
  const sets = new DisjointSets(n);
  const { merges, firstTie } = averageLinkage(distances, n);
  for (const merge of merges) if (merge.height < threshold) sets.union(merge.left, merge.right);
  return { labels: sets.labels(), ambiguous: firstTie < threshold };
}
