import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../support/properties.ts';
import { decideIteration, type LabelledQuestion } from '../../activities/method/gate/gate-iteration.ts';
import { compareWithBound, decide } from '../../activities/method/gate/gate.ts';
import { getPreset, PRESET_NAMES, type FrozenGatePolicy } from '../../activities/method/presets.ts';
import { questionForm } from '../../activities/method/gate/question-form.ts';
import { permutation } from '../../activities/method/seeds.ts';

const policy = getPreset('default').gate;
const paper = getPreset('paper').gate;
const official = getPreset('official-code').gate;

/** In the band, so that nothing but copies is dropped. */
const labelled = (questions: readonly string[]): LabelledQuestion[] =>
  questions.map((question, id) => ({ id, question, label: '1', votes: 4, total: 8 }));

const reasons = (
  questions: readonly string[],
  {
    earlier = [],
    heldOut = [],
    gate = policy,
  }: { earlier?: string[]; heldOut?: string[]; gate?: FrozenGatePolicy } = {},
): string[] =>
  decideIteration({
    questions: labelled(questions),
    earlier: earlier.map((question, index) => ({ id: 1000 + index, question })),
    heldOut,
    policy: gate,
  }).map(({ reason }) => reason);

const rules = (duplicates: Partial<FrozenGatePolicy['duplicates']>): FrozenGatePolicy => ({
  ...policy,
  duplicates: { ...policy.duplicates, ...duplicates },
});

test('the band is inclusive and exact for every k of every m, under each policy', () => {
  const bands = {
    paper: [1, 4, 3, 4],
    'official-code': [3, 10, 4, 5],
    default: [1, 4, 3, 4],
  } as const;
  for (const name of PRESET_NAMES) {
    const { gate } = getPreset(name);
    const [a, b, c, d] = bands[name];
    for (let m = 1; m <= 128; m += 1) {
      for (let k = 0; k <= m; k += 1) {
        const expected = k * b < a * m ? 'below_band' : k * d > c * m ? 'above_band' : 'kept';
        assert.equal(decide({ question: 'q', label: '1', votes: k, total: m }, gate).reason, expected, `${k}/${m}`);
      }
    }
  }
});

test('shares are compared with a bound as fractions, never as rounded numbers', () => {
  assert.equal(compareWithBound(3, 10, { numerator: 3, denominator: 10 }), 0);
  fc.assert(
    fc.property(
      fc.nat(1000),
      fc.integer({ min: 1, max: 1000 }),
      fc.nat(100),
      fc.integer({ min: 1, max: 100 }),
      (a, b, c, d) => {
        assert.equal(compareWithBound(a, b, { numerator: c, denominator: d }), Math.sign(a * d - c * b));
      },
    ),
  );
});

test('each drop has its reason, in a fixed order of reasons', () => {
  const input = { question: 'q', label: '4', votes: 4, total: 8 };
  const exact = { id: 7, kind: 'exact', similarity: 1 } as const;
  const near = { id: 7, kind: 'near', similarity: 0.9 } as const;
  const reason = (change: object, gate: FrozenGatePolicy = policy): string =>
    decide({ ...input, ...change }, gate).reason;
  assert.equal(reason({}), 'kept');
  assert.equal(reason({ question: null }), 'invalid_question');
  assert.equal(reason({ question: ' ' }), 'invalid_question');
  assert.equal(reason({ question: ' ' }, official), 'kept');
  for (const label of [null, '', 'None']) assert.equal(reason({ label }), 'no_label');
  assert.equal(reason({ label: 'none' }), 'kept');
  for (const gate of [policy, paper, official]) {
    assert.equal(reason({ heldOut: exact }, gate), 'held_out');
    assert.equal(reason({ heldOut: near, votes: 8 }, gate), 'held_out');
  }
  assert.equal(reason({ question: 'a Box', duplicateOf: exact }, official), 'text_filter');
  assert.equal(reason({ votes: 1, duplicateOf: exact }), 'below_band');
  assert.equal(reason({ votes: 8, duplicateOf: exact }), 'above_band');
  assert.equal(reason({ tie: true }), 'kept');
  assert.equal(reason({ tie: true, duplicateOf: exact }, { ...policy, dropTies: true }), 'tie');
  assert.equal(reason({ duplicateOf: exact, earlierDuplicateOf: exact }), 'duplicate');
  assert.equal(reason({ duplicateOf: near, earlierDuplicateOf: exact }), 'duplicate_earlier');
  assert.equal(reason({ duplicateOf: near, earlierDuplicateOf: near }), 'near_duplicate');
  assert.equal(reason({ earlierDuplicateOf: near }), 'near_duplicate_earlier');
  assert.equal(reason({ duplicateOf: near }, rules({ withinIteration: 'exact' })), 'kept');
  assert.equal(reason({ earlierDuplicateOf: exact }, rules({ earlierIterations: 'none' })), 'kept');
  for (const gate of [paper, official])
    assert.equal(reason({ duplicateOf: exact, earlierDuplicateOf: exact }, gate), 'kept');
});

