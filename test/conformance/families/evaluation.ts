/** How the public code scores benchmarks. */
import assert from 'node:assert/strict';
import {
  bbehCorrect,
  extractSolution,
  multipleChoicePrediction,
} from '../../../activities/method/benchmark-scoring.ts';
import { extractForMathVerify, mathVerifyCorrect } from '../../../activities/method/math-verify/math-verify.ts';
import { quote, type Case } from '../case.ts';
import type { Vectors } from '../vectors.ts';

/** Our scorer returns null where the reference draws a letter at random. */
export const multipleChoice = (items: Vectors['multiple_choice_prediction']): Case[] =>
  items.map((entry) => ({
    name: quote(entry.output),
    check: () => {
      assert.equal(extractSolution(entry.output), entry.extract_solution, 'solution');
      assert.equal(multipleChoicePrediction(entry.output) ?? 'RANDOM', entry.prediction_supergpqa, 'SuperGPQA');
      assert.equal(multipleChoicePrediction(entry.output) ?? 'RANDOM', entry.prediction_mmlupro, 'MMLU-Pro');
    },
  }));

export const bbeh = (items: Vectors['bbeh_evaluate_correctness']): Case[] =>
  items.map(({ solution, reference, correct }) => ({
    name: quote(solution, reference),
    check: () => assert.equal(bbehCorrect(solution, reference), correct),
  }));

export const mathCompare = (items: Vectors['eval_math_compare']): Case[] =>
  items.map(({ response, answer, extracted, math_verify_correct: correct }) => ({
    name: quote(response, answer),
    check: () => {
      assert.equal(extractForMathVerify(response), extracted ?? 'None', 'extracted');
      assert.equal(mathVerifyCorrect(response, answer), correct, 'verdict');
    },
  }));
