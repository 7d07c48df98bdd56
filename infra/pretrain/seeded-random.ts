/**
 * The random stream of the corpus: xoshiro128** seeded through SplitMix32, after Blackman and Vigna (2018, public domain).
 * Kept apart from the engine's generator, so that a change there can never alter the corpus behind the committed weights.
 */
export interface SeededRandom {
  /** Uniform on [0, 1), 32 random bits. */
  uniform(): number;
  /** Uniform integer on [low, high], both included. */
  integer(low: number, high: number): number;
  /** Index drawn with the given probabilities, which sum to 1. */
  choice(probabilities: readonly number[]): number;
}

export function seededRandom(seed: number): SeededRandom {
  let mixed = seed >>> 0;
  const next = (): number => {
    mixed = (mixed + 0x9e3779b9) >>> 0;
    let z = mixed;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
  let [a, b, c, d] = [next(), next(), next(), next()];

  const bits = (): number => {
    const scaled = Math.imul(b, 5);
    const result = Math.imul((scaled << 7) | (scaled >>> 25), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    return result;
  };
  const uniform = (): number => bits() / 2 ** 32;

  return {
    uniform,
    integer: (low, high) => low + Math.floor(uniform() * (high - low + 1)),
    choice(probabilities) {
      let left = uniform();
      const last = probabilities.length - 1;
      for (let index = 0; index < last; index++) {
        left -= probabilities[index] ?? 0;
        if (left < 0) return index;
      }
      return last;
    },
  };
}
