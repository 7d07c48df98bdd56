/**
 * Which generated questions share much of their text with a question of an evaluation set: a run of 13 words (Brown et al., Language Models
 * are Few-Shot Learners, appendix C), or at least 70 % of their runs of 8 words (Chowdhery et al., PaLM, section 8). Words are letters and
 * digits in lower case. Questions of fewer than 8 words are left to the comparison of whole questions.
 *
 * The few generated questions are indexed and the many of the sets read past them, once: the memory is that of the former.
 */
const SHORT = 8;
const LONG = 13;
const LEAST_OVERLAP = 0.7;

export interface NgramMatch {
  /** Of the list given. */
  index: number;
  /** Share of the question's runs of 8 words that the matched one has too, 0 to 1. */
  overlap: number;
}

interface Gram {
  question: number;
  position: number;
}

/** @returns by number of the question, the first of `texts` that it overlaps with */
export function ngramMatches(questions: readonly (string | null)[], texts: Iterable<string>): Map<number, NgramMatch> {
  const words = questions.map((question) => (question === null ? [] : wordsOf(question)));
  const ids = new Map<string, number>();
  for (const word of words.flat()) if (!ids.has(word)) ids.set(word, ids.size);
  const encoded = words.map((own) => own.map((word) => ids.get(word)!));
  const short = new GramIndex(encoded, SHORT, ids.size);
  const long = new GramIndex(encoded, LONG, ids.size);
  const found = new Map<number, NgramMatch>();
  if (short.isEmpty) return found;
  let index = -1;
  for (const text of texts) {
    index += 1;
    const shared = new Map<number, Set<number>>();
    const run = new Set<number>();
    for (const known of knownRuns(text, ids)) {
      for (const { question, position } of short.occurrences(known)) {
        let positions = shared.get(question);
        if (!positions) shared.set(question, (positions = new Set()));
        positions.add(position);
      }
      for (const { question } of long.occurrences(known)) run.add(question);
    }
    for (const [question, positions] of shared) {
      const overlap = positions.size / (encoded[question]!.length - SHORT + 1);
      if (!found.has(question) && (run.has(question) || overlap >= LEAST_OVERLAP))
        found.set(question, { index, overlap });
    }
  }
  return found;
}

const wordsOf = (text: string): string[] =>
  text
    .normalize('NFC')
    .toLowerCase()
    .match(/[\p{L}\p{N}]+/gu) ?? [];

/** Runs of words of the questions, by their first and last word: a number, where joining the words would cost more than all else. */
class GramIndex {
  readonly #grams = new Map<number, Gram[]>();
  readonly #texts: readonly (readonly number[])[];
  readonly #length: number;
  readonly #words: number;

  /** @param words how many there are: each is a number below it */
  constructor(texts: readonly (readonly number[])[], length: number, words: number) {
    this.#texts = texts;
    this.#length = length;
    this.#words = words;
    texts.forEach((own, question) => {
      for (let position = 0; position + length <= own.length; position += 1) {
        const key = this.#keyOf(own, position);
        const grams = this.#grams.get(key);
        if (grams) grams.push({ question, position });
        else this.#grams.set(key, [{ question, position }]);
      }
    });
  }

  get isEmpty(): boolean {
    return this.#grams.size === 0;
  }

  /** Of every run of `words`, the same runs of the questions. */
  *occurrences(words: readonly number[]): Generator<Gram> {
    for (let at = 0; at + this.#length <= words.length; at += 1) {
      for (const gram of this.#grams.get(this.#keyOf(words, at)) ?? []) if (this.#isSame(words, at, gram)) yield gram;
    }
  }

  #keyOf(words: readonly number[], at: number): number {
    return words[at]! * this.#words + words[at + this.#length - 1]!;
  }

  #isSame(words: readonly number[], at: number, { question, position }: Gram): boolean {
    const own = this.#texts[question]!;
    for (let i = 1; i < this.#length - 1; i += 1) if (words[at + i] !== own[position + i]) return false;
    return true;
  }
}

/** Stretches of words that the questions have, long enough to matter: most text falls out here. */
function* knownRuns(text: string, ids: ReadonlyMap<string, number>): Generator<number[]> {
  let run: number[] = [];
  for (const word of wordsOf(text)) {
    const id = ids.get(word);
    if (id !== undefined) {
      run.push(id);
      continue;
    }
    if (run.length >= SHORT) yield run;
    run = [];
  }
  if (run.length >= SHORT) yield run;
}
