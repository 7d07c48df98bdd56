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
  const short = indexOf(encoded, SHORT);
  const long = indexOf(encoded, LONG);
  const found = new Map<number, NgramMatch>();
  if (short.size === 0) return found;
  let index = -1;
  for (const text of texts) {
    index += 1;
    const shared = new Map<number, Set<number>>();
    const run = new Set<number>();
    for (const known of knownRuns(text, ids)) {
      for (const { question, position } of occurrences(known, SHORT, short)) {
        let positions = shared.get(question);
        if (!positions) shared.set(question, (positions = new Set()));
        positions.add(position);
      }
      for (const { question } of occurrences(known, LONG, long)) run.add(question);
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

const keyOf = (words: readonly number[], at: number, length: number): string => words.slice(at, at + length).join(' ');

function indexOf(texts: readonly (readonly number[])[], length: number): Map<string, Gram[]> {
  const index = new Map<string, Gram[]>();
  texts.forEach((words, question) => {
    for (let position = 0; position + length <= words.length; position += 1) {
      const key = keyOf(words, position, length);
      const grams = index.get(key);
      if (grams) grams.push({ question, position });
      else index.set(key, [{ question, position }]);
    }
  });
  return index;
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

function* occurrences(words: readonly number[], length: number, index: ReadonlyMap<string, Gram[]>): Generator<Gram> {
  for (let at = 0; at + length <= words.length; at += 1) yield* index.get(keyOf(words, at, length)) ?? [];
}
