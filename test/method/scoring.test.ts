import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../support/properties.ts';
import { cpuMilliseconds } from './cpu-time.ts';
import { batchAdvantages, groupAdvantages } from '../../activities/method/advantages.ts';
import { isWorked, majorityAtK, meanAtK, passAt1, wilsonInterval } from '../../activities/method/evaluation.ts';
import { clippedTokenLoss, grpoObjective, k3 } from '../../activities/method/grpo-reference.ts';
import { computeTruth } from '../../activities/method/oracle.ts';
import { getPreset, PRESET_NAMES, type PresetName } from '../../activities/method/presets.ts';
import { coin, createRandom, deriveSeed, permutation, type SeedParts } from '../../activities/method/seeds.ts';
import { solverReward } from '../../activities/method/solver-reward.ts';

const preset = getPreset('default');

test('presets are frozen through and through, unknown names are refused', () => {
  assert.throws(() => Object.assign(preset.gate.lower, { numerator: 9 }), TypeError);
  assert.throws(() => getPreset('mine' as PresetName), { code: 'PresetInvalid', field: 'preset' });
  assert.throws(() => getPreset('toString' as PresetName), { code: 'PresetInvalid' });
});

test('the default and paper Solver reward is 0 or 1', () => {
  assert.deepEqual(solverReward('so \\boxed{2/4}', '0.5', preset), {
    total: 1,
    accuracy: 1,
    format: 0,
    extracted: '2/4',
    incomparable: false,
  });
  assert.deepEqual(solverReward('no box', '4', preset), {
    total: 0,
    accuracy: 0,
    format: 0,
    extracted: null,
    incomparable: false,
  });
  assert.equal(solverReward('<think>x</think>\\boxed{5}', '4', getPreset('paper')).total, 0);
  assert.equal(solverReward('\\boxed{4}', '4', getPreset('paper')).total, 1);
});

test('an answer beyond the bounds earns nothing, and the reward says that it was not compared', () => {
  for (const name of PRESET_NAMES) {
    for (const answer of ['9^9^9^9', '7'.repeat(5000)]) {
      const { accuracy, incomparable } = solverReward(`\\boxed{${answer}}`, '4', getPreset(name));
      assert.deepEqual({ accuracy, incomparable }, { accuracy: 0, incomparable: true });
    }
  }
});

test('a percent sign in an answer is read as the question asks', () => {
  const reward = (question: string) => solverReward('\\boxed{50\\%}', '1/2', preset, { question }).accuracy;
  assert.equal(reward('What is the probability of heads?'), 1);
  assert.equal(reward('What percent of the balls are red?'), 0);
});

test('the official Solver reward runs in linear time on long runs of spaces', () => {
  const text = `${' '.repeat(1_000_000)}x`;
  assert.ok(cpuMilliseconds(() => solverReward(text, '4', getPreset('official-code'))) < 1000);
});

test('advantages have mean 0, unbiased deviation 1, and are zero without spread', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: -2, max: 2, noNaN: true }), { minLength: 2, maxLength: 16 }), (rewards) => {
      const advantages = [...groupAdvantages(rewards)];
      const mean = advantages.reduce((sum, value) => sum + value, 0) / rewards.length;
      assert.ok(Math.abs(mean) < 1e-6);
      const spread = Math.max(...rewards) - Math.min(...rewards);
      const variance = advantages.reduce((sum, value) => sum + value ** 2, 0) / (rewards.length - 1);
      if (spread === 0) assert.ok(advantages.every((value) => value === 0));
      if (spread > 0.1) assert.ok(Math.abs(variance - 1) < 1e-3);
    }),
  );
  assert.deepEqual([...batchAdvantages([1, 1, 0, 0], 2)], [0, 0, 0, 0]);
  assert.throws(() => batchAdvantages([1, 0, 1], 2), { code: 'RunInputInvalid', field: 'groupSize' });
  assert.throws(() => groupAdvantages([1, Number.NaN]), { code: 'RunInputInvalid', field: 'rewards[1]' });
});

test('on policy the objective is the negated mean advantage and k3 is never negative', () => {
  const logprobs = [[-1, -2], [-0.5]];
  const result = grpoObjective({
    logprobs,
    behaviourLogprobs: logprobs,
    referenceLogprobs: logprobs,
    advantages: [1, -2],
  });
  assert.ok(Math.abs(result.loss - -((1 + 1 - 2) / 3)) < 1e-12);
  const sequence = grpoObjective(
    { logprobs, behaviourLogprobs: logprobs, referenceLogprobs: logprobs, advantages: [1, -2] },
    { aggregation: 'sequence-mean' },
  );
  assert.ok(Math.abs(sequence.loss - 0.5) < 1e-12);
  fc.assert(
    fc.property(
      fc.double({ min: -9, max: 0, noNaN: true }),
      fc.double({ min: -9, max: 0, noNaN: true }),
      (a, b) => k3(a, b) >= -1e-15,
    ),
  );
  const unbounded = clippedTokenLoss(Math.log(9), -1, { clipLow: 0.2, clipHigh: 0.3, dualClip: 0 });
  assert.ok(Math.abs(unbounded.loss - 9) < 1e-12);
  assert.throws(
    () => grpoObjective({ logprobs, behaviourLogprobs: [[-1]], referenceLogprobs: logprobs, advantages: [1, 1] }),
    {
      code: 'EngineRequestInvalid',
      field: 'behaviourLogprobs',
    },
  );
});

