/** How far apart questions are in meaning, from their embeddings. */
import { mapInSlices } from '../in-slices.ts';

export interface SemanticDiversity {
  /**
   * Mean cosine distance of all pairs (Tevet and Berant, EACL 2021, on embeddings of texts): 0 when all say the same.
   */
  distance: number;
  /** Standard error of it, questions being what is sampled (Hoeffding's projection of the mean over pairs). */
  error: number;
  /**
   * Vendi score of order 2, an effective number of different questions: n² / Σ k², k being the cosine of each pair, itself included
   * (Friedman and Dieng, TMLR 2023; Pasarkar and Dieng, AISTATS 2024). 1 when all say the same.
   */
  vendi: number;
}

/** @param vectors at least two, of one length, none of them zero */
export async function semanticDiversity(
  vectors: readonly (readonly number[])[],
  signal?: AbortSignal,
): Promise<SemanticDiversity> {
  const unit = vectors.map(normalized);
  const n = unit.length;
  const sums = new Float64Array(n);
  let squares = n;
  const compare = (own: Float64Array, i: number): void => {
    for (let j = 0; j < i; j++) {
      const cosine = dot(own, unit[j]!);
      sums[i]! += cosine;
      sums[j]! += cosine;
      squares += 2 * cosine ** 2;
    }
  };
  await mapInSlices(unit, compare, signal);
  const distances = Array.from(sums, (sum) => 1 - sum / (n - 1));
  const distance = distances.reduce((total, value) => total + value, 0) / n;
  const variance = distances.reduce((total, value) => total + (value - distance) ** 2, 0) / (n - 1);
  return { distance, error: 2 * Math.sqrt(variance / n), vendi: n ** 2 / squares };
}

function normalized(vector: readonly number[]): Float64Array {
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value ** 2, 0));
  return Float64Array.from(vector, (value) => value / length);
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += a[index]! * b[index]!;
  return sum;
}