test('a decision carries everything that it was made from', () => {
  const [, copy, other] = decideIteration({
    questions: labelled(['Alice has 3 red apples. How many?', 'Bob has 3 red apples. How many?', 'Compute 5!']),
    earlier: [{ id: 41, question: 'compute $5!$' }],
    heldOut: new Set(['What is 2+2?', 'Compute 5!']),
    policy,
  });
  assert.deepEqual(copy, {
    id: 1,
    kept: true,
    reason: 'kept',
    policy: 'default',
    policyVersion: 2,
    inputs: {
      label: '1',
      votes: 4,
      total: 8,
      tie: null,
      duplicateOf: null,
      duplicateOfKind: null,
      duplicateOfSimilarity: null,
      earlierDuplicateOf: null,
      earlierDuplicateOfKind: null,
      earlierDuplicateOfSimilarity: null,
      heldOut: null,
      heldOutKind: null,
      heldOutSimilarity: null,
      lower: '1/4',
      upper: '3/4',
      textFilters: false,
      dropBlank: true,
      dropTies: false,
      withinIteration: 'near',
      earlierIterations: 'near',
      heldOutRule: 'near',
      similarity: '4/5',
    },
  });
  assert.equal(other?.reason, 'held_out');
  assert.deepEqual(
    [other.inputs['heldOut'], other.inputs['heldOutKind'], other.inputs['earlierDuplicateOf']],
    [1, 'exact', 41],
  );
  assert.deepEqual([other.inputs['earlierDuplicateOfKind'], other.inputs['earlierDuplicateOfSimilarity']], ['near', 1]);
});

test('the gate refuses impossible counts, empty bands and similarities', () => {
  const input = { question: 'q', label: '1', votes: 1, total: 8 };
  const error = (change: object, gate: FrozenGatePolicy, code: string, field: string): void =>
    assert.throws(() => decide({ ...input, ...change }, gate), { code, field });
  error({ votes: 9 }, policy, 'RunInputInvalid', 'votes');
  error({ votes: 0.5 }, policy, 'RunInputInvalid', 'votes');
  const empty = { ...policy, lower: policy.upper, upper: policy.lower };
  error({}, empty, 'PresetInvalid', 'gate.lower');
  for (const numerator of [0, 5]) {
    const gate = rules({ similarity: { numerator, denominator: 4 } });
    error({}, gate, 'PresetInvalid', 'gate.duplicates.similarity');
  }
});

