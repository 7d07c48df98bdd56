import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fc } from '../support/properties.ts';
import { RZeroError } from '../../activities/errors.ts';
import { resolveRunInput } from '../../activities/run-input.ts';
import type { CommandRunner } from '../../infra/cli/command-runner.ts';
import { demoArguments, demoCommand, demoInput, isFinished, shellWord } from '../../infra/cli/demo-run.ts';
import type { DemoChoices } from '../../infra/cli/demo-run.ts';
import { SMALL_RUN } from '../../infra/models/small-run.ts';
import { createProgram } from '../../infra/cli/program.ts';
import { finishedRun, phaseState } from './support/snapshots.ts';

const runIdOf = (choices: DemoChoices) => demoInput(choices).runId;

const anyChoices = fc.record({
  seed: fc.nat(),
  control: fc.constantFrom('none', 'random-reward'),
  preset: fc.constantFrom('default', 'paper', 'official-code'),
});

const isCode = (code: string, field?: string) => (error: unknown) => {
  assert.ok(error instanceof RZeroError);
  assert.equal(error.code, code);
  if (field) assert.equal(error.field, field);
  return true;
};

describe('the demo’s run', () => {
  test('is named after what makes it another experiment', () => {
    assert.equal(runIdOf({}), 'demo');
    assert.equal(runIdOf({ seed: 1, control: 'none', preset: 'default' }), 'demo');
    assert.equal(runIdOf({ seed: 2 }), 'demo-seed-2');
    assert.equal(runIdOf({ control: 'random-reward' }), 'demo-random-reward');
    assert.equal(runIdOf({ control: 'random-reward', seed: 2 }), 'demo-random-reward-seed-2');
    assert.equal(runIdOf({ preset: 'paper', iterations: 9 }), 'demo-paper');
    assert.equal(runIdOf({ seed: 2, runId: 'mine' }), 'mine');
  });

  test('takes from --input what no option says', () => {
    const input = '{"seed": 7, "preset": "paper", "iterations": 4, "solver": {"steps": 3}}';
    const { runId, ...fields } = demoInput({ input });
    assert.match(runId, /^demo-paper-seed-7-input-[0-9a-f]{8}$/);
    assert.deepEqual(fields, { seed: 7, preset: 'paper', iterations: 4, solver: { steps: 3 } });
    assert.equal(demoInput({ input, seed: 8 }).seed, 8);
    assert.equal(runIdOf({ input: '{"runId": "mine"}' }), 'mine');
    assert.equal(runIdOf({ input: '{"runId": "mine"}', runId: 'yours' }), 'yours');
  });

  test('has a name of its own for further settings, whatever their order', () => {
    const name = runIdOf({ input: '{"solver": {"steps": 3}, "batchSize": 8}' });
    assert.equal(runIdOf({ input: '{"batchSize": 8, "solver": {"steps": 3}}' }), name);
    assert.notEqual(runIdOf({ input: '{"batchSize": 9, "solver": {"steps": 3}}' }), name);
    assert.notEqual(name, 'demo');
    assert.equal(runIdOf({ input: '{"iterations": 9}' }), 'demo');
  });

  test('on a packaged model is a small run, named after the model', () => {
    const input = demoInput({ model: 'smollm2-135m' });
    assert.deepEqual(input, { ...SMALL_RUN, model: 'smollm2-135m', runId: 'demo-smollm2-135m' });
    const { config, iterations } = resolveRunInput(input);
    assert.equal(iterations, 1);
    assert.equal(config.prompts, 'few-shot');
    assert.ok(config.gate.minimumQuestions >= config.solver.questions, 'no question is repeated within a step');
    assert.equal(
      runIdOf({ model: 'smollm2-135m', seed: 2, control: 'random-reward' }),
      'demo-smollm2-135m-random-reward-seed-2',
    );
    assert.equal(runIdOf({ input: '{"model": "smollm2-135m"}' }), 'demo-smollm2-135m');
    assert.equal(runIdOf({ model: 'builtin' }), 'demo');
  });

  test('lays what is asked for over the small run, field by field', () => {
    const input = demoInput({
      model: 'smollm2-135m',
      input: '{"challenger": {"rollouts": 12}, "seed": 3}',
      prompts: 'official',
    });
    assert.deepEqual(input['challenger'], { ...(SMALL_RUN['challenger'] as object), rollouts: 12 });
    assert.deepEqual(input['solver'], SMALL_RUN['solver']);
    assert.equal(input['prompts'], 'official');
    assert.match(input.runId, /^demo-smollm2-135m-seed-3-input-[0-9a-f]{8}$/);
    assert.throws(
      () => demoInput({ model: 'smollm2-135m', input: '{"challenger": {"rollouts": 7}}' }),
      isCode('RunInputInvalid', 'challenger.rollouts'),
    );
  });

  test('does not undo the extension of a stored run', () => {
    const choices = { model: 'smollm2-135m' };
    assert.equal(demoInput(choices, true).iterations, undefined);
    assert.equal(demoInput({ ...choices, iterations: 2 }, true).iterations, 2);
    assert.equal(demoInput(choices, true).runId, demoInput(choices).runId);
  });

  test('of another model has a name of its own, whatever the model is called', () => {
    assert.notEqual(runIdOf({ model: 'seed-2' }), runIdOf({ seed: 2 }));
    assert.notEqual(runIdOf({ model: './a' }), runIdOf({ model: './b' }));
  });

  test('different experiments never share a run', () => {
    fc.assert(
      fc.property(anyChoices, anyChoices, (a, b) => {
        const same = a.seed === b.seed && a.control === b.control && a.preset === b.preset;
        assert.equal(runIdOf(a) === runIdOf(b), same);
      }),
    );
  });

  test('the printed arguments lead to the same run again', () => {
    const more = fc.record({
      choices: anyChoices,
      runId: fc.option(fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,20}$/), { nil: undefined }),
      input: fc.constantFrom(undefined, '{"batchSize":8}'),
      model: fc.constantFrom(undefined, 'builtin', 'smollm2-135m', '/models/my model'),
      prompts: fc.constantFrom(undefined, 'few-shot', './mine.json'),
      dataDir: fc.constantFrom('.r-zero', '/tmp/elsewhere'),
    });
    fc.assert(
      fc.property(more, ({ choices, runId, input, model, prompts, dataDir }) => {
        const original = { ...choices, runId, input, model, prompts };
        let parsed: (DemoChoices & { dataDir: string }) | undefined;
        const runner: CommandRunner = {
          exitCode: 0,
          run: (options) => Promise.resolve(void (parsed = options as unknown as DemoChoices & { dataDir: string })),
        };
        const program = createProgram({ version: '0', runner });
        const words = demoArguments(original, dataDir).map((word) => word.replace(/^'(.*)'$/, '$1'));
        program.parse(['demo', ...words], { from: 'user' });
        assert.ok(parsed);
        assert.deepEqual(demoInput(parsed), demoInput(original));
        assert.equal(parsed.dataDir, dataDir);
      }),
      { numRuns: 50 },
    );
  });

  test('is continued the way it was started', () => {
    assert.equal(demoCommand(['--seed', '2'], { npm_lifecycle_event: 'start' }), 'npm start -- --seed 2');
    assert.equal(demoCommand([], { npm_lifecycle_event: 'start' }), 'npm start');
    assert.equal(demoCommand(['--seed', '2'], {}), 'npx r-zero demo --seed 2');
    assert.equal(shellWord(`it's here`), `'it'\\''s here'`);
  });

  test('checks every field before anything is started', () => {
    assert.throws(() => demoInput({ input: '{"votes": 3}' }), isCode('RunInputInvalid', 'votes'));
    assert.throws(
      () => demoInput({ input: '{"labelling": {"votes": 0}}' }),
      isCode('RunInputInvalid', 'labelling.votes'),
    );
  });

  test('is finished when everything asked for is stored', () => {
    const input = demoInput({});
    assert.equal(isFinished(finishedRun(), input), true);
    assert.equal(isFinished(finishedRun(), demoInput({ iterations: 2 })), true);
  });

  test('is not finished when more is asked for, or something is missing', () => {
    assert.equal(isFinished(finishedRun(), demoInput({ iterations: 3 })), false);
    assert.equal(isFinished(finishedRun({ status: 'running' }), demoInput({})), false);
    const run = finishedRun();
    run.phases[3] = phaseState(1, 'labelling', { unitsDone: 3 });
    assert.equal(isFinished(run, demoInput({})), false);
    assert.equal(isFinished(finishedRun({ iterations: 3 }), demoInput({})), false);
  });

  test('refuses settings that the stored run does not have, naming them', () => {
    const input = demoInput({ seed: 7, runId: 'demo' });
    assert.throws(() => isFinished(finishedRun(), input), isCode('RunConflict', 'seed'));
  });
});
