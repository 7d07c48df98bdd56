/** The Challenger's side: BLEU, clustering, parsing, rewards. */
import assert from 'node:assert/strict';
import { sentenceBleu } from '../../../activities/method/repetition/bleu.ts';
import { extractAllBoxedOfficial, extractBoxedOfficial } from '../../../activities/method/boxed.ts';
import { challengerRewards, uncertainty } from '../../../activities/method/challenger-reward.ts';
import { averageLinkage, clusterBelow, pairIndex } from '../../../activities/method/repetition/clustering.ts';
import { getPreset } from '../../../activities/method/presets.ts';
import { pythonSplit } from '../../../activities/method/official/python-text.ts';
import { parseChallengerOutput } from '../../../activities/method/question-parser.ts';
import { repetitionPenalties } from '../../../activities/method/repetition/repetition.ts';
import { extractAnswer, vote } from '../../../activities/method/voting.ts';
import { near, quote, type Case } from '../case.ts';
import type { Vectors } from '../vectors.ts';

const official = getPreset('official-code');
const paper = getPreset('paper');

export const bleuPairs = (items: Vectors['bleu_pairs']): Case[] =>
  items.map(({ hypothesis, reference, bleu, distance }) => ({
    name: quote(hypothesis, reference),
    check: () => {
      const actual = sentenceBleu(pythonSplit(hypothesis), pythonSplit(reference));
      near(actual, bleu, 'BLEU');
      near(1 - actual, distance, 'distance');
    },
  }));

export const clustering = (items: Vectors['clustering']): Case[] =>
  items.map((batch) => ({ name: batch.name, check: () => checkClustering(batch) }));

function checkClustering(batch: Vectors['clustering'][number]): void {
  const n = batch.questions.length;
  const tokens = batch.questions.map(pythonSplit);
  const distances = new Float64Array((n * (n - 1)) / 2);
  for (let i = 0; i < n; i += 1) {
    for (let j = i + 1; j < n; j += 1) {
      const distance = 1 - sentenceBleu(tokens[i] as string[], tokens[j] as string[]);
      near(distance, batch.distance_matrix[i]?.[j] as number, `distance ${i},${j}`);
      distances[pairIndex(i, j, n)] = distance;
    }
  }
  const heights = averageLinkage(distances.slice(), n).merges.map((merge) => merge.height);
  batch.merge_heights.forEach((height, k) => near(heights[k], height, `merge height ${k}`));
  assert.deepEqual([...clusterBelow(distances, n, 0.5).labels], batch.canonical_labels, 'partition of the matrix');
  for (const preset of [official, paper]) {
    const result = repetitionPenalties(batch.questions, preset.repetition);
    assert.deepEqual([...result.cluster], batch.canonical_labels, `partition under ${preset.name}`);
    batch.penalty.forEach((penalty, k) => near(result.penalty[k], penalty, `penalty ${k} under ${preset.name}`));
  }
}

/** The reference's clusterer refuses a single sample; the formula |C| / B is 1 there, and that is what ours gives. */
export const clusteringSingleItem = ({ questions }: Vectors['clustering_single_item']): Case[] => [
  {
    name: 'a single question is a cluster of its own, where the reference raises',
    check: () => assert.deepEqual([...repetitionPenalties(questions, official.repetition).penalty], [1]),
  },
];

export const clusteringEmptyList = ({ questions, penalty }: Vectors['clustering_empty_list']): Case[] => [
  {
    name: 'an empty batch',
    check: () => assert.deepEqual([...repetitionPenalties(questions, official.repetition).penalty], penalty),
  },
];

export const uncertaintyTable = (items: Vectors['uncertainty_table_m10']): Case[] =>
  items.map(({ k, m, score, code_min: min, paper_tent: tent }) => ({
    name: `${k} of ${m}`,
    check: () => {
      near(k / m, score, 'solve rate');
      near(uncertainty(k, m, 'min'), min, 'code');
      near(uncertainty(k, m, 'tent'), tent, 'paper');
    },
  }));

