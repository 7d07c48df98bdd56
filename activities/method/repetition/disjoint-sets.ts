/** Union-find over 0 .. n - 1. */
export class DisjointSets {
  /** How many sets there are. */
  count: number;
  readonly #parent: Int32Array;

  constructor(n: number) {
    this.count = n;
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
    if (rootA === rootB) return;
    // The smaller index stays the root, so labels do not depend on the order of the unions.
    this.#parent[Math.max(rootA, rootB)] = Math.min(rootA, rootB);
    this.count -= 1;
  }

  /** Set numbers in order of first appearance: the canonical labels of the partition. */
  labels(): Int32Array {
    const names = new Map<number, number>();
    return this.#parent.map((_, item) => {
      const root = this.find(item);
      const label = names.get(root) ?? names.size;
      names.set(root, label);
      return label;
    });
  }

  /** The items of each set, ascending, in order of first appearance. */
  groups(): number[][] {
    const groups: number[][] = [];
    this.labels().forEach((label, item) => (groups[label] ??= []).push(item));
    return groups;
  }
}
