import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import type * as tfc from '@tensorflow/tfjs-core';
import { traceProgram } from '../../../activities/engine/graph/program.ts';
import type { Program } from '../../../activities/engine/graph/program.ts';
import { DEMO, TIED, TINY } from '../support/models.ts';

/** The plain JavaScript library: tracing needs no native one. */
const tf = createRequire(import.meta.url)('@tensorflow/tfjs') as typeof tfc;
await tf.setBackend('cpu');

/** Nodes that must run for these outputs. */
function reachable({ nodes }: Program, outputs: readonly string[]): Set<string> {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const seen = new Set<string>();
  const open = outputs.map((output) => output.split(':')[0]!);
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (seen.has(name)) continue;
    seen.add(name);
    const node = byName.get(name);
    assert.ok(node, `${name} is not in the graph`);
    open.push(...node.inputs.map((input) => input.replace('^', '').split(':')[0]!));
  }
  return seen;
}

for (const denseLoss of [false, true]) {
  for (const [name, config] of Object.entries({ TINY, TIED, DEMO })) {
    test(`${name} is traced whole from its shape alone${denseLoss ? ', for a deterministic GPU' : ''}`, () => {
      const program = traceProgram(tf, config, { denseLoss });
      const names = program.nodes.map((node) => node.name);
      assert.equal(new Set(names).size, names.length);
      for (const { inputs, outputs } of Object.values(program.entries)) {
        const needed = reachable(program, outputs);
        const placeholders = program.nodes.filter((node) => node.op === 'Placeholder' && needed.has(node.name));
        assert.deepEqual(placeholders.map((node) => `${node.name}:0`).sort(), inputs.map((input) => input.name).sort());
      }
      const sparse = program.nodes.some((node) => node.op === 'SparseSoftmaxCrossEntropyWithLogits');
      assert.equal(sparse, !denseLoss);
    });
  }
}

test('the same shape gives the same graph', () => {
  assert.deepEqual(traceProgram(tf, TINY, { denseLoss: false }), traceProgram(tf, TINY, { denseLoss: false }));
});

test('no operation of a step knows the size of a batch', () => {
  const { nodes } = traceProgram(tf, DEMO, { denseLoss: false });
  const constants = nodes.flatMap((node) => {
    const value = node.attributes['value'];
    return value && 'tensor' in value && value.tensor.dtype === 'int32'
      ? [...new Int32Array(Uint8Array.from(value.tensor.content).buffer)]
      : [];
  });
  assert.ok(Math.max(...constants) < 1009, 'a symbol has become a constant');
});
