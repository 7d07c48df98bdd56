import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadVectors } from './vectors.ts';
import { sentenceBleu } from '../../activities/method/bleu.ts';
import { extractAllBoxedOfficial, extractBoxedOfficial } from '../../activities/method/boxed.ts';
import { challengerRewards, uncertainty } from '../../activities/method/challenger-reward.ts';
import { averageLinkage, clusterBelow, pairIndex } from '../../activities/method/clustering.ts';
import { getPreset } from '../../activities/method/presets.ts';
import { pythonSplit } from '../../activities/method/python-text.ts';
import { parseChallengerOutput } from '../../activities/method/question-parser.ts';
import { repetitionPenalties } from '../../activities/method/repetition.ts';
import { extractAnswer, vote } from '../../activities/method/voting.ts';

const vectors = loadVectors();
const official = getPreset('official-code');
const near = (actual: number, expected: number, what: string): void => {
  assert.ok(Math.abs(actual - expected) <= 1e-12, `${what}: ${actual} is not ${expected}`);
};

test('BLEU equals NLTK on every recorded pair', () => {
  for (const pair of vectors.bleu_pairs) {
    const bleu = sentenceBleu(pythonSplit(pair.hypothesis), pythonSplit(pair.reference));
    near(bleu, pair.bleu, JSON.stringify(pair.hypothesis));
    near(1 - bleu, pair.distance, JSON.stringify(pair.hypothesis));
  }
});

test('BLEU gives the published sample values', () => {
  const bleu = (a: string, b: string): number => sentenceBleu(pythonSplit(a), pythonSplit(b));
  near(
    bleu('Find the sum of all positive integers n.', 'Find the sum of all positive integers m.'),
    0.8408964152537145,
    'one word',
  );
  near(bleu('What is 2+2?', 'What is 2+2?'), 0.5623413251903491, 'three tokens');
  near(bleu('Compute 7!', 'Compute 7!'), 0.316227766016838, 'two tokens');
  near(bleu('Why?', 'Why?'), 0.1778279410038923, 'one token');
  near(bleu('', ''), 0, 'empty');
  near(bleu('the cat is on the mat', 'the the the the the the the'), 0.041095991233501536, 'reversed');
});

for (const batch of vectors.clustering) {
  test(`clustering of ${batch.name}: matrix, partition, heights and penalties`, () => {
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
    batch.merge_heights.forEach((height, k) => near(heights[k] as number, height, `merge ${k}`));
    assert.deepEqual([...clusterBelow(distances, n, 0.5).labels], batch.canonical_labels);
    const result = repetitionPenalties(batch.questions, official.repetition);
    assert.deepEqual([...result.cluster], batch.canonical_labels);
    batch.penalty.forEach((penalty, k) => near(result.penalty[k] as number, penalty, `penalty ${k}`));
  });
}

test('an empty batch has no penalties', () => {
  assert.equal(repetitionPenalties([], official.repetition).penalty.length, 0);
});

test('both shapes of uncertainty at every count of ten', () => {
  for (const { k, m, code_min: min, paper_tent: tent } of vectors.uncertainty_table_m10) {
    near(uncertainty(k, m, 'min'), min, `min ${k}`);
    near(uncertainty(k, m, 'tent'), tent, `tent ${k}`);
  }
});

test('box extraction of the reward server and of the data-set builder', () => {
  for (const {
    text,
    mathruler_extract_boxed_content: last,
    question_generate_extract_boxed: all,
  } of vectors.boxed_extraction) {
    assert.equal(extractBoxedOfficial(text), last, text);
    assert.deepEqual(extractAllBoxedOfficial(text), all, text);
  }
});

for (const entry of vectors.question_extraction) {
  test(`question extraction: ${entry.name}`, () => {
    const training = parseChallengerOutput(entry.completion, official, { stage: 'training' });
    assert.equal(training.status === 'valid', entry.valid_in_training);
    assert.deepEqual({ question: training.question ?? '', answer: training.answer ?? '' }, entry.training_reward_parse);
    const generation = parseChallengerOutput(entry.completion, official, { stage: 'generation' });
    assert.equal(generation.status === 'valid', entry.valid_in_generation);
    const row =
      generation.status === 'valid'
        ? { question: generation.question, answer: generation.answer, score: 0 }
        : { question: entry.completion, answer: '', score: -1 };
    assert.deepEqual(row, entry.dataset_generation_parse);
  });
}

test('composite rewards of the code and of the paper', () => {
  for (const entry of vectors.challenger_composite) {
    // A batch with one cluster of the recorded size, identical texts, and otherwise texts without a common token.
    const items = Array.from({ length: entry.batch }, (_, i) => ({
      valid: i > 0 || entry.question_valid,
      votes: entry.score === null || entry.score < 0 ? 0 : Math.round(entry.score * 10),
      total: 10,
      question: i < entry.cluster_size ? 'one two three four five six' : `t${i}a t${i}b t${i}c t${i}d t${i}e`,
      ...(i === 0 && entry.score === -1 ? { gradingFailed: true } : {}),
    }));
    const what = JSON.stringify(entry);
    near(challengerRewards(items, official)[0]?.total as number, entry.code_overall, `code ${what}`);
    const paper = challengerRewards(items, getPreset('paper'))[0];
    near(paper?.total as number, entry.paper_reward, `paper ${what}`);
  }
});

test('end to end: from completions to rewards', () => {
  const { cases, solver_completions: solver } = vectors.challenger_reward_end_to_end;
  const items = cases.map(({ completion }) => {
    const parsed = parseChallengerOutput(completion, official, { stage: 'training' });
    if (parsed.status === 'invalid') return { valid: false, votes: 0, total: 0, question: '' };
    const question = parsed.question as string;
    const answers = (solver[question] as string[]).map((text) => extractAnswer(text, official));
    const { votes, total } = vote(answers, official, 'training');
    return { valid: true, votes, total, question };
  });
  challengerRewards(items, official).forEach((reward, i) => {
    const expected = cases[i] as (typeof cases)[number];
    near(reward.total, expected.overall, expected.name);
    assert.equal(reward.format, expected.format, expected.name);
    near(reward.repetition, expected.accuracy, expected.name); // the code reports the penalty as `accuracy`
  });
});
