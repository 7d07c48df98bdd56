import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cpuMilliseconds } from './cpu-time.ts';
import { sentenceBleu } from '../../activities/method/bleu.ts';
import { challengerRewards } from '../../activities/method/challenger-reward.ts';
import { clusterBelow, pairIndex } from '../../activities/method/clustering.ts';
import { getPreset } from '../../activities/method/presets.ts';
import { pythonSplit } from '../../activities/method/python-text.ts';
import { clusterByBleu, repetitionPenalties } from '../../activities/method/repetition.ts';
import { createRandom } from '../../activities/method/seeds.ts';

const paper = getPreset('paper').repetition;
const ours = getPreset('default').repetition;

test('clustering by components and 4-gram index equals clustering of the whole matrix', () => {
  const word = fc.constantFrom('find', 'the', 'sum', 'of', 'all', 'n', 'such', 'that', 'x');
  const text = fc.array(word, { maxLength: 9 }).map((words) => words.join(' '));
  fc.assert(
    fc.property(
      fc.array(text, { minLength: 2, maxLength: 24 }),
      fc.constantFrom(0.2, 0.5, 0.52, 0.6, 0.9),
      (texts, threshold) => {
        const tokens = texts.map(pythonSplit);
        const n = texts.length;
        const distances = new Float64Array((n * (n - 1)) / 2);
        for (let i = 0; i < n; i += 1) {
          for (let j = i + 1; j < n; j += 1) {
            distances[pairIndex(i, j, n)] = 1 - sentenceBleu(tokens[i] as string[], tokens[j] as string[]);
          }
        }
        assert.deepEqual(
          [...clusterByBleu(tokens, threshold, paper)],
          [...clusterBelow(distances, n, threshold).labels],
        );
      },
    ),
    { numRuns: 1000 },
  );
});

test('average linkage equals the textbook algorithm on random distances', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 14 }), fc.nat(), (n, salt) => {
      const random = createRandom(salt.toString(16).padStart(16, '0'));
      const distances = Float64Array.from({ length: (n * (n - 1)) / 2 }, () => random.nextUint32() / 2 ** 32);
      const original = distances.slice();
      const labels = [...clusterBelow(distances, n, 0.5).labels];
      // Merge the closest pair of clusters by the mean over their pairs, from scratch each time.
      let clusters = Array.from({ length: n }, (_, i) => [i]);
      for (;;) {
        let best: { a: number; b: number; height: number } | null = null;
        for (let a = 0; a < clusters.length; a += 1) {
          for (let b = a + 1; b < clusters.length; b += 1) {
            const pairs = (clusters[a] as number[]).flatMap((i) =>
              (clusters[b] as number[]).map((j) => original[pairIndex(i, j, n)] as number),
            );
            const height = pairs.reduce((sum, value) => sum + value, 0) / pairs.length;
            if (best === null || height < best.height) best = { a, b, height };
          }
        }
        if (best === null || best.height >= 0.5) break;
        const { a, b } = best;
        const merged = [...(clusters[a] as number[]), ...(clusters[b] as number[])];
        clusters = [...clusters.filter((_, k) => k !== a && k !== b), merged];
      }
      const sorted = clusters
        .map((cluster) => cluster.sort((x, y) => x - y))
        .sort((x, y) => (x[0] as number) - (y[0] as number));
      assert.deepEqual(
        labels,
        Array.from({ length: n }, (_, i) => sorted.findIndex((cluster) => cluster.includes(i))),
      );
    }),
    { numRuns: 150 },
  );
});

test('penalties move with their questions when the batch is reversed, where BLEU has no direction and no ties', () => {
  // Equal lengths without repeated words make clipped matches and brevity symmetric.
  const base = 'a b c d e f g h i j k l'.split(' ');
  const shuffled = fc.shuffledSubarray(base, { minLength: base.length });
  const edited = fc
    .uniqueArray(fc.nat(base.length - 1), { minLength: 1, maxLength: 5 })
    .map((places) => base.map((word, i) => (places.includes(i) ? word + 'z'.repeat(places.length) : word)));
  fc.assert(
    fc.property(fc.array(fc.oneof(shuffled, edited), { minLength: 2, maxLength: 7 }), (lists) => {
      const texts = lists.map((list) => list.join(' '));
      const distances = lists.flatMap((left, i) => lists.slice(i + 1).map((right) => 1 - sentenceBleu(left, right)));
      const low = distances.filter((distance) => distance < 0.6);
      fc.pre(new Set(low).size === low.length);
      const forward = [...repetitionPenalties(texts, ours).penalty];
      const backward = [...repetitionPenalties(texts.toReversed(), ours).penalty].toReversed();
      assert.deepEqual(forward, backward);
    }),
    { numRuns: 200 },
  );
});

