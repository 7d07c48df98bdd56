import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fc } from '../support/properties.ts';
import { conflictingFields, resolveRunInput } from '../../activities/run-input.ts';
import { RZeroError } from '../../activities/errors.ts';
import type { RunInput } from '../../activities/contract.ts';

const JUDGE = { baseUrl: 'http://127.0.0.1:1/v1', model: 'm' };

describe('run input', () => {
  test('nothing at all, null and {} all mean the demo run', () => {
    const demo = resolveRunInput({});
    assert.deepEqual(resolveRunInput(undefined), demo);
    assert.deepEqual(resolveRunInput(null), demo);
    assert.equal(demo.iterations, 3);
    assert.equal(demo.config.preset, 'default');
  });

  const refused: [string, RunInput, string][] = [
    ['an unknown field', { sede: 1 }, 'sede'],
    ['an unknown field of a section', { solver: { learningrate: 1 } }, 'solver.learningrate'],
    ['a number out of range', { solver: { learningRate: -1 } }, 'solver.learningRate'],
    ['a wrong type', { seed: 'one' }, 'seed'],
    ['a fraction for a count', { iterations: 1.5 }, 'iterations'],
    ['a group size that does not divide', { challenger: { rollouts: 10, groupSize: 4 } }, 'challenger.rollouts'],
    ['a band the wrong way round', { gate: { lower: 0.8, upper: 0.2 } }, 'gate.lower'],
    ['a run name that is a path', { runId: '../../etc' }, 'runId'],
    ['an unknown preset', { preset: 'best' }, 'preset'],
    ['adapters without a rank', { solver: { lora: {} } }, 'solver.lora.r'],
    ['a rank of none', { challenger: { lora: { r: 0 } } }, 'challenger.lora.r'],
    ['an unknown field of adapters', { solver: { lora: { r: 4, lora_alpha: 8 } } }, 'solver.lora.lora_alpha'],
    ['an unknown matrix', { solver: { lora: { r: 4, targetModules: ['lm_head'] } } }, 'solver.lora.targetModules'],
    ['no matrix', { solver: { lora: { r: 4, targetModules: [] } } }, 'solver.lora.targetModules'],
    ['no anchors', { oracles: { anchors: { questions: 0 } } }, 'oracles.anchors.questions'],
    ['an unknown oracle', { oracles: { human: {} } }, 'oracles.human'],
    ['an unknown field of a judge', { oracles: { judge: { ...JUDGE, apiKey: 'k' } } }, 'oracles.judge.apiKey'],
    ['a judge nowhere', { oracles: { judge: { model: 'm' } } }, 'oracles.judge.baseUrl'],
    [
      'a judge behind a file',
      { oracles: { judge: { ...JUDGE, baseUrl: 'file:///etc/passwd' } } },
      'oracles.judge.baseUrl',
    ],
    [
      'a secret in an address',
      { oracles: { judge: { ...JUDGE, baseUrl: 'http://me:secret@host/v1' } } },
      'oracles.judge.baseUrl',
    ],
    [
      'a key in an address',
      { oracles: { judge: { ...JUDGE, baseUrl: 'http://host/v1?key=secret' } } },
      'oracles.judge.baseUrl',
    ],
    ['an array', [] as unknown as RunInput, 'input'],
    ['not a number', { seed: Number.NaN }, 'seed'],
    ['an unknown way of recomputing', { recompute: 'sometimes' }, 'recompute'],
    ['an unknown schedule', { solver: { learningRateSchedule: 'step' } }, 'solver.learningRateSchedule'],
    ['a minimum above the rate', { solver: { minimumLearningRateRatio: 1.1 } }, 'solver.minimumLearningRateRatio'],
    [
      'a minimum without a decay',
      { challenger: { minimumLearningRateRatio: 0.1 } },
      'challenger.minimumLearningRateRatio',
    ],
    ['a decay without a step', { solver: { steps: 5, learningRateSchedule: 'cosine' } }, 'solver.warmupSteps'],
    ['a share above all', { solver: { minP: 1.5 } }, 'solver.minP'],
    ['a greedy role', { solver: { temperature: 0 } }, 'solver.temperature'],
    ['a temperature without bounds', { challenger: { temperature: 1e3 } }, 'challenger.temperature'],
  ];
  for (const [what, input, field] of refused) {
    test(`${what} is refused, and the message names ${field}`, () => {
      assert.throws(
        () => resolveRunInput(input),
        (error: unknown) =>
          error instanceof RZeroError &&
          error.code === 'RunInputInvalid' &&
          error.field === field &&
          error.message.includes(field),
      );
    });
  }

  test('whatever JSON comes in is either resolved or refused with a code', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        try {
          resolveRunInput(value as RunInput);
        } catch (error) {
          assert.ok(error instanceof RZeroError && error.code === 'RunInputInvalid' && error.field !== undefined);
        }
      }),
    );
  });

  test('a continued run may repeat its settings, and is told which of them differ', () => {
    const stored = resolveRunInput({ seed: 3, solver: { steps: 5 } }).config;
    const ask = (input: RunInput) => conflictingFields(resolveRunInput(input).given, stored);
    assert.deepEqual(ask({}), []);
    assert.deepEqual(ask({ seed: 3, iterations: 9, runId: 'x', solver: { steps: 5 } }), []);
    assert.deepEqual(ask({ seed: 4, solver: { steps: 6 } }), ['seed', 'solver.steps']);
    assert.deepEqual(ask({ solver: { lora: { r: 4 } } }), ['solver.lora.r']);
  });

  test('adapters are of all linear layers unless it is said of which, and a list of them is one setting', () => {
    const { config } = resolveRunInput({ challenger: { lora: { r: 8 } } });
    assert.deepEqual(config.challenger.lora, { r: 8, loraAlpha: 32, targetModules: 'all-linear' });
    assert.equal(config.solver.lora, undefined);
    const lora = { r: 4, targetModules: ['q_proj', 'v_proj'] };
    const stored = resolveRunInput({ solver: { lora } }).config;
    const ask = (targetModules: unknown): string[] =>
      conflictingFields(resolveRunInput({ solver: { lora: { r: 4, targetModules } } }).given, stored);
    assert.deepEqual(ask(['q_proj', 'v_proj']), []);
    for (const other of [['q_proj'], ['q_proj', 'v_proj', 'k_proj'], 'all-linear']) {
      assert.deepEqual(ask(other), ['solver.lora.targetModules']);
    }
  });
});
