import assert from 'node:assert/strict';
import { test } from 'node:test';
import { learningRateAt } from '../../activities/method/learning-rate.ts';
import type { LearningRateSettings } from '../../activities/method/learning-rate.ts';
import { fc } from '../support/properties.ts';

const WARM_UP = 4;
const TOTAL = 12;

/** Factors of steps 4 to 11 as transformers 5.24.0 computes them, 4 warm-up steps of 12, the last with `min_lr_rate` 0.1. */
const TRANSFORMERS: [Partial<LearningRateSettings>, number[]][] = [
  [{ learningRateSchedule: 'constant' }, [1, 1, 1, 1, 1, 1, 1, 1]],
  [{ learningRateSchedule: 'linear' }, [1, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125]],
  [
    { learningRateSchedule: 'cosine' },
    [
      1, 0.9619397662556434, 0.8535533905932737, 0.6913417161825449, 0.5, 0.30865828381745514, 0.14644660940672627,
      0.03806023374435663,
    ],
  ],
  [
    { learningRateSchedule: 'cosine', minimumLearningRateRatio: 0.1 },
    [
      1, 0.9657457896300791, 0.8681980515339464, 0.7222075445642904, 0.55, 0.3777924554357096, 0.23180194846605365,
      0.13425421036992097,
    ],
  ],
];

for (const [settings, factors] of TRANSFORMERS) {
  const minimum = settings.minimumLearningRateRatio ?? 0;
  test(`after the warm-up, ${settings.learningRateSchedule} to ${minimum} has transformers' factors`, () => {
    const rates = factors.map((_, index) =>
      learningRateAt({ learningRate: 1, warmupSteps: WARM_UP, ...settings }, WARM_UP + index, TOTAL),
    );
    rates.forEach((rate, index) =>
      assert.ok(Math.abs(rate - factors[index]!) < 1e-15, `${rate}, not ${factors[index]}`),
    );
  });
}

test('the warm-up rises from its first share, so that no step is thrown away', () => {
  for (const learningRateSchedule of ['constant', 'linear', 'cosine'] as const) {
    const settings = { learningRate: 8, warmupSteps: WARM_UP, learningRateSchedule };
    assert.deepEqual(
      [0, 1, 2, 3, 4].map((step) => learningRateAt(settings, step, TOTAL)),
      [2, 4, 6, 8, 8],
    );
  }
});

test('a configuration stored before there were schedules means a constant rate', () => {
  assert.equal(learningRateAt({ learningRate: 0.3, warmupSteps: 0 }, 7, 8), 0.3);
});

test('every step of every schedule trains, never above the learning rate, never below the minimum, and never rising again', () => {
  const settings = fc.record({
    learningRate: fc.double({ min: 1e-9, max: 1, noNaN: true }),
    warmupSteps: fc.nat(20),
    learningRateSchedule: fc.constantFrom('constant', 'linear', 'cosine'),
    minimumLearningRateRatio: fc.double({ min: 0, max: 1, noNaN: true }),
  }) as fc.Arbitrary<LearningRateSettings & { minimumLearningRateRatio: number }>;
  fc.assert(
    fc.property(settings, fc.integer({ min: 1, max: 60 }), (given, total) => {
      const rates = Array.from({ length: total }, (_, step) => learningRateAt(given, step, total));
      const { learningRate, warmupSteps, minimumLearningRateRatio } = given;
      for (const [step, rate] of rates.entries()) {
        assert.ok(rate > 0 && rate <= learningRate * (1 + 1e-12), `step ${step}: ${rate}`);
        if (step < warmupSteps) continue;
        assert.ok(rate >= learningRate * minimumLearningRateRatio * (1 - 1e-12), `step ${step}: ${rate}`);
        if (step > warmupSteps) assert.ok(rate <= rates[step - 1]! * (1 + 1e-12), `step ${step} rises to ${rate}`);
      }
    }),
  );
});