test('the oracle computes arithmetic exactly and nothing else', () => {
  const cases: [string, string | null][] = [
    ['3+7', '10'],
    ['5+3+3=?', '11'],
    ['What is 2 + 2?', '4'],
    ['Compute (1/2 + 1/3) * 6.', '5'],
    ['Find the value of 2^10 - 24', '1000'],
    ['2^3^2', '512'],
    ['-2^2', '-4'],
    ['1/3+1/6', '1/2'],
    ['0.1+0.2', '3/10'],
    ['7 × 8 − 6 ÷ 4', '109/2'],
    ['1,000 + 1', '1001'],
    ['2^-2', '1/4'],
    ['1/0', null],
    ['0^0', null],
    ['2^(1/2)', null],
    ['x+1', null],
    ['3+7 apples', null],
    ['What is the sum of 3 and 7?', null],
    ['3 4', null],
    ['2(3)', null],
    ['(1+2', null],
    ['', null],
    ['9^9^9^9', null],
    ['('.repeat(300), null],
    ['2^99999', null],
    ['constructor', null],
  ];
  for (const [question, value] of cases) assert.equal(computeTruth(question)?.value ?? null, value, question);
});

test('the oracle agrees with exact integer arithmetic on random sums and products', () => {
  const expression = fc.array(fc.tuple(fc.constantFrom('+', '-', '*'), fc.bigInt(0n, 999n)), {
    minLength: 1,
    maxLength: 8,
  });
  fc.assert(
    fc.property(fc.bigInt(0n, 999n), expression, (first, rest) => {
      const text = `${first}${rest.map(([operator, value]) => `${operator}${value}`).join('')}`;
      let sum = 0n;
      let product = first;
      let sign = 1n;
      for (const [operator, value] of rest) {
        if (operator === '*') product *= value;
        else {
          sum += sign * product;
          sign = operator === '+' ? 1n : -1n;
          product = value;
        }
      }
      assert.equal(computeTruth(text)?.value, String(sum + sign * product));
    }),
  );
});

test('evaluation scores: pass@1, mean@k, majority@k', () => {
  const items = [
    { answers: ['4', '4', '5'], truth: '4' },
    { answers: [null, '1/2', '0.5'], truth: '2/4' },
    { answers: ['7', '8', '9'], truth: '9' },
  ];
  assert.equal(passAt1(items, preset), 1 / 3);
  assert.ok(Math.abs(meanAtK(items, preset) - (2 / 3 + 2 / 3 + 1 / 3) / 3) < 1e-12);
  assert.equal(majorityAtK(items, preset), 2 / 3);
  assert.throws(() => passAt1([], preset), { code: 'RunInputInvalid', field: 'items' });
});

test("Wilson's interval has its published values and stays within 0 and 1", () => {
  const { estimate, low, high } = wilsonInterval(8, 10);
  assert.ok(Math.abs(estimate - 0.8) < 1e-12 && Math.abs(low - 0.4901625) < 1e-6 && Math.abs(high - 0.9433178) < 1e-6);
  assert.deepEqual([wilsonInterval(0, 5).low, wilsonInterval(5, 5).high], [0, 1]);
  assert.throws(() => wilsonInterval(6, 5), { code: 'RunInputInvalid' });
});

test('a completion is worked when something stands before its last box', () => {
  assert.equal(isWorked('08,11,12,\\boxed{12}'), true);
  assert.equal(isWorked('  \n$\\boxed{12}$'), false);
  assert.equal(isWorked('\\boxed{\\boxed{12}}'), false);
  assert.equal(isWorked('no box at all'), false);
});

const PARTS: SeedParts = {
  runSeed: 1,
  iteration: 2,
  phase: 'labelling',
  unit: 3,
  item: 4,
  sample: 5,
  stream: 'sampling',
};

test('seeds are 64 bits, stable, and different wherever a part differs', () => {
  assert.match(deriveSeed(PARTS), /^[0-9a-f]{16}$/);
  assert.equal(deriveSeed(PARTS), '23bd535c73d38f92');
  const variants: Partial<SeedParts>[] = [
    {},
    { runSeed: 2 },
    { runSeed: '1' },
    { iteration: 3 },
    { phase: 'gating' },
    { unit: 4 },
    { item: 5 },
    { sample: 6 },
    { stream: 'order' },
    { item: 45, sample: 0 },
    { item: 4, sample: 50 },
    { phase: 'labelling",3', unit: 4 },
  ];
  assert.equal(new Set(variants.map((change) => deriveSeed({ ...PARTS, ...change }))).size, variants.length);
  assert.throws(() => deriveSeed({ ...PARTS, item: -1 }), { code: 'RunInputInvalid', field: 'item' });
  assert.throws(() => deriveSeed({ ...PARTS, unit: 0.5 }), { code: 'RunInputInvalid', field: 'unit' });
});

test('a permutation holds every index once, depends on its seed, and is close to uniform', () => {
  const seeds = Array.from({ length: 3000 }, (_, sample) => deriveSeed({ ...PARTS, sample }));
  const firsts = new Map<number, number>();
  for (const seed of seeds) {
    const order = permutation(6, seed);
    assert.deepEqual(Array.from(order.toSorted()), [0, 1, 2, 3, 4, 5]);
    firsts.set(order[0] as number, (firsts.get(order[0] as number) ?? 0) + 1);
  }
  for (const count of firsts.values()) assert.ok(Math.abs(count - 500) < 120, `${count}`);
  assert.deepEqual([...permutation(0, seeds[0] as string)], []);
  const heads = seeds.filter((seed) => coin(seed) === 1).length;
  assert.ok(Math.abs(heads - 1500) < 150, `${heads}`);
  assert.throws(() => createRandom('xyz'), { code: 'RunInputInvalid', field: 'seed' });
  assert.throws(() => createRandom(seeds[0] as string).below(0), { code: 'RunInputInvalid', field: 'bound' });
});
