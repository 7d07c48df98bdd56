import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  judgeHeldOut,
  judgeLabels,
  judgeMeaning,
  judgeQuestions,
  judgeRepeatedTexts,
  judgeSolveRates,
  judgeTraining,
} from '../../activities/alarms/judge.ts';
import type { Judgement } from '../../activities/alarms/judge.ts';
import { actionOf, alarmFields } from '../../activities/alarms/settings.ts';
import { wilsonInterval } from '../../activities/method/evaluation.ts';
import type { HeldOutReading, LabelsReading, TrainingReading } from '../../db/queries/alarm-readings.ts';
import { fc } from '../support/properties.ts';

const SETTINGS = alarmFields.parse({});

const raised = (judgements: readonly Judgement[]): string[] =>
  judgements.filter((judgement) => judgement.raised).map(({ alarm }) => alarm);

type Step = TrainingReading['steps'][number];

function training(change: (step: number) => Partial<Step> = () => ({}), steps = 8): TrainingReading {
  const healthy = { kl: 0.05, entropy: 0.5, clipFraction: 0, updates: 1, meanTokens: 20, groups: 16, spreadGroups: 12 };
  return { steps: Array.from({ length: steps }, (_, step) => ({ step, ...healthy, ...change(step) })) };
}

describe('training', () => {
  test('healthy numbers raise nothing', () => {
    assert.deepEqual(raised(judgeTraining(training(), SETTINGS)), []);
  });

  const faults: [string, (step: number) => Partial<Step>, string][] = [
    ['a policy that has gone far', () => ({ kl: 0.9 }), 'kl'],
    ['a policy that says one thing only', () => ({ entropy: 0.001 }), 'entropy'],
    ['a policy that says anything', () => ({ entropy: 9 }), 'entropy'],
    ['groups whose rewards are all the same', () => ({ spreadGroups: 0 }), 'rewardSpread'],
    ['answers that grow and grow', (step) => ({ meanTokens: 10 * 1.4 ** step }), 'lengths'],
    ['answers that shrink', (step) => ({ meanTokens: 100 / 1.4 ** step }), 'lengths'],
    ['a step whose tokens have other probabilities', (step) => ({ clipFraction: step === 4 ? 0.3 : 0 }), 'samplerGap'],
  ];
  for (const [what, change, alarm] of faults) {
    test(`${what} raises ${alarm} and nothing else`, () => {
      assert.deepEqual(raised(judgeTraining(training(change), SETTINGS)), [alarm]);
    });
  }

  test('several updates a step leave the clip bounds rightly', () => {
    assert.deepEqual(
      raised(
        judgeTraining(
          training(() => ({ clipFraction: 0.3, updates: 4 })),
          SETTINGS,
        ),
      ),
      [],
    );
  });

  test('updates that were not finite are left out, and none at all are nothing to judge', () => {
    const some = training((step) => (step < 5 ? {} : { kl: null, entropy: null, clipFraction: null }));
    assert.deepEqual(raised(judgeTraining(some, SETTINGS)), []);
    const none = judgeTraining(
      training(() => ({ kl: null, entropy: null, clipFraction: null }), 0),
      SETTINGS,
    );
    assert.deepEqual(raised(none), []);
    assert.ok(none.every(({ value, message }) => value === null && /Not judged|Nothing to judge/.test(message)));
  });
});

