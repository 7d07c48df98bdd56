/** How answers to the questions of a set are read, judged and voted on. */
import { canonicalAnswer, isIncomparable } from '../method/answers/answer-canonical.ts';
import { grade, readingOf } from '../method/answers/answer-equivalence.ts';
import { bbehCorrect, extractSolution, multipleChoicePrediction } from '../method/benchmark-scoring.ts';
import { isWorked } from '../method/evaluation.ts';
import { extractForMathVerify, mathVerifyCorrect } from '../method/math-verify/math-verify.ts';
import type { FrozenPreset } from '../method/presets.ts';
import { extractAnswer, vote } from '../method/voting.ts';
import type { RunSet } from '../../db/queries/run-sets.ts';
import type { SetItem } from './item.ts';
import { loaderOf } from './loaders.ts';

export interface SampleGrade {
  extracted: string | null;
  correct: boolean;
  /** Beyond the bounds of the grader's work. */
  incomparable: boolean;
  worked: boolean;
}

export interface Grader {
  extract(completion: string, item: SetItem): string | null;
  isCorrect(extracted: string, item: SetItem): boolean;
  isIncomparable(extracted: string, item: SetItem): boolean;
  /** The answer of most samples; of equally many, the first. */
  majority(extracted: readonly (string | null)[], item: SetItem): string | null;
}

/** By the rules of a preset, as the Solver's votes and rewards are. */
export const presetGrader = (preset: FrozenPreset): Grader => ({
  extract: (completion) => extractAnswer(completion, preset),
  isCorrect: (extracted, { question, answer }) => grade(extracted, answer, preset.grader, readingOf(question)),
  isIncomparable: (extracted, { question }) => isIncomparable(canonicalAnswer(extracted, readingOf(question))),
  majority: (extracted, { question }) => vote(extracted, preset, 'labelling', { question }).label,
});

/** The letter that the public code reads; where it would draw one at random there is no answer, which is wrong. */
const choices: Grader = {
  extract: multipleChoicePrediction,
  isCorrect: (extracted, { answer }) => extracted === answer,
  isIncomparable: () => false,
  majority: mostFrequent,
};

const bbeh: Grader = {
  extract: extractSolution,
  isCorrect: (extracted, { answer }) => bbehCorrect(extracted, answer),
  isIncomparable: () => false,
  majority: mostFrequent,
};

/** Answers are grouped by the preset's rules: math-verify says only whether an answer is right. */
const mathVerify = (preset: FrozenPreset): Grader => ({
  extract: (completion) => {
    const extracted = extractForMathVerify(completion);
    return extracted === 'None' ? null : extracted;
  },
  isCorrect: (extracted, { answer }) => mathVerifyCorrect(`\\boxed{${extracted}}`, answer),
  isIncomparable: () => false,
  majority: (extracted, { question }) => vote(extracted, preset, 'labelling', { question }).label,
});

/** Of a set's questions with choices by their letter, of the others as the set says. */
export function graderOf(set: Pick<RunSet, 'loader' | 'grader'>, preset: FrozenPreset): Grader {
  const others =
    set.grader === 'default'
      ? presetGrader(preset)
      : loaderOf(set.loader).official === 'bbeh'
        ? bbeh
        : mathVerify(preset);
  const of = (item: SetItem): Grader => (item.choices ? choices : others);
  return {
    extract: (completion, item) => of(item).extract(completion, item),
    isCorrect: (extracted, item) => of(item).isCorrect(extracted, item),
    isIncomparable: (extracted, item) => of(item).isIncomparable(extracted, item),
    majority: (extracted, item) => of(item).majority(extracted, item),
  };
}

export function gradeSample(grader: Grader, completion: string, item: SetItem): SampleGrade {
  const extracted = grader.extract(completion, item);
  return {
    extracted,
    correct: extracted !== null && grader.isCorrect(extracted, item),
    incomparable: extracted !== null && grader.isIncomparable(extracted, item),
    worked: isWorked(completion),
  };
}

/** @param extracted the answers of all samples */
export function majorityIsCorrect(grader: Grader, extracted: readonly (string | null)[], item: SetItem): boolean {
  const label = grader.majority(extracted, item);
  return label !== null && grader.isCorrect(label, item);
}

function mostFrequent(extracted: readonly (string | null)[]): string | null {
  const counts = new Map<string, number>();
  for (const answer of extracted) if (answer !== null) counts.set(answer, (counts.get(answer) ?? 0) + 1);
  let best: string | null = null;
  for (const [answer, count] of counts) if (best === null || count > counts.get(best)!) best = answer;
  return best;
}
