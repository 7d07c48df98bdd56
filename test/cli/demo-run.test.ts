import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { RZeroError } from '../../activities/errors.ts';
import type { CommandRunner } from '../../infra/cli/command-runner.ts';
import { demoArguments, demoCommand, demoInput, isFinished, shellWord } from '../../infra/cli/demo-run.ts';
import type { DemoChoices } from '../../infra/cli/demo-run.ts';
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
      dataDir: fc.constantFrom('.r-zero', '/tmp/elsewhere'),
    });
    fc.assert(
      fc.property(more, ({ choices, runId, input, dataDir }) => {
        const original = { ...choices, runId, input };
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