describe('questions and labels', () => {
  const labels = (audited: number, agreeing: number): LabelsReading => {
    const { estimate, high } = wilsonInterval(agreeing, audited);
    return { oracle: 'computed', audited, labelAccuracy: estimate, upper: high };
  };
  const questions = { generated: 400, valid: 380, distinct: 350, phraseShare: 0.2 };

  test('few questions of the right form, copies, and phrases that come again raise their alarms', () => {
    assert.deepEqual(raised(judgeQuestions(questions, questions, SETTINGS)), []);
    assert.deepEqual(raised(judgeQuestions({ ...questions, valid: 20, distinct: 20 }, questions, SETTINGS)), [
      'format',
    ]);
    assert.deepEqual(raised(judgeQuestions({ ...questions, distinct: 12 }, questions, SETTINGS)), ['diversity']);
    assert.deepEqual(raised(judgeQuestions({ ...questions, phraseShare: 0.01 }, questions, SETTINGS)), ['phrases']);
    assert.deepEqual(raised(judgeQuestions({ ...questions, phraseShare: 0.01 }, undefined, SETTINGS)), []);
  });

  test('distance in meaning is compared with the first iteration’s, with its interval', () => {
    const row = (iteration: number, distance: number, error = 0.01) => ({
      iteration,
      questions: 40,
      distance,
      error,
      vendi: 2,
    });
    assert.equal(judgeMeaning([row(1, 0.8), row(2, 0.3)], SETTINGS).raised, true);
    assert.equal(judgeMeaning([row(1, 0.8), row(2, 0.3, 0.1)], SETTINGS).raised, false);
    assert.equal(judgeMeaning([row(1, 0.8), row(2, 0.7)], SETTINGS).raised, false);
    for (const rows of [undefined, [], [row(1, 0.1)], [row(1, 0), row(2, 0)]]) {
      const { raised: isRaised, value } = judgeMeaning(rows, SETTINGS);
      assert.deepEqual([isRaised, value], [false, null]);
    }
  });

  test('one solve rate for all, and false labels, raise theirs', () => {
    assert.equal(judgeSolveRates({ labelled: 200, commonest: 200, pHat: 1 }, SETTINGS).raised, true);
    assert.equal(judgeSolveRates({ labelled: 200, commonest: 120, pHat: 1 }, SETTINGS).raised, false);
    assert.equal(judgeLabels(labels(200, 50), SETTINGS).raised, true);
    assert.equal(judgeLabels(labels(200, 130), SETTINGS).raised, false);
    assert.equal(judgeLabels(undefined, SETTINGS).raised, false);
  });

  test('a few rows are no reason for alarm', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 3 }), fc.nat(3), (audited, agreeing) => {
        if (audited === 0) return;
        assert.equal(judgeLabels(labels(audited, Math.min(audited, agreeing)), SETTINGS).raised, false);
      }),
    );
  });

  test('more true labels never raise what fewer do not', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), fc.nat(500), fc.nat(500), (audited, a, b) => {
        const [few, many] = [a, b].map((n) => n % (audited + 1)).sort((x, y) => x - y) as [number, number];
        const isRaised = (agreeing: number) => judgeLabels(labels(audited, agreeing), SETTINGS).raised;
        assert.ok(!isRaised(many) || isRaised(few));
      }),
    );
  });
});

describe('texts that come twice', () => {
  const repeated = (times: number, logProbability: number, texts: number) => ({
    texts,
    times,
    logProbability,
    logChance: (times - 1) * logProbability + times * Math.log(texts),
  });

  test('likely texts may, unlikely ones may not', () => {
    assert.equal(judgeRepeatedTexts(repeated(12, -3, 200), -25).raised, false);
    assert.equal(judgeRepeatedTexts(repeated(2, -12, 384), -25).raised, false);
    assert.equal(judgeRepeatedTexts(repeated(2, -60, 384), -25).raised, true);
    assert.equal(judgeRepeatedTexts(repeated(16, -12, 16), -25).raised, true);
    const none = { texts: 300, times: null, logProbability: null, logChance: null };
    assert.equal(judgeRepeatedTexts(none, -25).raised, false);
  });
});

describe('held-out questions', () => {
  const reading = (iteration: number, right: number, all = 400): HeldOutReading => ({
    iteration,
    correct: Array.from({ length: all }, (_, item) => item < right),
  });
  const judged = (...right: number[]): string[] =>
    raised(
      judgeHeldOut(
        right.map((count, iteration) => reading(iteration, count)),
        SETTINGS,
      ),
    );

  test('rising and wavering accuracy raises nothing', () => {
    assert.deepEqual(judged(100, 340, 380, 375, 378), []);
    assert.deepEqual(judged(100), []);
    // A fall that does not last.
    assert.deepEqual(judged(100, 380, 340, 379), []);
  });

  test('two iterations in a row below the best raise it, one does not', () => {
    assert.deepEqual(judged(100, 380, 350), []);
    assert.deepEqual(judged(100, 380, 350, 345), ['heldOut']);
  });

  test('an iteration below the base raises at once', () => {
    assert.deepEqual(judged(100, 60), ['belowBase']);
    assert.deepEqual(judged(100, 95), []);
  });
});

test('only serious alarms pause a run, none a control run, and a named action is taken in both', () => {
  assert.equal(actionOf(SETTINGS, 'labelAccuracy', 'none'), 'pause');
  assert.equal(actionOf(SETTINGS, 'lengths', 'none'), 'note');
  assert.equal(actionOf(SETTINGS, 'labelAccuracy', 'random-reward'), 'note');
  const named = alarmFields.parse({ lengths: { action: 'stop' } });
  assert.equal(actionOf(named, 'lengths', 'random-reward'), 'stop');
});
