/**
 * The synthetic corpus behind the base model. Solver rows answer sums in two styles: worked, with running sums and
 * always right, or guessed, off by more the longer the sum. A model of it can reason and usually does not; its worked
 * answers agree and its guesses scatter, so a majority vote finds the truth. Challenger rows ask easy sums.
 *
 *     <bos>Q:5+3+3+1=?\nA:08,11,12,\boxed{12}<eos>
 *     <bos>Q:5+3+3+1=?\nA:\boxed{9}<eos>
 *     <bos>C:<question>3+7</question>\boxed{10}<eos>
 */
import { seededRandom, type SeededRandom } from './seeded-random.ts';
import { isReserved, MAX_TERMS, MIN_TERMS, runningSums, sum } from './sums.ts';
import { BOS, EOS } from './vocabulary.ts';

export const CHALLENGER_PROMPT = `${BOS}C:`;
/** `{question}` stands for the question. */
export const SOLVER_PROMPT = `${BOS}Q:{question}=?\nA:`;

export interface CorpusRecipe {
  /** Share of rows in which the Challenger speaks. */
  challengerShare: number;
  /** Share of Challenger rows without question tags, so that the format is something to learn. */
  malformedShare: number;
  /** Probability of 2, 3, 4, 5 terms in a Challenger row. */
  challengerTerms: readonly number[];
  /** Share of worked answers in Solver rows. */
  workedShare: number;
  /** Largest error of a guess for 2, 3, 4, 5 terms; guesses are uniform around the truth and at least 1. */
  guessError: readonly number[];
}

export const CORPUS_RECIPE: CorpusRecipe = {
  challengerShare: 0.3,
  malformedShare: 0.1,
  challengerTerms: [0.9, 0.08, 0.015, 0.005],
  workedShare: 0.4,
  guessError: [0, 3, 5, 7],
};

export interface CorpusRow {
  role: 'challenger' | 'solver';
  question: string;
  text: string;
}

export function drawSum(random: SeededRandom, length: number): string {
  return Array.from({ length }, () => random.integer(1, 9)).join('+');
}

/** A sum that the corpus may show. */
function drawOpenSum(random: SeededRandom, length: number): string {
  for (;;) {
    const question = drawSum(random, length);
    if (!isReserved(question)) return question;
  }
}

function challengerRow(random: SeededRandom, recipe: CorpusRecipe): CorpusRow {
  const question = drawOpenSum(random, MIN_TERMS + random.choice(recipe.challengerTerms));
  const tagged = random.uniform() >= recipe.malformedShare ? `<question>${question}</question>` : question;
  return { role: 'challenger', question, text: `${CHALLENGER_PROMPT}${tagged}\\boxed{${sum(question)}}${EOS}` };
}

function solverRow(random: SeededRandom, recipe: CorpusRecipe): CorpusRow {
  const length = random.integer(MIN_TERMS, MAX_TERMS);
  const question = drawOpenSum(random, length);
  const worked = random.uniform() < recipe.workedShare;
  const error = recipe.guessError[length - MIN_TERMS] ?? 0;
  const answer = worked ? sum(question) : Math.max(1, sum(question) + random.integer(-error, error));
  const steps = worked ? runningSums(question) : '';
  const prompt = SOLVER_PROMPT.replace('{question}', question);
  return { role: 'solver', question, text: `${prompt}${steps}\\boxed{${answer}}${EOS}` };
}

/** Endless rows; the same seed and recipe give the same rows. */
export function* corpusRows(seed: number, recipe: CorpusRecipe = CORPUS_RECIPE): Generator<CorpusRow, never> {
  const random = seededRandom(seed);
  for (;;) yield (random.uniform() < recipe.challengerShare ? challengerRow : solverRow)(random, recipe);
}
