/** Choice of one token from one row of logits. Plain JavaScript in double precision, so it is the same on every backend. */
import { RZeroError } from '../errors.ts';

/** Below it the likeliest token is nearly always taken, and greedy is what is meant; vLLM draws the same line. */
export const LEAST_TEMPERATURE = 0.01;

export interface ChoiceParams {
  /** 0 = greedy. */
  temperature: number;
  /** 0 = off. */
  topK: number;
  /** Nucleus; 1 = off. */
  topP: number;
  /** Least share of the likeliest token's probability; 0 = off. */
  minP: number;
}

export interface Choice {
  token: number;
  /** Natural log-probability under the tempered, untruncated distribution; at temperature 1 when greedy. */
  logprob: number;
}

/** Those of several sequences. */
export interface Choices {
  tokens: ArrayLike<number>;
  logprobs: ArrayLike<number>;
}

/** Distribution of one row after temperature and truncation: candidates with weights that need not sum to one. */
export interface Candidates {
  ids: ArrayLike<number> | undefined;
  weights: Float64Array;
  total: number;
}

/**
 * Temperature, then top-k, then top-p on what top-k left, then min-p: the order of Hugging Face's `generate`, so that
 * settings published for it mean the same here. (vLLM agrees on the first three, and in its present version applies min-p
 * before them.) Greedy when the temperature is 0, ties to the lowest id.
 *
 * @param u uniform in [0, 1); the token is the inverse of the cumulative distribution at u.
 * @throws RZeroError `ModelDiverged` when the logits are not finite.
 */
export function chooseToken(logits: Float32Array, params: ChoiceParams, u: number): Choice {
  const best = argMax(logits);
  const top = logits[best] as number;
  const temperature = params.temperature || 1;
  const exps = new Float64Array(logits.length);
  let sum = 0;
  for (let id = 0; id < logits.length; id++) {
    const e = Math.exp(((logits[id] as number) - top) / temperature);
    exps[id] = e;
    sum += e;
  }
  refuseDiverged(sum);
  const logprobOf = (token: number): number => ((logits[token] as number) - top) / temperature - Math.log(sum);
  if (params.temperature === 0) return { token: best, logprob: logprobOf(best) };

  const { ids, weights, total } = truncate(logits, exps, sum, params);
  const index = invert(weights, u * total);
  const token = ids ? (ids[index] as number) : index;
  return { token, logprob: logprobOf(token) };
}

/** @throws RZeroError `ModelDiverged` for a number that only finite logits keep finite. */
export function refuseDiverged(value: number): void {
  if (Number.isFinite(value)) return;
  throw new RZeroError('ModelDiverged', 'The model produced logits that are not finite.', {
    fix: 'Start another run with a lower learning rate.',
  });
}

function argMax(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if ((values[i] as number) > (values[best] as number)) best = i;
  return best;
}

/**
 * Candidates that remain, most likely first (ties by id); all tokens in id order when nothing is cut off. They are ranked by
 * their logits, which are exact, and not by weights, whose last bit depends on who computed the exponential.
 *
 * @param weights exponentials of the tempered logits, the largest of which is 1
 */
export function truncate(
  logits: ArrayLike<number>,
  weights: Float64Array,
  total: number,
  { topK, topP, minP }: Omit<ChoiceParams, 'temperature'>,
): Candidates {
  const cutK = topK > 0 && topK < weights.length;
  const cutP = topP < 1;
  if (!cutK && !cutP && minP === 0) return { ids: undefined, weights, total };

  const floor = Math.max(minP, leastInNucleus(topP, weights.length) * total);
  let ids = cutK ? largest(logits, topK) : likely(weights, floor);
  ids.sort((a, b) => (logits[b] as number) - (logits[a] as number) || a - b);
  if (cutP) {
    const goal = topP * (cutK ? massOf(weights, ids) : total);
    let mass = 0;
    let count = 0;
    while (count < ids.length && (count === 0 || mass < goal)) mass += weights[ids[count++] as number] as number;
    ids = ids.slice(0, count);
  }
  ids = ids.filter((id) => (weights[id] as number) >= minP);
  const kept = Float64Array.from(ids, (id) => weights[id] as number);
  return { ids, weights: kept, total: massOf(weights, ids) };
}

/**
 * Share of the total below which no token is in the nucleus: all tokens that are less likely have less than 1 - topP
 * together. A thousandth is left to rounding.
 */
export function leastInNucleus(topP: number, vocabulary: number): number {
  return (0.999 * (1 - topP)) / vocabulary;
}

function massOf(weights: Float64Array, ids: readonly number[]): number {
  return ids.reduce((sum, id) => sum + (weights[id] as number), 0);
}

/** Tokens at least this likely. */
function likely(weights: Float64Array, floor: number): number[] {
  const ids: number[] = [];
  for (let id = 0; id < weights.length; id++) if ((weights[id] as number) >= floor) ids.push(id);
  return ids;
}

/** Ids of the k largest values; among equals the lower ids win. A heap with the worst kept candidate at its root. */
function largest(values: ArrayLike<number>, k: number): number[] {
  const heap: number[] = [];
  const worse = (a: number, b: number): boolean => {
    const difference = (values[a] as number) - (values[b] as number);
    return difference < 0 || (difference === 0 && a > b);
  };
  const sink = (id: number, from: number): void => {
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && worse(heap[child + 1] as number, heap[child] as number)) child++;
      if (!worse(heap[child] as number, id)) break;
      heap[at] = heap[child] as number;
      at = child;
    }
    heap[at] = id;
  };
  for (let id = 0; id < values.length; id++) {
    if (heap.length < k) {
      heap.push(id);
      if (heap.length === k) for (let i = (k >> 1) - 1; i >= 0; i--) sink(heap[i] as number, i);
    } else if (worse(heap[0] as number, id)) {
      sink(id, 0);
    }
  }
  return heap;
}

/** First index at which the running sum exceeds `target`; rounding at the far end falls back to the last possible one. */
function invert(weights: Float64Array, target: number): number {
  let sum = 0;
  let last = 0;
  for (let i = 0; i < weights.length; i++) {
    const weight = weights[i] as number;
    if (weight === 0) continue;
    sum += weight;
    last = i;
    if (sum > target) return i;
  }
  return last;
}
