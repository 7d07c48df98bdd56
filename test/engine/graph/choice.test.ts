import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import type { SavedModelBinding } from '../../../activities/engine/graph/session.ts';
import { chooseToken } from '../../../activities/engine/sampling.ts';
import type { ChoiceParams } from '../../../activities/engine/sampling.ts';
import { fc } from '../../support/properties.ts';
import { openChoiceGraph } from '../support/choice-graph.ts';
import type { ChoiceGraph } from '../support/choice-graph.ts';
import { runtime } from '../support/models.ts';

const OFF: ChoiceParams = { temperature: 1, topK: 0, topP: 1, minP: 0 };
const { tf } = await runtime();
const { binding } = tf.backend() as unknown as { binding?: SavedModelBinding };

/** Fails at the first row in which the graph and JavaScript choose differently. */
function assertSame(
  graph: ChoiceGraph,
  rows: readonly Float32Array[],
  params: ChoiceParams,
  draws: Float64Array,
): void {
  const width = rows[0]!.length;
  const flat = new Float32Array(rows.length * width);
  for (const [index, row] of rows.entries()) flat.set(row, index * width);
  for (const [index, { token, logprob }] of graph.choose(flat, params, draws).entries()) {
    const expected = chooseToken(rows[index]!, params, draws[index]!);
    const what = `row ${index} of ${rows.length}, ${JSON.stringify(params)}, u = ${draws[index]}`;
    assert.equal(token, expected.token, what);
    assert.ok(Math.abs(logprob - expected.logprob) <= 1e-5 * (1 + Math.abs(expected.logprob)), what);
  }
}

describe('the choice inside the graph', { skip: binding ? false : 'no native TensorFlow here' }, () => {
  const graphs = new Map<number, ChoiceGraph>();
  const graphOf = (vocabulary: number): ChoiceGraph => {
    const graph = graphs.get(vocabulary) ?? openChoiceGraph(binding!, vocabulary);
    graphs.set(vocabulary, graph);
    return graph;
  };
  after(() => graphs.forEach((graph) => graph.close()));

  const params = fc.record({
    temperature: fc.constantFrom(0, 0.01, 0.6, 1, 2.5, 10),
    topK: fc.constantFrom(0, 1, 2, 3, 7, 12, 13, 40),
    topP: fc.constantFrom(1, 1e-9, 0.1, 0.37, 0.5, 0.8, 0.95, 1 - 1e-9),
    minP: fc.constantFrom(0, 1e-12, 0.05, 0.3, 0.99, 1),
  });
  const draw = fc.oneof(fc.constantFrom(0, 0.5, 1 - 2 ** -53), fc.double({ min: 0, max: 0.9999999999, noNaN: true }));

  test('is the one in JavaScript for any parameters, equal logits and impossible tokens included', () => {
    // Few values, so that ties are the rule; their exponentials add up to nothing that a bound could meet exactly. Logits
    // below 1e-37 are zero to the library, so there are none.
    const tied = fc.constantFrom(-Infinity, -700.3, -3.1, -1.7, 0.2, 0.9, 2.3);
    const ordinary = fc.double({ min: -9, max: 9, noNaN: true }).map((value) => Math.round(value * 2 ** 20) / 2 ** 20);
    const row = fc
      .array(fc.oneof(tied, ordinary), { minLength: 13, maxLength: 13 })
      .map((values) => Float32Array.from(values))
      .filter((values) => values.some((value) => value > -Infinity));
    const batch = fc.array(fc.tuple(row, draw), { minLength: 1, maxLength: 6 });
    const property = fc.property(batch, params, (rows, chosen) => {
      assertSame(
        graphOf(13),
        rows.map(([logits]) => logits),
        chosen,
        Float64Array.from(rows, ([, u]) => u),
      );
    });
    fc.assert(property, { numRuns: 600 });
  });

  test('is the same over a large vocabulary, from peaked rows to flat ones side by side', () => {
    const vocabulary = 5003;
    let state = 7;
    const uniform = (): number => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) + 0.5) / 2 ** 32;
    for (let round = 0; round < 6; round++) {
      const rows = Array.from({ length: 8 }, (_, index) => {
        const spread = [0, 0.3, 1, 3, 10][index % 5]!;
        return new Float32Array(vocabulary).map(() => spread * Math.log(uniform() / uniform()));
      });
      const draws = Float64Array.from(rows, uniform);
      for (const changes of [
        { temperature: 0.7 },
        { topP: 0.95 },
        { topP: 0.5, temperature: 0.6 },
        { minP: 0.02, temperature: 1.4 },
        { topK: 40 },
        { topK: 900, topP: 0.9 },
        { topK: 900, topP: 0.9, minP: 0.1, temperature: 1.2 },
        { topP: 0.999, minP: 0.001 },
      ]) {
        assertSame(graphOf(vocabulary), rows, { ...OFF, ...changes }, draws);
      }
    }
  });

  test('of logits that are not finite has a log-probability that is no number', () => {
    const rows = Float32Array.from([NaN, 1, 2, Infinity, 0, 1, -Infinity, -Infinity, -Infinity]);
    for (const changes of [{}, { topK: 2 }, { topP: 0.5 }, { minP: 0.5 }, { temperature: 0 }, { temperature: 0.5 }]) {
      const choices = graphOf(3).choose(rows, { ...OFF, ...changes }, Float64Array.of(0.5, 0.5, 0.5));
      for (const { logprob } of choices) assert.ok(Number.isNaN(logprob), JSON.stringify(changes));
    }
  });
});
