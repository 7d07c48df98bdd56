/** The paired bootstrap against what is known of it otherwise. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createRandom } from '../../activities/method/seeds.ts';
import { RESAMPLES, percentileInterval, resampledMean } from '../../activities/method/paired-bootstrap.ts';

const SEED = '0123456789abcdef';

const meansOf = (differences: Float64Array, count: number, seed = SEED): number[] =>
  Array.from({ length: count }, (_, resample) => resampledMean(differences, seed, resample));

const intervalOf = (values: readonly number[], count = RESAMPLES, seed = SEED) => {
  const differences = Float64Array.from(values);
  return percentileInterval(differences, meansOf(differences, count, seed));
};

const close = (actual: number, expected: number, by: number): void =>
  assert.ok(Math.abs(actual - expected) <= by, `${actual} is not within ${by} of ${expected}`);

describe('paired bootstrap', () => {
  // scipy.stats.bootstrap(method='percentile', n_resamples=400000), scipy 1.17.1, three seeds with the same result.
  test("agrees with scipy's percentile intervals", () => {
    const found = intervalOf(Array.from({ length: 60 }, (_, i) => (((i * 7919) % 13) - 5) / 8));
    close(found.difference, 0.11458333333333333, 1e-12);
    close(found.lower, -0.00625, 0.006);
    close(found.upper, 0.23541666666666666, 0.006);
    const answers = intervalOf([...Array(30).fill(1), ...Array(60).fill(0), ...Array(10).fill(-1)] as number[]);
    close(answers.difference, 0.2, 1e-12);
    close(answers.lower, 0.08, 0.0101);
    close(answers.upper, 0.32, 0.0101);
  });

  test('draws as all resamples of a few questions are distributed', () => {
    const values = [0, 0.25, 1, -1, 0.5];
    const exact = new Map<number, number>();
    for (let number = 0; number < 5 ** 5; number += 1) {
      const sum = [0, 1, 2, 3, 4].reduce((total, place) => total + values[Math.floor(number / 5 ** place) % 5]!, 0);
      exact.set(sum / 5, (exact.get(sum / 5) ?? 0) + 1 / 5 ** 5);
    }
    const count = 40_000;
    const drawn = new Map<number, number>();
    for (const mean of meansOf(Float64Array.from(values), count)) drawn.set(mean, (drawn.get(mean) ?? 0) + 1 / count);
    for (const mean of drawn.keys()) assert.ok(exact.has(mean), `${mean} cannot be drawn`);
    // Four standard errors of a share.
    for (const [mean, share] of exact)
      close(drawn.get(mean) ?? 0, share, 4 * Math.sqrt((share * (1 - share)) / count) + 1e-9);
  });

  test('covers the true difference about as often as it says', () => {
    const random = createRandom(SEED);
    // Each question is better by one with a chance of 0.3, and worse with 0.1.
    const draw = (): number => [1, 1, 1, 0, 0, 0, 0, 0, 0, -1][random.below(10)]!;
    const trials = 300;
    let covered = 0;
    for (let trial = 0; trial < trials; trial += 1) {
      const { lower, upper } = intervalOf(Array.from({ length: 80 }, draw), 400);
      if (lower <= 0.2 && 0.2 <= upper) covered += 1;
    }
    close(covered / trials, 0.95, 0.05);
  });

  test('is the same however it is cut, another with another seed, and a point where nothing differs', () => {
    const differences = Float64Array.from({ length: 30 }, (_, index) => (index % 3) - 1);
    assert.equal(resampledMean(differences, SEED, 7), meansOf(differences, 8)[7]);
    assert.notDeepEqual(meansOf(differences, 20), meansOf(differences, 20, 'fedcba9876543210'));
    assert.equal(
      new Set(
        meansOf(
          Float64Array.from({ length: 400 }, (_, i) => Math.sin(i)),
          2_000,
        ),
      ).size,
      2_000,
    );
    assert.deepEqual(intervalOf([0.5, 0.5, 0.5]), { difference: 0.5, lower: 0.5, upper: 0.5 });
    assert.throws(() => intervalOf([]), { code: 'RunInputInvalid', field: 'differences' });
  });
});
