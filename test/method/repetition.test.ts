import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../support/properties.ts';
import { cpuMilliseconds } from './cpu-time.ts';
import { sentenceBleu } from '../../activities/method/repetition/bleu.ts';
import {
  challengerRewards,
  rewardDistanceCount,
  writeRewardDistances,
} from '../../activities/method/challenger-reward.ts';
import { clusterBelow, pairIndex } from '../../activities/method/repetition/clustering.ts';
import { getPreset } from '../../activities/method/presets.ts';
import { pythonSplit } from '../../activities/method/official/python-text.ts';
import { clusterByBleu } from '../../activities/method/repetition/bleu-clusters.ts';
import { repetitionPenalties } from '../../activities/method/repetition/repetition.ts';
import { roundedExp, roundedLog } from '../../activities/method/repetition/rounded-exponential.ts';
import { createRandom } from '../../activities/method/seeds.ts';

const paper = getPreset('paper').repetition;
const ours = getPreset('default').repetition;

const EXACT_EXPONENTIALS = [
  [-0.03354419126621444, 0.9670121767946281],
  [-4.340126050811076, 0.013034885042047166],
  [-5.262995697503982, 0.005179764445926963],
  [-4.1783819010950545, 0.015323282103486453],
  [-2.1966971983962758, 0.1111697242254074],
  [-6.553209510315542, 0.0014255329854480849],
  [-1.4703369060636615, 0.2298480349440349],
  [-0.27274441474557876, 0.7612873365835616],
] as const;
const EXACT_LOGARITHMS = [
  [0.3076923076923077, -1.1786549963416462],
  [0.38461538461538464, -0.9555114450274363],
  [0.35714285714285715, -1.0296194171811581],
  [0.5333333333333333, -0.6286086594223742],
] as const;

test('clustering inside groups of near texts equals clustering of the whole matrix, where no tie decides', () => {
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
        const whole = [...clusterBelow(distances.slice(), n, threshold).labels];
        assert.deepEqual([...clusterByBleu(tokens, threshold, paper)], whole);
        assert.deepEqual([...clusterByBleu(tokens, threshold, paper, distances.slice())], whole);
        const low = distances.filter((distance) => distance < threshold);
        fc.pre(new Set(low).size === low.length);
        const grouped = { mergeIdentical: false, referenceTies: false };
        assert.deepEqual([...clusterByBleu(tokens, threshold, grouped)], whole);
        assert.deepEqual([...clusterByBleu(tokens, threshold, grouped, distances.slice())], whole);
      },
    ),
    // A fixed seed: averages of different distances might be equal too, once in a long while.
    { numRuns: 1000, seed: 4 },
  );
});

test('equal distances are merged in the order in which the reference merges them', () => {
  // Partitions from scikit-learn 1.7.0 on NLTK 3.9.1 distances; each differs from that of another order of merging.
  const recorded: { texts: string[]; partition: number[] }[] = [
    {
      texts: [
        'sum x and find how a the2 and5 such that sum and2',
        'sum x sum find how how a how sum that a5 a',
        'sum x and find how of a how sum that sum a',
        'sum x and find how many a how sum that sum sum4',
        'a x and find how how a how sum that sum a',
        'sum x2 and find how a a how sum that sum a',
        'sum x and find how a a how sum that x a',
        'sum x and find how a a how sum that sum a',
        'sum x and find how a a how many that sum7 a',
      ],
      partition: [0, 1, 2, 2, 2, 2, 2, 2, 2],
    },
    {
      texts: [
        'y how and a4 many2 n n of and all a the of all many the1 that find many',
        'y y4 and and x find n find and all a how of all many sum that find many',
        'y how4 and and x n n n6 and all a how of all many sum that find many',
        'all that and and x n n of and is a how of all many sum that find many',
        'y how and and x n n of and all a how of all a3 sum that is many',
        'y how and and x n n of and all a how of a many sum that find many',
        'how6 how and and x n n of and all a how of all many sum that find many',
        'y a7 and and that6 n n such8 and all a how of all many sum that find and',
      ],
      partition: [0, 1, 2, 2, 2, 2, 2, 1],
    },
    {
      texts: [
        'sum how many a n of a find the x',
        'sum how many a the6 of y4 find2 the x',
        'sum how many a n of a find the x',
        'sum how many is2 n of a find the x',
        'sum how many a n of a that the x',
        'sum how many a n of x find the x',
        'sum how many a n of a find the x',
        'of how many sum7 n of a find the x',
        'sum how y0 a n of a find the x',
        'sum how many a n of a find the x',
      ],
      partition: [0, 1, 0, 0, 0, 0, 0, 0, 0, 0],
    },
  ];
  for (const { texts, partition } of recorded) {
    assert.deepEqual([...repetitionPenalties(texts, paper).cluster], partition);
    assert.notDeepEqual([...repetitionPenalties(texts, { ...paper, referenceTies: false }).cluster], partition);
  }
});

