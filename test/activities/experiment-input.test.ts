import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { actionOf } from '../../activities/alarms/settings.ts';
import type { AlarmName } from '../../activities/alarms/settings.ts';
import type { ExperimentInput } from '../../activities/contract.ts';
import { CONTROL_NAMES } from '../../activities/control.ts';
import { RZeroError } from '../../activities/errors.ts';
import { resolveExperiment } from '../../activities/experiment-input.ts';
import { VOTE_WEIGHTINGS } from '../../activities/method/vote-weights.ts';
import { resolveRunInput } from '../../activities/run-input.ts';
import { weightingOf } from '../../activities/voting.ts';
import { fc } from '../support/properties.ts';

describe('the input of an experiment', () => {
  test('nothing but a name is the ablations: both presets and every control, three seeds', () => {
    const { cells, iterations } = resolveExperiment({ experimentId: 'ablations' }, false);
    const settings = ['default', 'paper', ...CONTROL_NAMES.filter((name) => name !== 'none')];
    assert.deepEqual(
      cells.slice(0, settings.length).map(({ setting, seed }) => `${setting} ${seed}`),
      settings.map((setting) => `${setting} 1`),
    );
    assert.equal(cells.length, 3 * settings.length);
    assert.equal(iterations, undefined);
  });

  test('a known experiment gets no runs that nobody asked for', () => {
    assert.deepEqual(resolveExperiment({ experimentId: 'known', iterations: 3 }, true).cells, []);
    assert.equal(resolveExperiment({ experimentId: 'known', seeds: [4], settings: { a: {} } }, true).cells.length, 1);
  });

  test('a setting is laid over the base field by field, and leaves both as they were', () => {
    const base = { solver: { steps: 4, questions: 8 }, prompts: 'official' };
    const settings = { long: { solver: { steps: 9 } }, plain: {} };
    const before = structuredClone({ base, settings });
    const { cells } = resolveExperiment({ experimentId: 'e', base, settings, seeds: [7] }, false);
    const { alarms } = cells[0]!.input;
    const noted = { alarms };
    assert.deepEqual(cells, [
      {
        setting: 'long',
        seed: 7,
        runId: 'e-long-7',
        input: { ...noted, solver: { steps: 9, questions: 8 }, prompts: 'official' },
      },
      { setting: 'plain', seed: 7, runId: 'e-plain-7', input: { ...noted, ...base } },
    ]);
    assert.deepEqual({ base, settings }, before);
  });

  test('the file behind the published table has every preset, control and way to weigh a vote', async () => {
    const path = new URL('../experiments/ablations.json', import.meta.url);
    const { cells } = resolveExperiment(
      JSON.parse(await readFile(path, 'utf8')) as ExperimentInput & { experimentId: string },
      false,
    );
    const configs = cells.map(({ input }) => resolveRunInput(input).config);
    assert.deepEqual([...new Set(configs.map(({ control }) => control))].toSorted(), [...CONTROL_NAMES].toSorted());
    const weightings = configs.map((config) => weightingOf(config, 'generation'));
    assert.deepEqual([...new Set(weightings)].toSorted(), [...VOTE_WEIGHTINGS].toSorted());
    assert.ok(configs.some(({ preset }) => preset === 'paper'));
  });

  test('alarms that would stop a run are notes, so that a setting that goes wrong is compared as well', () => {
    const settings = { plain: {}, strict: { alarms: { heldOut: { action: 'stop', iterations: 1 } } } };
    const { cells } = resolveExperiment({ experimentId: 'e', settings, seeds: [1] }, false);
    const [plain, strict] = cells.map(({ input }) => resolveRunInput(input).config.alarms);
    const names = Object.keys(plain!).filter((name) => name !== 'rollback') as AlarmName[];
    const stopping = names.filter((name) => !['note', 'off'].includes(actionOf(plain!, name, 'none')));
    assert.deepEqual(stopping.toSorted(), ['samplerGap', 'sharedRandomness']);
    assert.deepEqual(strict!.heldOut, { action: 'stop', iterations: 1 });
    assert.equal(actionOf(strict!, 'belowBase', 'none'), 'note');
  });

  const refused: [string, ExperimentInput, string][] = [
    ['an unknown field', { seed: 1 } as ExperimentInput, 'seed'],
    ['no settings', { settings: {} }, 'settings'],
    ['no seeds', { seeds: [] }, 'seeds'],
    ['a setting whose name is a path', { settings: { '../a': {} } }, 'settings.../a'],
    ['a seed inside a setting', { settings: { a: { seed: 3 } } }, 'settings.a.seed'],
    ['a budget in the base', { base: { budget: { tokens: 1 } } }, 'base.budget'],
    ['a run that would be refused', { settings: { a: { solver: { steps: -1 } } } }, 'settings.a.solver.steps'],
    [
      'a control that the base speaks against',
      { base: { challenger: { steps: 2 } } },
      'settings.frozen-challenger.challenger.steps',
    ],
    ['more runs than anybody waits for', { seeds: Array.from({ length: 200 }, (_, seed) => seed) }, 'seeds'],
    ['no concurrency', { concurrency: 0 }, 'concurrency'],
  ];
  for (const [what, input, field] of refused) {
    test(`${what} is refused, and the message names ${field}`, () => {
      assert.throws(
        () => resolveExperiment({ experimentId: 'e', ...input }, false),
        (error: unknown) => error instanceof RZeroError && error.code === 'RunInputInvalid' && error.field === field,
      );
    });
  }

  test('whatever JSON comes in is either resolved or refused with a code', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.boolean(), (value, known) => {
        try {
          resolveExperiment(value as ExperimentInput, known);
        } catch (error) {
          assert.ok(error instanceof RZeroError, String(error));
        }
      }),
    );
  });
});
