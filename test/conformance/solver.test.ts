import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadVectors } from './vectors.ts';
import { grade } from '../../activities/method/answer-equivalence.ts';
import { bbehCorrect, extractSolution, multipleChoicePrediction } from '../../activities/method/benchmark-scoring.ts';
import { decide } from '../../activities/method/gate.ts';
import { hendrycksForm, prm800kForm } from '../../activities/method/official-normalize.ts';
import { getPreset } from '../../activities/method/presets.ts';
import { solverReward } from '../../activities/method/solver-reward.ts';
import { extractAnswer, vote } from '../../activities/method/voting.ts';

const vectors = loadVectors();
const official = getPreset('official-code');
const near = (actual: number, expected: number, what: string): void => {
  assert.ok(Math.abs(actual - expected) <= 1e-9, `${what}: ${actual} is not ${expected}`);
};

test('the official grader: both normal forms and both directions of every recorded pair', () => {
  const failures = vectors.grade_answer.filter(
    (pair) =>
      grade(pair.given, pair.truth, 'official') !== pair.given_vs_truth ||
      grade(pair.truth, pair.given, 'official') !== pair.truth_vs_given ||
      hendrycksForm(pair.given) !== pair.mathd_norm_given ||
      hendrycksForm(pair.truth) !== pair.mathd_norm_truth ||
      prm800kForm(pair.given) !== pair.norm_given ||
      prm800kForm(pair.truth) !== pair.norm_truth,
  );
  assert.deepEqual(
    failures.map(({ given, truth, decided_by: rule }) => ({ given, truth, rule })),
    [],
  );
});

test('a missing answer or truth is never equal', () => {
  for (const { given, truth, result } of vectors.grade_answer_null_inputs) {
    assert.equal(grade(given, truth, 'official'), result);
    assert.equal(grade(given, truth, 'default'), result);
  }
});

for (const entry of vectors.majority_vote) {
  test(`majority vote: ${entry.name}`, () => {
    const answers = entry.completions.map((text) => extractAnswer(text, official));
    const server = vote(answers, official, 'training');
    assert.equal(server.label ?? '', entry.server.majority);
    near(server.total === 0 ? 0 : server.votes / server.total, entry.server.score, 'server score');
    for (const [own, expected] of [
      [answers, entry.dataset_builder_all10],
      [answers.slice(0, 9), entry.dataset_builder_first9],
    ] as const) {
      const builder = vote(own, official, 'labelling');
      assert.equal(builder.label, expected?.majority ?? null);
      if (expected === null) continue;
      assert.equal(builder.total, expected.n_kept);
      near(builder.votes / builder.total, expected.score, 'builder score');
    }
  });
}

test('text filters of the data-set builder', () => {
  // Votes within the band, so that only the filters can drop the question; "None" is dropped later, by the label check.
  for (const {
    name,
    question,
    answer_given_by_all_9: label,
    kept_by_evaluate: kept,
  } of vectors.dataset_builder_text_filters) {
    const decision = decide({ question, label: label ?? 'None', votes: 5, total: 9 }, official.gate);
    if (label === null) assert.equal(decision.reason, 'no_label', name);
    else assert.equal(decision.reason, kept ? 'kept' : 'text_filter', name);
  }
});

test('the band keeps exactly the recorded scores and counts', () => {
  const { input, kept, kept_counts_of_9: nine, kept_counts_of_10: ten } = vectors.score_band_filter;
  const keeps = (votes: number, total: number, preset = official, label = '7'): boolean =>
    decide({ question: 'q', label, votes, total }, preset.gate).kept;
  const counts = (total: number, preset = official): number[] =>
    Array.from({ length: total + 1 }, (_, k) => k).filter((k) => keeps(k, total, preset));
  assert.deepEqual(counts(9), nine);
  assert.deepEqual(counts(10), ten);
  assert.deepEqual(counts(10, getPreset('paper')), vectors.score_band_filter['paper_delta_0.25_counts_of_10']);
  const rational = (score: number): [number, number] => {
    for (let total = 1; total <= 10; total += 1) {
      const votes = Math.round(score * total);
      if (votes / total === score) return [votes, total];
    }
    return [Math.round(score * 2 ** 53), 2 ** 53]; // the double itself, as a fraction
  };
  const survivors = input.filter(({ answer, score }) => keeps(...rational(score), official, answer));
  assert.deepEqual(
    survivors.map(({ answer }) => answer),
    kept.map(({ answer }) => answer),
  );
});

for (const entry of vectors.solver_reward) {
  test(`Solver reward: ${entry.name}`, () => {
    const reward = solverReward(entry.completion, entry.pseudo_label, official);
    near(reward.total, entry.overall, 'total');
    assert.equal(reward.format, entry.format);
    assert.equal(reward.accuracy, entry.accuracy);
  });
}

test('multiple choice: extraction and letter, null where the code draws at random', () => {
  for (const entry of vectors.multiple_choice_prediction) {
    assert.equal(extractSolution(entry.output), entry.extract_solution, entry.output);
    assert.equal(multipleChoicePrediction(entry.output) ?? 'RANDOM', entry.prediction_supergpqa, entry.output);
    assert.equal(multipleChoicePrediction(entry.output) ?? 'RANDOM', entry.prediction_mmlupro, entry.output);
  }
});

test('BBEH fuzzy match', () => {
  for (const { solution, reference, correct } of vectors.bbeh_evaluate_correctness) {
    assert.equal(bbehCorrect(solution, reference), correct, `${solution} | ${reference}`);
  }
});