test('BLEU is the textbook formula on counts of n-grams', () => {
  const words = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 12 });
  fc.assert(
    fc.property(words, words, (hypothesis, reference) => {
      const count = (list: string[], order: number): Map<string, number> => {
        const counts = new Map<string, number>();
        for (let i = 0; i + order <= list.length; i += 1) {
          const gram = list.slice(i, i + order).join(' ');
          counts.set(gram, (counts.get(gram) ?? 0) + 1);
        }
        return counts;
      };
      let score = hypothesis.length > reference.length ? 1 : Math.exp(1 - reference.length / hypothesis.length);
      for (let order = 1; order <= 4; order += 1) {
        const theirs = count(reference, order);
        let matches = 0;
        for (const [gram, times] of count(hypothesis, order)) matches += Math.min(times, theirs.get(gram) ?? 0);
        if (order === 1 && matches === 0) score = 0;
        score *= ((matches || 0.1) / Math.max(1, hypothesis.length - order + 1)) ** 0.25;
      }
      const actual = sentenceBleu(hypothesis, reference);
      assert.ok(Math.abs(actual - (Number.isNaN(score) ? 0 : score)) < 1e-14);
    }),
    { numRuns: 500 },
  );
});

test('exp and log are rounded correctly where the platform may not be', () => {
  // Nearest doubles to the exact values, of arguments for which V8 or glibc is one unit in the last place off.
  for (const [x, exp] of EXACT_EXPONENTIALS) assert.equal(roundedExp(x), exp);
  for (const [x, log] of EXACT_LOGARITHMS) assert.equal(roundedLog(x), log);
  for (const x of [1e-300, 3, 1e300]) assert.ok(Math.abs(roundedExp(roundedLog(x)) / x - 1) < 1e-12);
  assert.deepEqual([roundedExp(0), roundedExp(-Infinity), roundedLog(1), roundedLog(0)], [1, 0, 0, -Infinity]);
});

test('distances may be filled by several threads, each its own rows', () => {
  const word = fc.constantFrom('find', 'the', 'sum', 'of', 'all');
  const text = fc.array(word, { maxLength: 7 }).map((words) => words.join(' '));
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 12 }), fc.integer({ min: 1, max: 4 }), (texts, step) => {
      for (const name of ['paper', 'default'] as const) {
        const items = texts.map((question) => ({ valid: question !== '', votes: 1, total: 2, question }));
        const distances = new Float64Array(rewardDistanceCount(items, getPreset(name)));
        for (let first = 0; first < step; first += 1) {
          writeRewardDistances(items, getPreset(name), distances, { first, step });
        }
        assert.deepEqual(
          challengerRewards(items, getPreset(name), { distances }),
          challengerRewards(items, getPreset(name)),
        );
      }
    }),
    { numRuns: 200 },
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

test('penalties move with their questions under every permutation of the batch, where BLEU has no direction and no ties', () => {
  // Equal lengths without repeated words make clipped matches and brevity symmetric.
  const base = 'a b c d e f g h i j k l'.split(' ');
  const shuffled = fc.shuffledSubarray(base, { minLength: base.length });
  const edited = fc
    .uniqueArray(fc.nat(base.length - 1), { minLength: 1, maxLength: 5 })
    .map((places) => base.map((word, i) => (places.includes(i) ? word + 'z'.repeat(places.length) : word)));
  const batches = fc
    .array(fc.oneof(shuffled, edited), { minLength: 2, maxLength: 7 })
    .chain((lists) =>
      fc.tuple(fc.constant(lists), fc.shuffledSubarray([...lists.keys()], { minLength: lists.length })),
    );
  fc.assert(
    fc.property(batches, ([lists, order]) => {
      const texts = lists.map((list) => list.join(' '));
      const distances = lists.flatMap((left, i) => lists.slice(i + 1).map((right) => 1 - sentenceBleu(left, right)));
      const low = distances.filter((distance) => distance < 0.6);
      fc.pre(new Set(low).size === low.length);
      const { penalty } = repetitionPenalties(texts, ours);
      const moved = repetitionPenalties(
        order.map((i) => texts[i] as string),
        ours,
      ).penalty;
      assert.deepEqual(
        [...moved],
        order.map((i) => penalty[i]),
      );
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
    for (const options of [paper, ours]) assert.ok(cpuMilliseconds(() => repetitionPenalties(texts, options)) < 15_000);
  }
});
