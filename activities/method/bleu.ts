/**
 * Sentence BLEU as the public code computes it (caller_penalty.py:30-43): NLTK 3.9.1 `sentence_bleu`, uniform weights on 1- to
 * 4-grams, smoothing method 1 with epsilon 0.1, one reference. N-grams are interned once for a batch and compared as integers.
 */

export const MAX_ORDER = 4;
const SMOOTHING = 0.1;

/** One text's n-grams: for each order, ascending ids and how often each occurs. */
export interface NgramProfile {
  tokens: number;
  ids: Int32Array[];
  counts: Int32Array[];
}

export interface NgramBatch {
  profiles: NgramProfile[];
  /** Number of distinct n-grams of all orders; ids run from 0 to this. */
  distinct: number;
}

/** Interns the n-grams of every token list. An n-gram is keyed by (id of its first n - 1 tokens, last token): no joined strings. */
export function internNgrams(tokenLists: readonly (readonly string[])[]): NgramBatch {
  const vocabulary = new Map<string, number>();
  const extensions = new Map<number, number>();
  let distinct = 0;
  const words = tokenLists.map((tokens) =>
    Int32Array.from(tokens, (token) => {
      const known = vocabulary.get(token);
      if (known !== undefined) return known;
      vocabulary.set(token, distinct);
      distinct += 1;
      return distinct - 1;
    }),
  );
  const vocabularySize = Math.max(1, vocabulary.size);
  const extend = (prefix: number, word: number): number => {
    const key = prefix * vocabularySize + word;
    const known = extensions.get(key);
    if (known !== undefined) return known;
    extensions.set(key, distinct);
    distinct += 1;
    return distinct - 1;
  };
  const profiles = words.map((list) => {
    const ids: Int32Array[] = [];
    const counts: Int32Array[] = [];
    let grams = list;
    for (let order = 1; order <= MAX_ORDER; order += 1) {
      if (order > 1) {
        const shorter = grams;
        grams = new Int32Array(Math.max(0, list.length - order + 1));
        for (let i = 0; i < grams.length; i += 1)
          grams[i] = extend(shorter[i] as number, list[i + order - 1] as number);
      }
      const [orderIds, orderCounts] = countSorted(grams);
      ids.push(orderIds);
      counts.push(orderCounts);
    }
    return { tokens: list.length, ids, counts };
  });
  return { profiles, distinct };
}

function countSorted(grams: Int32Array): [Int32Array, Int32Array] {
  const sorted = grams.slice().sort();
  const ids = new Int32Array(sorted.length);
  const counts = new Int32Array(sorted.length);
  let size = 0;
  for (let i = 0; i < sorted.length; i += 1) {
    const id = sorted[i] as number;
    if (size > 0 && ids[size - 1] === id) {
      counts[size - 1] = (counts[size - 1] as number) + 1;
    } else {
      ids[size] = id;
      counts[size] = 1;
      size += 1;
    }
  }
  return [ids.slice(0, size), counts.slice(0, size)];
}

/**
 * BLEU from the clipped matches of orders 1 to 4. `hypothesis` and `reference` are lengths in tokens. 0 without a common
 * token; a precision without a match is 0.1 / denominator, and no denominator is below 1.
 */
export function bleuFromMatches(matches: ArrayLike<number>, hypothesis: number, reference: number): number {
  if (hypothesis === 0 || (matches[0] as number) === 0) return 0;
  let sum = 0;
  for (let order = 0; order < MAX_ORDER; order += 1) {
    const possible = Math.max(1, hypothesis - order);
    const matched = matches[order] as number;
    sum += 0.25 * Math.log((matched === 0 ? SMOOTHING : matched) / possible);
  }
  const brevity = hypothesis > reference ? 1 : Math.exp(1 - reference / hypothesis);
  return brevity * Math.exp(sum);
}

/** Compares one text at a time with many: the first text's counts are spread over a table, so a pair costs one pass over the second. */
export class BleuRow {
  readonly #batch: NgramBatch;
  readonly #table: Int32Array;
  readonly #matches = new Int32Array(MAX_ORDER);
  #current = -1;

  constructor(batch: NgramBatch) {
    this.#batch = batch;
    this.#table = new Int32Array(batch.distinct);
  }

  #select(index: number): void {
    if (this.#current === index) return;
    if (this.#current >= 0) this.#spread(this.#current, false);
    this.#spread(index, true);
    this.#current = index;
  }

  #spread(index: number, write: boolean): void {
    const profile = this.#batch.profiles[index] as NgramProfile;
    for (let order = 0; order < MAX_ORDER; order += 1) {
      const ids = profile.ids[order] as Int32Array;
      const counts = profile.counts[order] as Int32Array;
      for (let k = 0; k < ids.length; k += 1) this.#table[ids[k] as number] = write ? (counts[k] as number) : 0;
    }
  }

  /** BLEU with text `hypothesis` as hypothesis and text `reference` as reference. Cheapest when `hypothesis` changes rarely. */
  bleu(hypothesis: number, reference: number): number {
    this.#select(hypothesis);
    const other = this.#batch.profiles[reference] as NgramProfile;
    const table = this.#table;
    const matches = this.#matches;
    matches.fill(0);
    for (let order = 0; order < MAX_ORDER; order += 1) {
      const ids = other.ids[order] as Int32Array;
      const counts = other.counts[order] as Int32Array;
      let matched = 0;
      for (let k = 0; k < ids.length; k += 1) {
        const mine = table[ids[k] as number] as number;
        const theirs = counts[k] as number;
        matched += mine < theirs ? mine : theirs;
      }
      matches[order] = matched;
      if (matched === 0) break; // no n-gram in common means no longer one either
    }
    const profile = this.#batch.profiles[hypothesis] as NgramProfile;
    return bleuFromMatches(matches, profile.tokens, other.tokens);
  }
}

/** BLEU of two token lists. */
export function sentenceBleu(hypothesis: readonly string[], reference: readonly string[]): number {
  return new BleuRow(internNgrams([hypothesis, reference])).bleu(0, 1);
}
