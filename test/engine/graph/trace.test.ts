import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import type * as tfc from '@tensorflow/tfjs-core';
import { record } from '../../../activities/engine/graph/backend.ts';
import { createGraph } from '../../../activities/engine/graph/graph.ts';
import type { GraphNode } from '../../../activities/engine/graph/graph-def.ts';
import { createScope } from '../../../activities/engine/graph/scope.ts';
import { chooseSymbols, factorSize } from '../../../activities/engine/graph/symbols.ts';

/** The plain JavaScript library: tracing needs no native one. */
const tf = createRequire(import.meta.url)('@tensorflow/tfjs') as typeof tfc;
await tf.setBackend('cpu');
const { batch, length } = chooseSymbols(['batch', 'length'], [64, 28, 1009]);
const SYMBOLS = [batch, length];

function setUp() {
  const graph = createGraph();
  return { graph, scope: createScope(graph, 'entry', SYMBOLS) };
}

function nodeOf(nodes: readonly GraphNode[], output: string): GraphNode {
  return nodes.find((node) => node.name === output.split(':')[0])!;
}

test('a size is taken apart into symbols and a constant', () => {
  assert.notEqual(batch, 1009);
  assert.deepEqual(factorSize(6 * batch * length * length, SYMBOLS), { constant: 6, symbols: [batch, length, length] });
  assert.deepEqual(factorSize(64, SYMBOLS), { constant: 64, symbols: [] });
});

test('symbols divide no size of the model, nor a sum of two or three', () => {
  const sizes = [576, 49_152, 1536, 9, 3, 64, 1013 * 3 - 2];
  const primes = Object.values(chooseSymbols(['a', 'b', 'c', 'd'], sizes));
  assert.equal(new Set(primes).size, 4);
  for (const a of sizes) for (const b of [0, ...sizes]) for (const p of primes) assert.notEqual((a + b) % p, 0);
});

test('tracing computes nothing, and restores the backend', () => {
  const { graph, scope } = setUp();
  const before = tf.getBackend();
  const tensors = tf.memory().numTensors;
  const x = scope.input('x', 'float32', [batch, 4]);
  const shape = record(tf, scope, ({ tensor, ref }) => ref(tf.sum(tf.square(tf.add(tensor(x), 1)), 1)).shape);
  assert.deepEqual(shape, [batch]);
  assert.equal(tf.getBackend(), before);
  assert.equal(tf.memory().numTensors, tensors);
  assert.deepEqual(
    graph.nodes.map((node) => node.op).filter((op) => /^(AddV2|Square|Sum)$/.test(op)),
    ['AddV2', 'Square', 'Sum'],
  );
});

test('a shape with an unknown size is computed in the graph from the inputs', () => {
  const { graph, scope } = setUp();
  const x = scope.input('x', 'float32', [batch, length, 6]);
  const out = record(tf, scope, ({ tensor, ref }) => ref(tf.reshape(tensor(x), [batch * length * 2, -1])));
  assert.deepEqual(out.shape, [batch * length * 2, 3]);
  const reshape = nodeOf(graph.nodes, out.name);
  assert.equal(nodeOf(graph.nodes, reshape.inputs[1]!).op, 'Pack');
  assert.deepEqual(graph.nodes.find((node) => node.op === 'Placeholder')!.attributes['shape'], { shape: [-1, -1, 6] });
});

test('a tensor from outside, a value read back and a size without an input are refused', () => {
  const { scope } = setUp();
  const outside = tf.tensor1d([1, 2]);
  assert.throws(() => record(tf, scope, () => tf.square(outside)), /from outside/);
  assert.throws(() => record(tf, scope, () => tf.square(tf.tensor1d([1])).dataSync()), /read a value back/);
  assert.throws(() => record(tf, scope, ({ ref }) => ref(tf.ones([batch]))), /no input has defined the size/);
  assert.throws(() => record(tf, scope, ({ ref }) => ref(tf.sin(tf.scalar(1)))), /Sin/);
  outside.dispose();
});

test('a read follows the last write, and a write follows all that looked at what was read', () => {
  const { graph, scope } = setUp();
  const variable = graph.variable('v', 'ref', [batch, 4], false);
  const x = scope.input('x', 'float32', [batch, 4]);
  const early = scope.read(variable);
  const looked = record(tf, scope, ({ tensor, ref }) => ref(tf.square(tf.reshape(tensor(early), [batch * 2, 2]))));
  scope.assign(variable, x);
  const assign = graph.nodes.at(-1)!;
  const reshape = graph.nodes.find((node) => node.op === 'Reshape')!;
  const controls = assign.inputs.filter((input) => input.startsWith('^'));
  assert.deepEqual(
    new Set(controls),
    new Set([early.name, looked.name, `${reshape.name}:0`].map((name) => `^${name.split(':')[0]}`)),
  );
  const late = scope.read(variable);
  // As data: a control edge is lost where the optimizer moves what reads in front of it.
  assert.deepEqual(nodeOf(graph.nodes, late.name).inputs, [`${assign.name}:0`]);
  scope.update('ScatterUpdate', [variable], [x], {});
  const update = graph.nodes.at(-1)!;
  assert.ok(update.inputs.includes(`^${assign.name}`));
  assert.ok(nodeOf(graph.nodes, scope.finished().name).inputs.includes(`^${update.name}`));
});

test('two continuations of one entry point do not wait for each other', () => {
  const { graph, scope } = setUp();
  const variable = graph.variable('v', 'resource', [4], true);
  const x = scope.input('x', 'float32', [4]);
  const other = scope.fork('other');
  scope.assign(variable, x);
  other.update('AssignAddVariableOp', [variable], [x], { dtype: { type: 'float32' } });
  const [assign, add] = graph.nodes.slice(-2) as [GraphNode, GraphNode];
  assert.ok(!add.inputs.includes(`^${assign.name}`));
  assert.deepEqual(nodeOf(graph.nodes, other.finished().name).inputs, [`^${add.name}`]);
});

test('equal small constants are one node', () => {
  const { graph, scope } = setUp();
  const x = scope.input('x', 'float32', [4]);
  record(tf, scope, ({ tensor }) => tf.add(tf.mul(tensor(x), 3), 3));
  assert.equal(graph.nodes.filter((node) => node.op === 'Const').length, 1);
});