test('copies of short questions share a cluster in default and not in the paper', () => {
  const texts = ['3+7', '3+7', 'Why?', 'Why?', '1+2+3+4'];
  assert.deepEqual([...repetitionPenalties(texts, ours).cluster], [0, 0, 1, 1, 2]);
  assert.deepEqual([...repetitionPenalties(texts, paper).cluster], [0, 1, 2, 3, 4]);
});

test('a unique question costs nothing in default and 1/B in the paper', () => {
  const texts = ['What is the sum of all primes below ten?', 'How many squares are there on a board of chess?'];
  assert.deepEqual([...repetitionPenalties(texts, ours).penalty], [0, 0]);
  assert.deepEqual([...repetitionPenalties(texts, paper).penalty], [0.5, 0.5]);
});

test('invalid items count in B, and are in no cluster of default', () => {
  const result = repetitionPenalties(['1+2', '1+2', '', ''], ours);
  assert.deepEqual([...result.cluster], [0, 0, -1, -1]);
  assert.deepEqual([...result.size], [2, 2, 0, 0]);
  assert.deepEqual([...result.penalty], [0.25, 0.25, 0, 0]);
});

test('a batch of one works under every preset', () => {
  for (const name of ['paper', 'official-code', 'default'] as const) {
    const [reward] = challengerRewards([{ valid: true, votes: 5, total: 10, question: '1+2' }], getPreset(name));
    assert.equal(reward?.clusterSize, 1);
  }
});

test('a reward is the sum of its stored components', () => {
  const item = fc.record({
    valid: fc.boolean(),
    votes: fc.integer({ min: 0, max: 8 }),
    total: fc.constant(8),
    question: fc.constantFrom('1+2', '1+3', '2+2+5', '4+4+1+1', '9+9+9'),
  });
  fc.assert(
    fc.property(
      fc.array(item, { minLength: 1, maxLength: 20 }),
      fc.constantFrom(0, 0.5, 1, 4),
      (items, repetitionWeight) => {
        for (const name of ['paper', 'official-code', 'default'] as const) {
          const preset = getPreset(name);
          challengerRewards(items, preset, { repetitionWeight }).forEach((reward, i) => {
            const sum = reward.uncertainty - repetitionWeight * reward.repetition;
            assert.equal(reward.total, preset.floorAtZero ? Math.max(0, sum) : sum);
            assert.equal(reward.format === 1, items[i]?.valid);
            if (preset.floorAtZero) assert.ok(reward.total >= 0 && reward.total <= 1);
          });
        }
      },
    ),
  );
});

test('counts that cannot be and bad weights are refused', () => {
  const preset = getPreset('default');
  const item = { valid: true, votes: 9, total: 8, question: 'q' };
  assert.throws(() => challengerRewards([item], preset), { code: 'RunInputInvalid', field: 'items[0].votes' });
  assert.throws(() => challengerRewards([], preset, { repetitionWeight: -1 }), {
    code: 'RunInputInvalid',
    field: 'repetitionWeight',
  });
  assert.throws(() => repetitionPenalties(['a'], { ...ours, distanceThreshold: 0 }), { code: 'PresetInvalid' });
});

test('a batch of 2,048 questions takes seconds, diverse or collapsed', () => {
  const random = createRandom('00000000000000aa');
  const words = Array.from({ length: 500 }, (_, i) => `word${i}`);
  const pick = (): string => words[random.below(words.length)] as string;
  const diverse = Array.from({ length: 2048 }, () => Array.from({ length: 20 + random.below(60) }, pick).join(' '));
  const base = Array.from({ length: 45 }, pick);
  const collapsed = Array.from({ length: 2048 }, () =>
    base.map((word) => (random.below(12) === 0 ? pick() : word)).join(' '),
  );
  for (const texts of [diverse, collapsed]) {
    assert.ok(cpuMilliseconds(() => repetitionPenalties(texts, paper)) < 15_000);
  }
});
