import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from '../../activities/method/seeds.ts';
import { stratifiedSample } from '../../activities/oracles/sample.ts';
import { estimateFor } from '../support/label-accuracy.ts';
import { fc } from '../support/properties.ts';

const VOTES = 8;
const LABELS = 300;

interface Label {
  unit: number;
  item: number;
  majority: number;
  total: number;
  agrees: boolean;
}

/** Chance that a label is true, by its votes: agreement is a sign of truth, more or less. */
const truthByVotes = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: VOTES, maxLength: VOTES });
const weightsByVotes = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: VOTES, maxLength: VOTES });
const seed = fc.integer({ min: 0, max: 2 ** 31 }).map((n) => n.toString(16).padStart(16, '0'));

function population(truth: readonly number[], weights: readonly number[], count: number, from: string): Label[] {
  const random = createRandom(from);
  const uniform = () => random.nextUint32() / 2 ** 32;
  const sum = weights.reduce((total, weight) => total + weight, 0) || VOTES;
  const shares = weights.map((weight) => (sum === VOTES ? 1 : weight));
  const all = shares.reduce((total, share) => total + share, 0);
  return Array.from({ length: count }, (_, item) => {
    let at = uniform() * all;
    const index = shares.findIndex((share) => (at -= share) < 0);
    const majority = (index < 0 ? VOTES - 1 : index) + 1;
    return { unit: 0, item, majority, total: VOTES, agrees: uniform() < truth[majority - 1]! };
  });
}

const shareTrue = (labels: readonly Label[]) => labels.filter(({ agrees }) => agrees).length / labels.length;

/** Nominal is 95 %; that of a proportion swings around it with the sample's size (Brown, Cai and DasGupta 2001). */
const LEAST_COVERAGE = 0.93;

test('the interval of a sampled oracle holds the label accuracy in at least 93 of 100 populations', () => {
  let covered = 0;
  let drawn = 0;
  const from = fc.tuple(truthByVotes, weightsByVotes, seed, fc.integer({ min: 8, max: 120 }));
  for (const [truth, weights, start, size] of fc.sample(from, { numRuns: 600, seed: 1 })) {
    const labels = population(truth, weights, LABELS, start);
    const sample = stratifiedSample(labels, size, start);
    const { lower, upper } = estimateFor(labels, sample)!;
    drawn++;
    if (lower <= shareTrue(labels) && shareTrue(labels) <= upper) covered++;
  }
  assert.ok(covered / drawn >= LEAST_COVERAGE, `${covered} of ${drawn}`);
});

test('anchors of another distribution of p-hat give the label accuracy of the questions, where plain counting does not', () => {
  let [covered, counted, drawn] = [0, 0, 0];
  const from = fc.tuple(weightsByVotes, weightsByVotes, seed, seed);
  for (const [weights, others, start, second] of fc.sample(from, { numRuns: 400, seed: 1 })) {
    // The more votes agree, the truer the label.
    const truth = Array.from({ length: VOTES }, (_, index) => (index + 1) / VOTES);
    const labels = population(truth, weights, 2_000, start);
    const anchors = population(truth, others, 100, second);
    const { lower, upper } = estimateFor(labels, anchors, 'others')!;
    drawn++;
    if (lower <= shareTrue(labels) && shareTrue(labels) <= upper) covered++;
    if (Math.abs(shareTrue(anchors) - shareTrue(labels)) < (upper - lower) / 2) counted++;
  }
  // Of some tenths there are one or two anchors, and much weight on them.
  assert.ok(covered / drawn >= 0.9, `${covered} of ${drawn}`);
  assert.ok(counted < covered, `${counted} by plain counting, ${covered} by parts`);
});

test('the interval of anchors holds the label accuracy of few labels, too', () => {
  for (const count of [12, 40, 150]) {
    let [covered, drawn] = [0, 0];
    const from = fc.tuple(weightsByVotes, seed, seed);
    for (const [weights, start, second] of fc.sample(from, { numRuns: 400, seed: 1 })) {
      const truth = Array.from({ length: VOTES }, (_, index) => (index + 1) / VOTES);
      const labels = population(truth, weights, count, start);
      const anchors = population(truth, weights, 120, second);
      const { lower, upper } = estimateFor(labels, anchors, 'others')!;
      drawn++;
      if (lower <= shareTrue(labels) && shareTrue(labels) <= upper) covered++;
    }
    assert.ok(covered / drawn >= 0.9, `${covered} of ${drawn} for ${count} labels`);
  }
});

test('a sample has of each tenth of p-hat its share, and one at least, and grows without losing anything', () => {
  fc.assert(
    fc.property(
      truthByVotes,
      weightsByVotes,
      seed,
      fc.integer({ min: 1, max: LABELS }),
      (truth, weights, start, count) => {
        const labels = population(truth, weights, LABELS, start);
        const sample = stratifiedSample(labels, count, start);
        assert.equal(sample.length, count);
        assert.equal(new Set(sample.map(({ item }) => item)).size, count);
        const parts = new Set(labels.map(({ majority }) => majority));
        for (const part of parts) {
          const of = (rows: readonly Label[]) => rows.filter(({ majority }) => majority === part).length;
          if (count >= parts.size) assert.ok(of(sample) >= 1);
          const share = (of(labels) * count) / LABELS;
          assert.ok(of(sample) >= Math.floor(share) - parts.size && of(sample) <= Math.ceil(share) + 1);
        }
        // Any beginning is spread over the parts: what a spent budget leaves is still a sample.
        const beginning = sample.slice(0, Math.min(count, parts.size)).map(({ majority }) => majority);
        assert.equal(new Set(beginning).size, beginning.length);
      },
    ),
  );
});
