import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../support/properties.ts';
import { resolveRunInput } from '../../activities/run-input.ts';
import { datasetYield, judgeYield, tooFewQuestions } from '../../activities/yield-guard.ts';
import type { RunInput } from '../../activities/contract.ts';

const config = (input: RunInput) => resolveRunInput(input).config;

test('the yield says how many questions a step needs and how many are missing', () => {
  const settings = config({ solver: { questions: 48 } });
  assert.deepEqual(datasetYield(settings, 60), { kept: 60, needed: 48, short: 0 });
  assert.deepEqual(datasetYield(settings, 47), { kept: 47, needed: 48, short: 1 });
  assert.deepEqual(datasetYield(settings, 0), { kept: 0, needed: 48, short: 48 });
  assert.deepEqual(datasetYield(config({ solver: { steps: 0 } }), 0), { kept: 0, needed: 0, short: 0 });
});

test('below the minimum a run parks or skips as configured, and never trains', () => {
  const verdict = (kept: number, input: RunInput) => judgeYield(config(input), kept);
  assert.equal(verdict(8, { gate: { minimumQuestions: 8 } }), 'train');
  assert.equal(verdict(7, { gate: { minimumQuestions: 8 } }), 'park');
  assert.equal(verdict(7, { gate: { minimumQuestions: 8, onTooFew: 'skip' } }), 'skip');
  assert.equal(verdict(7, { gate: { minimumQuestions: 8 }, control: 'random-reward' }), 'skip');
  assert.equal(verdict(7, { gate: { minimumQuestions: 8, onTooFew: 'park' }, control: 'random-reward' }), 'park');
  fc.assert(
    fc.property(
      fc.nat(50),
      fc.integer({ min: 1, max: 50 }),
      fc.constantFrom('park', 'skip'),
      (kept, least, onTooFew) => {
        const trains = verdict(kept, { gate: { minimumQuestions: least, onTooFew } }) === 'train';
        assert.equal(trains, kept >= least);
        assert.ok(!trains || kept > 0);
      },
    ),
  );
});

test('the message of a parked run counts where the questions went, and says what to do', () => {
  const { message, code, field, retryable } = tooFewQuestions(config({}), 3, 2, [
    { stage: 'gate', reason: 'above_band', questions: 300 },
    { stage: 'gate', reason: 'duplicate_earlier', questions: 62 },
    { stage: 'parsing', reason: 'no_boxed_answer', questions: 20 },
  ]);
  assert.equal(
    message,
    'Iteration 3 kept 2 of 384 questions; training the Solver needs 8. The gate dropped: 300 above_band, ' +
      '62 duplicate_earlier. Not parsed: 20 no_boxed_answer. Start a run with a wider band (gate.lower, gate.upper), looser ' +
      'gate.duplicates, more labelling.questions, or gate.onTooFew "skip".',
  );
  assert.deepEqual([code, field, retryable], ['TooFewQuestions', 'gate.minimumQuestions', false]);
});
