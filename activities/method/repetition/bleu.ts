/**
 * Sentence BLEU as the public code computes it (caller_penalty.py:30-43): NLTK 3.9.1 `sentence_bleu`, uniform weights on 1- to
 * 4-grams, smoothing method 1 with epsilon 0.1, one reference; to the last bit, since the order in which equally distant
 * clusters merge hangs on it. Python's `log` and `exp` are the correctly rounded ones but for three values in ten thousand.
 */
import { buildNgramIndex, internTokens, MAX_ORDER } from './ngram-index.ts';
import type { NgramIndex } from './ngram-index.ts';
import { roundedExp, roundedLog } from './rounded-exponential.ts';

const SMOOTHING = 0.1;
const WEIGHT = 1 / MAX_ORDER;

/**
 * A hypothesis of five tokens or more has two 4-grams or more; without a match among them BLEU is at most (0.1 / 2)^(1/4).
 */
const FOURTH_MIN_TOKENS = 5;
const MOST_WITHOUT_FOURTH = (SMOOTHING / 2) ** WEIGHT;
/** Tables for longer hypotheses than this are made for one row at a time, to bound memory. */
const MAX_KEPT_TABLE = 512;

/** BLEU of one text with all later ones, a row at a time; the earlier text is the hypothesis. */
export class BleuRows {
  readonly #index: NgramIndex;
  readonly #matches: Int32Array[];
  readonly #logs = new Map<number, Float64Array>();
  /** The distinct lengths, and for each text which of them is its own. */
  readonly #lengths: number[];
  readonly #lengthOf: Int32Array;

  constructor(index: NgramIndex) {
    this.#index = index;
    this.#matches = Array.from({ length: MAX_ORDER }, () => new Int32Array(index.texts));
    const places = new Map([...new Set(index.lengths)].map((length, place) => [length, place]));
    this.#lengths = [...places.keys()];
    this.#lengthOf = index.lengths.map((length) => places.get(length) as number);
  }

  /** Writes BLEU of text i with i + 1, i + 2, ... to `scores` from `offset` on. A score below `least` may become 0. */
  write(i: number, scores: Float64Array, offset: number, least = 0): void {
    const { lengths, rows, texts } = this.#index;
    const hypothesis = lengths[i] as number;
    const onlyWithFourth = hypothesis >= FOURTH_MIN_TOKENS && least >= MOST_WITHOUT_FOURTH;
    if (onlyWithFourth && rows[i * MAX_ORDER + MAX_ORDER - 1] === rows[(i + 1) * MAX_ORDER]) {
      scores.fill(0, offset, offset + texts - i - 1);
      return;
    }
    for (let order = 0; order < MAX_ORDER; order += 1) this.#count(i, order);
    const brevity = Float64Array.from(this.#lengths, (reference) => brevityPenalty(hypothesis, reference));
    const [first, second, third, fourth] = this.#matches as [Int32Array, Int32Array, Int32Array, Int32Array];
    const firstLog = this.#weightedLogs(hypothesis);
    const secondLog = this.#weightedLogs(hypothesis - 1);
    const thirdLog = this.#weightedLogs(hypothesis - 2);
    const fourthLog = this.#weightedLogs(hypothesis - 3);
    const lengthOf = this.#lengthOf;
    let place = offset;
    for (let j = i + 1; j < texts; j += 1) {
      const common = first[j] as number;
      if (common === 0 || (onlyWithFourth && fourth[j] === 0)) {
        scores[place] = 0;
      } else {
        const sum = sumOfFour(
          firstLog[common] as number,
          secondLog[second[j] as number] as number,
          thirdLog[third[j] as number] as number,
          fourthLog[fourth[j] as number] as number,
        );
        scores[place] = (brevity[lengthOf[j] as number] as number) * roundedExp(sum);
      }
      place += 1;
    }
  }

  /** Counts the common items of one order with every later text. */
  #count(i: number, order: number): void {
    const { rows, from, to, postings } = this.#index;
    const matches = this.#matches[order] as Int32Array;
    matches.fill(0, i + 1);
    const end = rows[i * MAX_ORDER + order + 1] as number;
    for (let entry = rows[i * MAX_ORDER + order] as number; entry < end; entry += 1) {
      const stop = to[entry] as number;
      for (let place = from[entry] as number; place < stop; place += 1) {
        const text = postings[place] as number;
        matches[text] = (matches[text] as number) + 1;
      }
    }
  }

  /** Weighted logarithms of the precisions with 0, 1, 2, ... matches among `possible` n-grams. */
  #weightedLogs(possible: number): Float64Array {
    const denominator = Math.max(1, possible);
    const known = this.#logs.get(denominator);
    if (known !== undefined) return known;
    const logs = Float64Array.from(
      { length: denominator + 1 },
      (_, matches) => WEIGHT * roundedLog((matches === 0 ? SMOOTHING : matches) / denominator),
    );
    if (denominator <= MAX_KEPT_TABLE) this.#logs.set(denominator, logs);
    return logs;
  }
}

function brevityPenalty(hypothesis: number, reference: number): number {
  if (hypothesis > reference) return 1;
  return hypothesis === 0 ? 0 : roundedExp(1 - reference / hypothesis);
}

/** Rounded once, as Python's `fsum`: the errors of the additions are exact, and so is their own sum for numbers this close. */
function sumOfFour(a: number, b: number, c: number, d: number): number {
  const ab = a + b;
  const abTail = ab - a;
  const abc = ab + c;
  const abcTail = abc - ab;
  const abcd = abc + d;
  const abcdTail = abcd - abc;
  return (
    abcd +
    (a -
      (ab - abTail) +
      (b - abTail) +
      (ab - (abc - abcTail) + (c - abcTail)) +
      (abc - (abcd - abcdTail) + (d - abcdTail)))
  );
}

/** BLEU of two token lists. */
export function sentenceBleu(hypothesis: readonly string[], reference: readonly string[]): number {
  const score = new Float64Array(1);
  new BleuRows(buildNgramIndex(internTokens([hypothesis, reference]))).write(0, score, 0);
  return score[0] as number;
}