export const boxedExtraction = (items: Vectors['boxed_extraction']): Case[] =>
  items.map((entry) => ({
    name: quote(entry.text),
    check: () => {
      assert.equal(extractBoxedOfficial(entry.text), entry.mathruler_extract_boxed_content, 'mathruler');
      assert.deepEqual(extractAllBoxedOfficial(entry.text), entry.question_generate_extract_boxed, 'question_generate');
    },
  }));

export const questionExtraction = (items: Vectors['question_extraction']): Case[] =>
  items.map((entry) => ({
    name: entry.name,
    check: () => {
      const training = parseChallengerOutput(entry.completion, official, { stage: 'training' });
      assert.equal(training.status === 'valid', entry.valid_in_training, 'valid in training');
      const parsed = { question: training.question ?? '', answer: training.answer ?? '' };
      assert.deepEqual(parsed, entry.training_reward_parse, 'training');
      const generation = parseChallengerOutput(entry.completion, official, { stage: 'generation' });
      assert.equal(generation.status === 'valid', entry.valid_in_generation, 'valid in generation');
      const row =
        generation.status === 'valid'
          ? { question: generation.question, answer: generation.answer, score: 0 }
          : { question: entry.completion, answer: '', score: -1 };
      assert.deepEqual(row, entry.dataset_generation_parse, 'generation');
    },
  }));

export const challengerComposite = (items: Vectors['challenger_composite']): Case[] =>
  items.map((entry) => ({
    name: `score ${entry.score}, ${entry.question_valid ? 'valid' : 'invalid'}, ${entry.cluster_size} of ${entry.batch}`,
    check: () => {
      const batch = batchWithCluster(entry);
      near(challengerRewards(batch, official)[0]?.total, entry.code_overall, 'code');
      near(challengerRewards(batch, paper)[0]?.total, entry.paper_reward, 'paper');
    },
  }));

/** A batch whose first item is in a cluster of the recorded size: identical texts, beside texts without a common token. */
function batchWithCluster(entry: Vectors['challenger_composite'][number]) {
  const [votes, total] = asCounts(entry.score ?? 0);
  return Array.from({ length: entry.batch }, (_, i) => ({
    valid: i > 0 || entry.question_valid,
    votes,
    total,
    question: i < entry.cluster_size ? 'one two three four five six' : `t${i}a t${i}b t${i}c t${i}d t${i}e`,
    ...(i === 0 && entry.score === -1 ? { gradingFailed: true } : {}),
  }));
}

/** The recorded score as votes of ten, or of the smallest number of answers that gives it. */
function asCounts(score: number): [number, number] {
  for (const total of [10, 9, 1, 2, 3, 4, 5, 6, 7, 8]) {
    const votes = Math.max(0, Math.round(score * total));
    if (score < 0 || votes / total === score) return [votes, total];
  }
  return [Math.round(score * 2 ** 40), 2 ** 40];
}

export const challengerEndToEnd = (recorded: Vectors['challenger_reward_end_to_end']): Case[] => {
  const { cases, solver_completions: solver } = recorded;
  const items = cases.map(({ completion }) => {
    const parsed = parseChallengerOutput(completion, official, { stage: 'training' });
    if (parsed.status === 'invalid') return { valid: false, votes: 0, total: 0, question: '' };
    const question = parsed.question as string;
    const answers = (solver[question] ?? []).map((text) => extractAnswer(text, official));
    const { votes, total } = vote(answers, official, 'training');
    return { valid: true, votes, total, question };
  });
  const rewards = challengerRewards(items, official);
  return cases.map((expected, i) => ({
    name: expected.name,
    check: () => {
      near(rewards[i]?.total, expected.overall, 'overall');
      assert.equal(rewards[i]?.format, expected.format, 'format');
      near(rewards[i]?.repetition, expected.accuracy, 'penalty, which the code reports as accuracy');
    },
  }));
};
