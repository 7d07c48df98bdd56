import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fc } from '../support/properties.ts';
import { selectPrunings } from '../../activities/retention/select.ts';
import type { KeepPolicy, RunLineage } from '../../activities/retention/select.ts';
import type { UpdateRef } from '../../db/queries/checkpoints.ts';

interface Shape {
  iterations: number;
  challengerSteps: number;
  solverSteps: number;
  /** Steps whose update was skipped: the checkpoint after is the one before. */
  skipped: ReadonlySet<number>;
}

/** The training steps of a whole run in the order in which they run. */
function trainingOf({ iterations, challengerSteps, solverSteps, skipped }: Shape): UpdateRef[] {
  const at = { challenger: 'base', solver: 'base' };
  const updates: UpdateRef[] = [];
  for (let iteration = 1; iteration <= iterations; iteration++) {
    for (const role of ['challenger', 'solver'] as const) {
      const reference = at[role];
      for (let step = 0; step < (role === 'solver' ? solverSteps : challengerSteps); step++) {
        const before = at[role];
        at[role] = skipped.has(updates.length) ? before : `${role} ${iteration}.${step}`;
        updates.push({ role, iteration, step, before, after: at[role], reference });
      }
    }
  }
  return updates;
}

interface Opened {
  id: string;
  withOptimizer: boolean;
}

/** What the activities open from a point in the run on: see challenger-training.ts, solver-training.ts, generation.ts, voting.ts. */
function openedFrom(updates: readonly UpdateRef[], done: number, iteration: number): Opened[] {
  const opened: Opened[] = [{ id: 'base', withOptimizer: false }];
  for (const { before, reference, step } of updates.slice(done)) {
    opened.push({ id: before, withOptimizer: step > 0 }, { id: reference, withOptimizer: false });
  }
  const endOf = (role: string, last: number): string =>
    updates.filter((update) => update.role === role && update.iteration <= last).at(-1)?.after ?? 'base';
  const iterations = Math.max(iteration, ...updates.map((update) => update.iteration));
  for (let at = iteration; at <= iterations; at++) {
    // The Solver that answers, the Challenger that writes, the Solver that is evaluated.
    for (const id of [endOf('solver', at - 1), endOf('challenger', at), endOf('solver', at)])
      opened.push({ id, withOptimizer: false });
  }
  return opened;
}

const shapes = fc.record({
  iterations: fc.integer({ min: 1, max: 4 }),
  challengerSteps: fc.integer({ min: 1, max: 3 }),
  solverSteps: fc.integer({ min: 1, max: 3 }),
  skipped: fc.uniqueArray(fc.nat(23), { maxLength: 6 }).map((steps) => new Set(steps)),
});

const policies: fc.Arbitrary<KeepPolicy> = fc.oneof(
  fc.constant<KeepPolicy>({ kind: 'iterations' }),
  fc.constant<KeepPolicy>({ kind: 'last' }),
  fc.integer({ min: 1, max: 3 }).map((iterations): KeepPolicy => ({ kind: 'every', iterations })),
);

/** A run cut anywhere; the iteration at work is that of the next step, or the one before while its evaluation is missing. */
const cases = fc
  .record({
    shape: shapes,
    cut: fc.nat(),
    lingers: fc.boolean(),
    advancing: fc.boolean(),
    keep: policies,
    optimizerOnly: fc.boolean(),
  })
  .map(({ shape, cut, lingers, ...rest }) => {
    const updates = trainingOf(shape);
    const done = cut % (updates.length + 1);
    const next = updates[done]?.iteration ?? shape.iterations + 1;
    const last = updates[done - 1]?.iteration ?? next;
    return { updates, done, iteration: lingers ? last : next, ...rest };
  });

function select(
  { updates, done, iteration, advancing, keep, optimizerOnly }: typeof cases extends fc.Arbitrary<infer T> ? T : never,
  shared = new Set<string>(),
  carrying = new Set<string>(),
) {
  const lineage: RunLineage = {
    base: 'base',
    updates: updates.slice(0, done),
    superseded: [],
    iteration,
    advancing,
    shared,
    carrying,
  };
  return selectPrunings(lineage, { keep, optimizerOnly });
}

describe('a retention policy', () => {
  test('never gives up what the run opens later, however far it has come', () => {
    fc.assert(
      fc.property(cases, (run) => {
        const selected = select(run);
        for (const { id, withOptimizer } of openedFrom(run.updates, run.done, run.iteration)) {
          assert.notEqual(selected.get(id), 'weights', id);
          if (withOptimizer) assert.notEqual(selected.get(id), 'optimizer', id);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('never gives up a checkpoint that adapters lie on', () => {
    fc.assert(
      fc.property(cases, fc.nat(), (run, pick) => {
        const past = run.updates.slice(0, run.done);
        const carrying = past[pick % Math.max(1, past.length)]?.after ?? 'base';
        assert.equal(select(run, new Set(), new Set([carrying])).get(carrying), undefined);
      }),
    );
  });

  test('never gives up a checkpoint of another run, the newest of a role, or the iteration that is being advanced', () => {
    fc.assert(
      fc.property(cases, fc.nat(), (run, pick) => {
        const past = run.updates.slice(0, run.done);
        const other = past[pick % Math.max(1, past.length)]?.after;
        const selected = select(run, new Set(other === undefined ? [] : [other]));
        if (other !== undefined) assert.equal(selected.get(other), undefined);
        for (const role of ['challenger', 'solver']) {
          const newest = past.filter((update) => update.role === role).at(-1)?.after;
          if (newest !== undefined) assert.equal(selected.get(newest), undefined);
        }
        if (!run.advancing) return;
        for (const update of past.filter(({ iteration }) => iteration >= run.iteration)) {
          for (const id of [update.before, update.after, update.reference]) assert.equal(selected.get(id), undefined);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('with moments only, no weights go', () => {
    fc.assert(
      fc.property(cases, (run) => {
        const parts = [...select({ ...run, optimizerOnly: true }).values()];
        assert.ok(parts.every((part) => part === 'optimizer'));
      }),
    );
  });

  test('keeps the end of each iteration, of every n-th, or none', () => {
    const updates = trainingOf({ iterations: 4, challengerSteps: 2, solverSteps: 2, skipped: new Set() });
    const at = { updates, done: updates.length, iteration: 5, advancing: true, optimizerOnly: false };
    const keptOf = (keep: KeepPolicy): string[] => {
      const selected = select({ ...at, keep });
      return updates.map(({ after }) => after).filter((id) => selected.get(id) !== 'weights');
    };
    const ends = (...iterations: number[]): string[] =>
      iterations.flatMap((iteration) => [`challenger ${iteration}.1`, `solver ${iteration}.1`]);
    assert.deepEqual(keptOf({ kind: 'iterations' }), ends(1, 2, 3, 4));
    assert.deepEqual(keptOf({ kind: 'every', iterations: 2 }), ends(2, 4));
    assert.deepEqual(keptOf({ kind: 'every', iterations: 3 }), ends(3, 4));
    assert.deepEqual(keptOf({ kind: 'last' }), ends(4));
    // What is kept of the past is there to be used, not to be trained on from its middle.
    assert.equal(select({ ...at, keep: { kind: 'iterations' } }).get('solver 2.1'), 'optimizer');
    assert.equal(select({ ...at, keep: { kind: 'iterations' } }).get('solver 4.1'), undefined);
  });
});
