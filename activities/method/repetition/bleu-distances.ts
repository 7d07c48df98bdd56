/** Condensed matrices of BLEU distances (caller_penalty.py:30-43), whole or the part that one of several threads fills. */
import { BleuRows } from './bleu.ts';
import { pairIndex } from './clustering.ts';
import { buildNgramIndex } from './ngram-index.ts';

/** Every `step`-th row, from `first` on. */
export interface RowShare {
  first: number;
  step: number;
}

const ALL_ROWS: RowShare = { first: 0, step: 1 };

/** Length of the condensed matrix of n texts. */
export function pairCount(n: number): number {
  return (n * (n - 1)) / 2;
}

/**
 * Writes 1 - BLEU of all pairs of texts, given as token numbers, to the condensed matrix `distances`. Copies of a text are at
 * distance 0 with `mergeIdentical`; BLEU alone keeps copies of fewer than four tokens apart.
 */
export function writeBleuDistances(
  texts: readonly Int32Array[],
  mergeIdentical: boolean,
  distances: Float64Array,
  { first, step }: RowShare = ALL_ROWS,
): void {
  const rows = new BleuRows(buildNgramIndex(texts));
  const copies = mergeIdentical ? nextCopies(texts) : null;
  for (let i = first; i < texts.length; i += step) {
    const start = pairIndex(i, i + 1, texts.length);
    rows.write(i, distances, start);
    const end = start + texts.length - i - 1;
    for (let place = start; place < end; place += 1) distances[place] = 1 - (distances[place] as number);
    if (copies === null) continue;
    for (let j = copies[i] as number; j !== -1; j = copies[j] as number) distances[start + j - i - 1] = 0;
  }
}

/** For each text the next one with the same tokens, or -1. */
export function nextCopies(texts: readonly Int32Array[]): Int32Array {
  const last = new Map<string, number>();
  const next = new Int32Array(texts.length).fill(-1);
  texts.forEach((text, i) => {
    const key = text.join();
    const earlier = last.get(key);
    if (earlier !== undefined) next[earlier] = i;
    last.set(key, i);
  });
  return next;
}
