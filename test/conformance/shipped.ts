/** The vector files of the project: recorded by executing the public code, see each file's `meta`. */
export const SHIPPED: readonly URL[] = [
  'r-zero-vectors.json',
  'official-extra-vectors.json',
  'math-verify-vectors.json',
].map((name) => new URL(name, import.meta.url));
