/** The Solver's side: equivalence, votes, the gate, the reward. */
import assert from 'node:assert/strict';
import { grade } from '../../../activities/method/answers/answer-equivalence.ts';
import { decide } from '../../../activities/method/gate/gate.ts';
import { hendrycksForm, prm800kForm } from '../../../activities/method/official/official-normalize.ts';
import { getPreset } from '../../../activities/method/presets.ts';
import { solverReward } from '../../../activities/method/solver-reward.ts';
import { extractAnswer, vote } from '../../../activities/method/voting.ts';
import { near, quote, type Case } from '../case.ts';
import type { Vectors } from '../vectors.ts';

const official = getPreset('official-code');
const paper = getPreset('paper');

export const gradeAnswer = (items: Vectors['grade_answer']): Case[] =>
  items.map((pair) => ({
    name: `${quote(pair.given, pair.truth)} (${pair.decided_by})`,
    check: () => {
      assert.equal(grade(pair.given, pair.truth, 'official'), pair.given_vs_truth, 'given against truth');
      assert.equal(grade(pair.truth, pair.given, 'official'), pair.truth_vs_given, 'truth against given');
      assert.equal(hendrycksForm(pair.given), pair.mathd_norm_given, 'first normal form of given');
      assert.equal(hendrycksForm(pair.truth), pair.mathd_norm_truth, 'first normal form of truth');
      assert.equal(prm800kForm(pair.given), pair.norm_given, 'second normal form of given');
      assert.equal(prm800kForm(pair.truth), pair.norm_truth, 'second normal form of truth');
    },
  }));

export const gradeNulls = (items: Vectors['grade_answer_null_inputs']): Case[] =>
  items.map(({ given, truth, result }) => ({
    name: quote(given, truth),
    check: () => assert.equal(grade(given, truth, 'official'), result),
  }));

export const majorityVote = (items: Vectors['majority_vote']): Case[] =>
  items.map((entry) => ({ name: entry.name, check: () => checkVote(entry) }));

function checkVote(entry: Vectors['majority_vote'][number]): void {
  const answers = entry.completions.map((text) => extractAnswer(text, official));
  assert.deepEqual(
    answers.map((answer) => answer ?? 'None'),
    entry.extracted,
    'extracted',
  );
  const server = vote(answers, official, 'training');
  assert.equal(server.label ?? '', entry.server.majority, 'server label');
  near(server.total === 0 ? 0 : server.votes / server.total, entry.server.score, 'server score');
  for (const [own, expected] of [
    [answers, entry.dataset_builder_all10],
    [answers.slice(0, 9), entry.dataset_builder_first9],
  ] as const) {
    const builder = vote(own, official, 'labelling');
    assert.equal(survivesBuilder(builder.label) ? builder.label : null, expected?.majority ?? null, 'builder label');
    if (expected === null) continue;
    assert.equal(builder.total, expected.n_kept, 'builder denominator');
    near(builder.votes / builder.total, expected.score, 'builder score');
  }
}

/** The builder drops a question for the text of its label in the same pass (evaluate.py:169); with us that is the gate's to do. */
function survivesBuilder(label: string | null): boolean {
  return label === null || decide({ question: 'q', label, votes: 5, total: 9 }, official.gate).reason !== 'text_filter';
}

/** Votes within the band, so that only the filters can drop the question; "None" is dropped later, by the label check. */
export const textFilters = (items: Vectors['dataset_builder_text_filters']): Case[] =>
  items.map(({ name, question, answer_given_by_all_9: label, kept_by_evaluate: kept }) => ({
    name,
    check: () => {
      const { reason } = decide({ question, label: label ?? 'None', votes: 5, total: 9 }, official.gate);
      assert.equal(reason, label === null || label === '' ? 'no_label' : kept ? 'kept' : 'text_filter');
    },
  }));

/** Rows with score -1 are the ones that could not be parsed; the builder passes over them. */
export const skippedRows = (counts: Vectors['dataset_builder_skips_score_minus_1']): Case[] => [
  {
    name: `${counts.in} rows in, ${counts.out} out`,
    check: () => {
      const rows = Array.from({ length: counts.in }, (_, i) => (i < counts.out ? 'Is 7 prime?' : null));
      const kept = rows.filter((question) => decide({ question, label: '4', votes: 5, total: 9 }, official.gate).kept);
      assert.equal(kept.length, counts.out);
    },
  },
];

export const scoreBand = (recorded: Vectors['score_band_filter']): Case[] => {
  const keeps = (votes: number, total: number, preset = official, label = '7'): boolean =>
    decide({ question: 'q', label, votes, total }, preset.gate).kept;
  const counts = (total: number, preset = official): number[] =>
    Array.from({ length: total + 1 }, (_, k) => k).filter((k) => keeps(k, total, preset));
  const keptProblems = new Set(recorded.kept.map(({ problem }) => problem));
  return [
    ...recorded.input.map(({ answer, score }, i) => ({
      name: `label ${quote(answer)}, score ${score}`,
      check: () => assert.equal(keeps(...asFraction(score), official, answer), keptProblems.has(`q${i}`)),
    })),
    { name: 'counts of 9', check: () => assert.deepEqual(counts(9), recorded.kept_counts_of_9) },
    { name: 'counts of 10', check: () => assert.deepEqual(counts(10), recorded.kept_counts_of_10) },
    {
      name: 'counts of 10 in the paper’s band',
      check: () => assert.deepEqual(counts(10, paper), recorded['paper_delta_0.25_counts_of_10']),
    },
  ];
};

/** The score as votes of at most ten answers, otherwise the double itself as a fraction. */
function asFraction(score: number): [number, number] {
  for (let total = 1; total <= 10; total += 1) {
    const votes = Math.round(score * total);
    if (votes / total === score) return [votes, total];
  }
  return [Math.round(score * 2 ** 53), 2 ** 53];
}

export const solverRewards = (items: Vectors['solver_reward']): Case[] =>
  items.map((entry) => ({
    name: entry.name,
    check: () => {
      const reward = solverReward(entry.completion, entry.pseudo_label, official);
      near(reward.total, entry.overall, 'overall');
      assert.equal(reward.format, entry.format, 'format');
      assert.equal(reward.accuracy, entry.accuracy, 'accuracy');
    },
  }));
