import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../support/properties.ts';
import { evaluationScores, meanInterval } from '../../activities/method/evaluation.ts';
import { getPreset } from '../../activities/method/presets.ts';
import { createRandom } from '../../activities/method/seeds.ts';

const preset = getPreset('default');

test('the interval of a mean is that of its items: estimate, bounds, a single item says nothing', () => {
  const { estimate, low, high } = meanInterval([0, 0.5, 1, 0.5]);
  const half = (1.959963984540054 * Math.sqrt(0.5 / 3)) / 2;
  assert.ok(Math.abs(estimate - 0.5) < 1e-15);
  assert.ok(Math.abs(low - (0.5 - half)) < 1e-12 && Math.abs(high - (0.5 + half)) < 1e-12);
  assert.deepEqual(meanInterval([1]), { estimate: 1, low: 0, high: 1 });
  assert.throws(() => meanInterval([]), { code: 'RunInputInvalid', field: 'values' });
});

test('the interval holds its estimate and stays within 0 and 1', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 30 }), (values) => {
      const { estimate, low, high } = meanInterval(values);
      assert.ok(low >= 0 && high <= 1 && low <= estimate + 1e-12 && high >= estimate - 1e-12);
    }),
  );
});

test('mean@k covers the truth 95 times in 100 although the samples of an item depend on each other', () => {
  const random = createRandom('0000000000000007');
  const items = 60;
  const samples = 8;
  let covered = 0;
  let coveredAsIfIndependent = 0;
  for (let round = 0; round < 1000; round += 1) {
    // An item is solved always, never, or half of the time: the mean is 1/2.
    const shares = Array.from({ length: items }, () => {
      const halves = random.below(3);
      const right = Array.from({ length: samples }, () => random.below(2) < halves).filter(Boolean).length;
      return right / samples;
    });
    const { estimate, low, high } = meanInterval(shares);
    if (low <= 0.5 && high >= 0.5) covered += 1;
    const half = 1.96 * Math.sqrt((estimate * (1 - estimate)) / (items * samples));
    if (Math.abs(estimate - 0.5) <= half) coveredAsIfIndependent += 1;
  }
  assert.ok(covered >= 920 && covered <= 975, `${covered} of 1000`);
  assert.ok(coveredAsIfIndependent < 700, `${coveredAsIfIndependent} of 1000`);
});

test('all scores of a set come with their intervals', () => {
  const items = [
    { answers: ['4', '4', '5'], truth: '4' },
    { answers: [null, '1/2', '0.5'], truth: '2/4' },
    { answers: ['7', '8', '9'], truth: '9' },
  ];
  const { passAt1, meanAtK, majorityAtK } = evaluationScores(items, preset);
  assert.ok(Math.abs(passAt1.estimate - 1 / 3) < 1e-12);
  assert.ok(Math.abs(meanAtK.estimate - 5 / 9) < 1e-12);
  assert.ok(Math.abs(majorityAtK.estimate - 2 / 3) < 1e-12);
  for (const { estimate, low, high } of [passAt1, meanAtK, majorityAtK]) assert.ok(low < estimate && estimate < high);
});
