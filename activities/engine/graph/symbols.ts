/**
 * Sizes that are known only when a graph runs. TensorFlow.js computes with plain numbers as sizes, so a size that is not
 * known yet is traced as a prime which divides nothing else in the model: whatever is computed from it by products, which
 * is all that reshaping does, can be told apart from its factors afterwards, and becomes a product in the graph. One graph
 * then serves every batch and every length, and pads nothing.
 */

/** From here on no size of a real layer is likely to be a multiple by chance; small enough for products of five. */
const FIRST = 1009;

/**
 * One prime for each name.
 *
 * @param sizes all sizes of the model; their sums of two and three are kept clear of, too, because matrices get joined
 */
export function chooseSymbols<Name extends string>(
  names: readonly Name[],
  sizes: readonly number[],
): Readonly<Record<Name, number>> {
  const taken = sizes.flatMap((a) => [a, ...sizes.flatMap((b) => [a + b, ...sizes.map((c) => a + b + c)])]);
  const chosen: number[] = [];
  for (let candidate = FIRST; chosen.length < names.length; candidate += 2) {
    if (isPrime(candidate) && taken.every((size) => size % candidate !== 0)) chosen.push(candidate);
  }
  return Object.fromEntries(names.map((name, index) => [name, chosen[index]])) as Record<Name, number>;
}

/** `size` = `constant` times the product of `symbols` (with repetition, ascending). */
export function factorSize(size: number, primes: Iterable<number>): { constant: number; symbols: number[] } {
  let constant = size;
  const symbols: number[] = [];
  for (const prime of primes) {
    while (constant !== 0 && constant % prime === 0) {
      constant /= prime;
      symbols.push(prime);
    }
  }
  return { constant, symbols: symbols.sort((a, b) => a - b) };
}

function isPrime(n: number): boolean {
  for (let d = 3; d * d <= n; d += 2) if (n % d === 0) return false;
  return n % 2 !== 0;
}
