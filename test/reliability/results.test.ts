/** What the matrix says of runs, checked with made-up ones: a matrix that cannot say "lost" proves nothing. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FAULTS } from './faults/index.ts';
import { Plan } from './matrix/plan.ts';
import { failuresOf, renderMatrix, totalsOf } from './matrix/results.ts';
import { compareRows } from './matrix/stored-rows.ts';
import type { Blow, StruckRun } from './matrix/struck-run.ts';

const ROWS = { questions: [0, 1, 2].map((item) => ({ iteration: 1, unit: 0, item, completion: `what is ${item}?` })) };
const BLOW: Blow = { fault: 'SIGKILL of the engine', phase: 'labelling', at: new Date(0), repeated: 1, parked: [] };
const GOOD: StruckRun = {
  runId: 'struck-1',
  blows: [BLOW],
  finished: true,
  lost: 0,
  duplicated: 0,
  unequal: [],
  problems: [],
  seconds: 9,
};

describe('stored rows', () => {
  test('equal ones show no difference', () => {
    assert.deepEqual(compareRows(ROWS, structuredClone(ROWS)), { lost: 0, duplicated: 0, unequal: [] });
  });

  test('a row that is missing, one more, and one that says something else are told apart', () => {
    const [first, second, third] = ROWS.questions;
    assert.equal(compareRows(ROWS, { questions: [first!, third!] }).lost, 1);
    assert.equal(compareRows(ROWS, {}).lost, 3);
    assert.equal(compareRows(ROWS, { questions: [...ROWS.questions, second!] }).duplicated, 1);
    const { unequal } = compareRows(ROWS, { questions: [first!, { ...second!, completion: 'why?' }, third!] });
    assert.equal(unequal.length, 1);
  });
});

describe('the verdict', () => {
  test('a good run has none', () => {
    assert.deepEqual(failuresOf([GOOD]), []);
    const totals = { faults: 1, finished: 1, lost: 0, duplicated: 0, hashesEqual: true, repeatedAtMost: 1 };
    assert.deepEqual(totalsOf([GOOD]), totals);
    assert.match(renderMatrix(FAULTS, [GOOD]), /SIGKILL of the engine +\| +\| +\| 1 /);
  });

  for (const [what, change] of Object.entries<Partial<StruckRun>>({
    'a lost row': { lost: 1 },
    'a duplicated row': { duplicated: 1 },
    'a different row': { unequal: ['updates: 1'] },
    'no end': { finished: false },
    'a broken rule': { problems: ['a planned unit is missing (1)'] },
    'two repeated units': { blows: [{ ...BLOW, repeated: 2 }] },
    'a worker that does not end': { blows: [{ ...BLOW, problem: 'the worker ends within its grace time' }] },
  })) {
    test(`${what} is one, and marked in the table`, () => {
      const run = { ...GOOD, ...change };
      assert.equal(failuresOf([GOOD, run]).length, 1);
      assert.match(renderMatrix(FAULTS, [GOOD, run]), /✗/);
      assert.equal(totalsOf([run]).hashesEqual, run.finished && run.unequal.length === 0);
    });
  }
});

describe('the plan', () => {
  const cellsOf = (seed: number): string[] => {
    const plan = new Plan(FAULTS, seed);
    const cells: string[] = [];
    for (let run = plan.next(); run; run = plan.next()) {
      assert.equal(new Set(run.cells.map(({ phase }) => phase)).size, run.cells.length);
      cells.push(...run.cells.map(({ fault, phase }) => `${fault.name} ${phase}`));
    }
    return cells;
  };

  test('holds every fault in every phase where it can do anything, once, and at least a hundred of them', () => {
    const cells = cellsOf(1);
    const wanted = FAULTS.flatMap(({ name, phases }) => phases.map((phase) => `${name} ${phase}`));
    assert.deepEqual([...cells].sort(), [...wanted].sort());
    assert.ok(cells.length >= 100, `${cells.length}`);
  });

  test('is in the order of its seed', () => {
    assert.deepEqual(cellsOf(1), cellsOf(1));
    assert.notDeepEqual(cellsOf(1), cellsOf(2));
  });
});