test('the copies of a question are dropped with a reason of their own, each judged by its first', () => {
  const question = 'A train covers 60 miles in 2 hours. What is its speed?';
  const spaced = ` ${question.replaceAll(' ', '\n ')}`;
  const reworded = 'A bus covers 60 miles in 2 hours. Find its speed.';
  const long = 'Every morning Alice walks from her small blue house along the quiet river to school, 3 miles in all';
  const renamed = long.replace('Alice', 'Betty');
  assert.deepEqual(reasons([question, spaced]), ['kept', 'duplicate']);
  assert.deepEqual(reasons([long, renamed]), ['kept', 'near_duplicate']);
  assert.deepEqual(reasons([spaced], { earlier: [question] }), ['duplicate_earlier']);
  assert.deepEqual(reasons([renamed, renamed], { earlier: [long] }), ['near_duplicate_earlier', 'duplicate']);
  assert.deepEqual(reasons([renamed], { heldOut: [long] }), ['held_out']);
  assert.deepEqual(reasons([question, reworded]), ['kept', 'kept']);
  assert.deepEqual(reasons([question, reworded], { gate: rules({ similarity: { numerator: 1, denominator: 2 } }) }), [
    'kept',
    'near_duplicate',
  ]);
  for (const gate of [paper, official]) {
    assert.deepEqual(reasons([long, long, renamed], { earlier: [long], gate }), ['kept', 'kept', 'kept']);
  }
  const first = { ...labelled([question, question])[0]!, votes: 8 };
  const decided = decideIteration({
    questions: [first, { ...first, id: 1, votes: 4 }],
    earlier: [],
    heldOut: [],
    policy,
  });
  assert.deepEqual(
    decided.map(({ reason }) => reason),
    ['above_band', 'duplicate'],
  );
});

test('different sums are never copies of each other', () => {
  const sum = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 2, maxLength: 5 }).map((terms) => terms.join('+'));
  fc.assert(
    fc.property(fc.uniqueArray(sum, { maxLength: 40 }), (sums) => {
      assert.deepEqual(
        reasons(sums),
        sums.map(() => 'kept'),
      );
    }),
  );
});

const WORDS = ['apple', 'basket', 'carrot', 'garden', 'market', 'orange', '3', '4', '+', 'odd', 'A', 'the'];
const text = fc
  .array(fc.constantFrom(...WORDS), { minLength: 1, maxLength: 8 })
  .chain((words) => fc.constantFrom(' ', '  ', '\n').map((space) => words.join(space)));
const texts = fc.array(text, { maxLength: 60 });

test('decisions are a function of the questions alone', () => {
  fc.assert(
    fc.property(texts, texts, texts, (questions, earlier, heldOut) => {
      assert.deepEqual(reasons(questions, { earlier, heldOut }), reasons(questions, { earlier, heldOut }));
    }),
  );
});

test('their order decides only which of several copies is the first', () => {
  const gate = rules({ withinIteration: 'exact', earlierIterations: 'exact' });
  fc.assert(
    fc.property(texts, texts, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (questions, earlier, seed) => {
      const shuffled = Array.from(
        permutation(questions.length, seed.toString(16).padStart(16, '0')),
        (index) => questions[index]!,
      );
      const outcome = (order: readonly string[]): string[] =>
        reasons(order, { earlier, gate })
          .map((reason, index) => `${questionForm(order[index]!).exact}: ${reason}`)
          .toSorted();
      assert.deepEqual(outcome(shuffled), outcome(questions));
    }),
  );
});

test('in any order, no two judged questions are near each other and every copy points to one before it', () => {
  const near = (a: string, b: string): boolean => reasons([a, b])[1] !== 'kept';
  fc.assert(
    fc.property(fc.array(text, { maxLength: 15 }), (questions) => {
      const decided = decideIteration({ questions: labelled(questions), earlier: [], heldOut: [], policy });
      const judged = decided.filter(({ kept }) => kept).map(({ id }) => questions[id]!);
      judged.forEach((question, index) => {
        for (const other of judged.slice(index + 1)) assert.ok(!near(question, other), `${question} | ${other}`);
      });
      for (const { id, kept, inputs } of decided) {
        if (kept) continue;
        const first = inputs['duplicateOf'] as number;
        assert.ok(first < id && near(questions[first]!, questions[id]!), `${id} of ${first}`);
      }
    }),
  );
});
