import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type pg from 'pg';
import { CONTROL_NAMES, describeControl, trainingLabels } from '../../activities/control.ts';
import type { ControlName } from '../../activities/control.ts';
import type { RunInput } from '../../activities/contract.ts';
import { RZeroError } from '../../activities/errors.ts';
import { computeTruth } from '../../activities/method/oracle.ts';
import { recomputeRun } from '../../activities/recompute/recompute.ts';
import { resolveRunInput } from '../../activities/run-input.ts';
import { verifyRun } from '../../activities/verification/verify-run.ts';
import { ActivityRunner, TINY } from '../support/activities.ts';
import { createDatabase } from '../support/postgres.ts';
import { fc } from '../support/properties.ts';

const controls = CONTROL_NAMES.filter((name) => name !== 'none');

describe('what a control sets', () => {
  test('every control says what it changes, and "none" nothing', () => {
    for (const control of controls) assert.ok(describeControl(control), control);
    assert.equal(describeControl('none'), undefined);
    assert.equal(describeControl('toString'), undefined);
  });

  test('a control changes the fields it is about and no other', () => {
    const plain = resolveRunInput({}).config;
    const configOf = (control: ControlName) => ({ ...resolveRunInput({ control }).config, control: 'none' });
    for (const control of ['random-reward', 'shuffled-labels', 'oracle-labels'] as const) {
      assert.deepEqual(configOf(control), plain, control);
    }
    assert.deepEqual(configOf('frozen-challenger'), { ...plain, challenger: { ...plain.challenger, steps: 0 } });
    assert.deepEqual(configOf('no-repetition-penalty'), {
      ...plain,
      challenger: { ...plain.challenger, repetitionWeight: 0 },
    });
    assert.deepEqual(configOf('no-gate'), {
      ...plain,
      gate: { ...plain.gate, lower: 0, upper: 1, duplicates: { withinIteration: 'none', earlierIterations: 'none' } },
    });
  });

  test('a field that the control sets may be named with its value only', () => {
    const control = 'frozen-challenger';
    assert.equal(resolveRunInput({ control, challenger: { steps: 0 } }).config.challenger.steps, 0);
    assert.throws(
      () => resolveRunInput({ control, challenger: { steps: 4 } }),
      (error: unknown) =>
        error instanceof RZeroError &&
        error.code === 'RunInputInvalid' &&
        error.field === 'challenger.steps' &&
        /is 4, but the control "frozen-challenger" sets it to 0/.test(error.message),
    );
  });
});

test('shuffled labels are the same labels on other questions, the same for each step', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), fc.nat(), fc.integer({ min: 1, max: 9 }), (labels, seed, iteration) => {
      const dataset = labels.map((label, index) => ({ question: `question ${index}`, label }));
      const run = { control: 'shuffled-labels', seed };
      const shuffled = trainingLabels(run, iteration, dataset);
      assert.deepEqual(shuffled, trainingLabels(run, iteration, dataset));
      assert.deepEqual(
        shuffled.map(({ question }) => question),
        dataset.map(({ question }) => question),
      );
      assert.deepEqual(shuffled.map(({ label }) => label).sort(), [...labels].sort());
    }),
  );
});

test('an oracle labels what it can compute and leaves the vote to the rest', () => {
  const dataset = [
    { question: 'What is 3 + 4?', label: '8' },
    { question: 'How many apples are left?', label: '5' },
  ];
  const labelled = trainingLabels({ control: 'oracle-labels', seed: 1 }, 1, dataset);
  assert.deepEqual(
    labelled.map(({ label }) => label),
    ['7', '5'],
  );
});

describe('a control run on the real engine', () => {
  let pool: pg.Pool;
  let runner: ActivityRunner;
  const runOf = async (control: ControlName, input: RunInput = {}): Promise<string> => {
    await runner.open({ ...TINY, ...input, runId: control, control });
    for (const iteration of [0, 1]) await runner.iterate(control, iteration);
    return control;
  };
  const query = async <T extends object>(statement: string, runId: string): Promise<T[]> =>
    (await pool.query<T>(statement, [runId])).rows;
  const isConsistent = async (runId: string): Promise<void> => {
    const audit = await verifyRun(pool, { runId, dataDir: runner.deps.dataDir, codeVersion: '0.0.0-test' });
    assert.deepEqual(audit.mismatches, []);
    const { summary } = await recomputeRun(pool, { runId, dryRun: true, codeVersion: '0.0.0-test' });
    for (const { subject, rows, same } of summary) assert.equal(same, rows, subject);
  };

  before(async () => {
    ({ pool } = await createDatabase());
    runner = new ActivityRunner(pool);
  });

  test('oracle labels are what the Solver is rewarded for, and the votes stay as they were', async () => {
    const runId = await runOf('oracle-labels');
    const rollouts = await query<{ question: string; label: string }>(
      `select q.question, r.label from r_zero.rollouts r join r_zero.questions q using (question_id) where r.run_id = $1`,
      runId,
    );
    assert.ok(rollouts.length > 0);
    for (const { question, label } of rollouts) assert.equal(label, computeTruth(question)?.value);
    const wrong = await query<{ n: number }>(
      `select count(*)::int as n from r_zero.audits where run_id = $1 and not agrees`,
      runId,
    );
    assert.ok(wrong[0]!.n > 0, 'some majority labels are wrong, so the control makes a difference');
    await isConsistent(runId);
  });

  test('shuffled labels are dealt out among the kept questions', async () => {
    const runId = await runOf('shuffled-labels');
    const labels = await query<{ label: string; voted: string }>(
      `select distinct r.question_id, r.label, d.label as voted from r_zero.rollouts r
       join r_zero.dataset d using (run_id, iteration, question_id) where r.run_id = $1`,
      runId,
    );
    assert.ok(labels.some(({ label, voted }) => label !== voted));
    await isConsistent(runId);
  });

  test('without a gate every labelled question that is not held out is trained on', async () => {
    const runId = await runOf('no-gate');
    const dropped = await query<{ reason: string }>(
      `select distinct reason from r_zero.current_gate_decisions where run_id = $1 and not kept`,
      runId,
    );
    assert.deepEqual(
      dropped.filter(({ reason }) => !['no_label', 'held_out'].includes(reason)),
      [],
    );
    await isConsistent(runId);
  });

  test('a frozen Challenger is the base model', async () => {
    const runId = await runOf('frozen-challenger', { challenger: {} });
    const writers = await query<{ checkpoint_id: string; base: string }>(
      `select distinct q.checkpoint_id, r.base_checkpoint_id as base from r_zero.questions q
       join r_zero.runs r using (run_id) where run_id = $1`,
      runId,
    );
    assert.deepEqual(writers, [{ checkpoint_id: writers[0]!.base, base: writers[0]!.base }]);
    await isConsistent(runId);
  });
});
