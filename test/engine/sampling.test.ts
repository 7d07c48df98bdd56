import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../support/properties.ts';
import { chooseToken, truncate } from '../../activities/engine/sampling.ts';

const OFF = { topK: 0, topP: 1, minP: 0 };

/** The definition: sort, keep k, keep the shortest prefix whose mass reaches p, keep a share of the largest. */
function bruteForce(weights: readonly number[], topK: number, topP: number, minP: number): number[] {
  let ids = weights.map((_, id) => id).sort((a, b) => weights[b]! - weights[a]! || a - b);
  if (topK > 0) ids = ids.slice(0, topK);
  if (topP < 1) {
    const total = ids.reduce((sum, id) => sum + weights[id]!, 0);
    let mass = 0;
    ids = ids.filter((_, rank) => {
      const keep = rank === 0 || mass < topP * total;
      mass += weights[ids[rank]!]!;
      return keep;
    });
  }
  return ids.filter((id) => weights[id]! >= minP * Math.max(...weights));
}

test('top-k, top-p and min-p keep exactly the tokens of the definition', () => {
  // Weights are eighths, the largest is 1: sums are exact, ties are common.
  const weights = fc.tuple(fc.array(fc.integer({ min: 0, max: 8 }), { maxLength: 39 }), fc.nat(39));
  const property = fc.property(
    weights.map(([list, at]) => list.toSpliced(Math.min(at, list.length), 0, 8).map((eighths) => eighths / 8)),
    fc.integer({ min: 0, max: 45 }),
    fc.constantFrom(0.05, 0.25, 0.5, 0.75, 0.9, 0.99, 1),
    fc.constantFrom(0, 0.125, 0.3, 0.5, 1),
    (list, topK, topP, minP) => {
      const total = list.reduce((sum, weight) => sum + weight, 0);
      const kept = truncate(list, Float64Array.from(list), total, { topK, topP, minP });
      const expected = bruteForce(list, topK, topP, minP);
      const actual = kept.ids ? Array.from(kept.ids) : list.map((_, id) => id);
      // With nothing cut off the order is by id.
      assert.deepEqual(
        kept.ids ? actual : [...actual].sort((a, b) => a - b),
        kept.ids ? expected : [...expected].sort((a, b) => a - b),
      );
      assert.ok(Math.abs(kept.total - expected.reduce((sum, id) => sum + list[id]!, 0)) < 1e-9);
    },
  );
  fc.assert(property, { numRuns: 500 });
});

test('the token is the inverse of the cumulative distribution', () => {
  const logits = Float32Array.from([Math.log(0.5), Math.log(0.3), Math.log(0.2)]);
  const at = (u: number) => chooseToken(logits, { temperature: 1, ...OFF }, u).token;
  assert.deepEqual([0, 0.49, 0.51, 0.79, 0.81, 1 - 2 ** -53].map(at), [0, 0, 1, 1, 2, 2]);
});

test('the log-probability is that of the tempered distribution, whatever is cut off; of the plain one when greedy', () => {
  const logits = Float32Array.from([2, 1, 0, -1]);
  for (const params of [
    { temperature: 0, ...OFF },
    { temperature: 1, ...OFF },
    { temperature: 0.3, topK: 2, topP: 0.9, minP: 0 },
    { temperature: 3, topK: 0, topP: 0.8, minP: 0.1 },
  ]) {
    const temperature = params.temperature === 0 ? 1 : params.temperature;
    const sum = logits.reduce((total, logit) => total + Math.exp(logit / temperature), 0);
    for (const u of [0, 0.4, 0.99]) {
      const { token, logprob } = chooseToken(logits, params, u);
      assert.ok(Math.abs(logprob - (logits[token]! / temperature - Math.log(sum))) < 1e-12);
    }
  }
});

test('temperature sharpens and flattens as the softmax of the scaled logits says', () => {
  const logits = Float32Array.from([1, 0]);
  for (const temperature of [0.25, 0.5, 2, 10]) {
    const share = 1 / (1 + Math.exp(-1 / temperature));
    assert.equal(chooseToken(logits, { temperature, ...OFF }, share - 1e-9).token, 0);
    assert.equal(chooseToken(logits, { temperature, ...OFF }, share + 1e-9).token, 1);
  }
});

test('greedy takes the largest logit, the lowest id among equals', () => {
  assert.equal(chooseToken(Float32Array.from([0, 3, 1, 3]), { temperature: 0, ...OFF }, 0.9).token, 1);
});

test('a token of probability zero is never chosen', () => {
  const logits = Float32Array.from([-Infinity, 0, -Infinity, 0, -Infinity]);
  for (const u of [0, 0.5, 1 - 2 ** -53]) {
    assert.ok([1, 3].includes(chooseToken(logits, { temperature: 1, ...OFF }, u).token));
  }
});

test('logits that are not finite are an error, not a token', () => {
  for (const logits of [
    [NaN, 1],
    [1, NaN],
    [Infinity, 0],
    [-Infinity, -Infinity],
  ]) {
    for (const temperature of [0, 1]) {
      assert.throws(() => chooseToken(Float32Array.from(logits), { temperature, ...OFF }, 0.5), {
        code: 'ModelDiverged',
      });
    }
  }
});
