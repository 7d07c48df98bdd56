/** Entry points that score and train: log-probabilities, gradients, AdamW. */
import type { LossOutput } from '../gradients.ts';
import type { Parameters } from '../parameters.ts';
import { completionScores, labelLoss, rolloutLoss } from '../rollout-loss.ts';
import type { RolloutTensors } from '../rollout-loss.ts';
import type { PromptTensors } from '../prompt-attention.ts';
import type { Recorder } from './backend.ts';
import type { Ref, Variable } from './graph.ts';
import { tensorValue } from './graph.ts';
import { fill } from './kernels.ts';
import type { Builder } from './program.ts';
import type { Scope } from './scope.ts';

const FLOAT = { T: { type: 'float32' } } as const;
const DESTROY = { ignore_lookup_error: { bool: true } } as const;

export function addTraining(builder: Builder): void {
  const { graph, weights } = builder;
  const named = (prefix: string): Variable[] =>
    weights.map((weight, index) => graph.variable(`${prefix}${index}`, 'resource', weight.shape, true));
  const moments = { first: named('m'), second: named('v') };
  const sums = named('g');
  for (const form of ['whole', 'shared'] as const) addScore(builder, form);
  for (const form of ['kept', 'recomputed', 'shared'] as const) addGrpo(builder, sums, form);
  addLabels(builder, sums);
  addMoments(builder, [...moments.first, ...moments.second]);
  addApply(builder, sums, moments);
}

/** With whole sequences, or with the prompts apart that they share. */
type Form = 'whole' | 'shared';

/** Sequences, as every entry point that sees them takes them. */
function sequences({ config, sizes }: Builder, scope: Scope, form: Form): (recorder: Recorder) => RolloutTensors {
  const { batch, length } = sizes;
  const tokens = scope.input('tokens', 'int32', [batch, length]);
  const table = form === 'shared' ? [batch, 1, length, config.headDim] : [length, config.headDim];
  const cos = scope.input('cos', 'float32', table);
  const sin = scope.input('sin', 'float32', table);
  const rows = scope.input('rows', 'int32', [sizes.rows]);
  const labels = scope.input('labels', 'int32', [sizes.rows]);
  const temperature = scope.input('temperature', 'float32', []);
  const prompts = form === 'shared' ? sharedPrompts({ config, sizes }, scope) : undefined;
  return (recorder) => {
    const { tf, tensor } = recorder;
    return {
      batch,
      length,
      tokens: tf.reshape(tensor(tokens), [batch * length]),
      rotary: { cos: tensor(cos), sin: tensor(sin) },
      rows: tensor(rows),
      labels: tensor(labels),
      temperature: tensor(temperature),
      ...(prompts ? { prompts: prompts(recorder) } : {}),
    };
  };
}

function sharedPrompts(
  { config, sizes }: Pick<Builder, 'config' | 'sizes'>,
  scope: Scope,
): (recorder: Recorder) => PromptTensors {
  const { batch, columns, prompts: count, shared: length } = sizes;
  const tokens = scope.input('promptTokens', 'int32', [count, length]);
  const cos = scope.input('promptCos', 'float32', [length, config.headDim]);
  const sin = scope.input('promptSin', 'float32', [length, config.headDim]);
  const promptOf = scope.input('promptOf', 'int32', [batch]);
  const pads = scope.input('pads', 'float32', [batch, columns]);
  const order = scope.input('order', 'int32', [columns]);
  return ({ tf, tensor }) => ({
    count,
    length,
    columns,
    tokens: tf.reshape(tensor(tokens), [count * length]),
    rotary: { cos: tensor(cos), sin: tensor(sin) },
    promptOf: tensor(promptOf),
    pads: tensor(pads),
    order: tensor(order),
  });
}

/** `score/…`: log-probability of each label, and entropy of the distribution it is from. */
function addScore(builder: Builder, form: Form): void {
  const scope = builder.scope(`score/${form}`);
  const inputs = sequences(builder, scope, form);
  const outputs = builder.record(scope, (recorder) => {
    const parameters = builder.parameters(scope, recorder);
    const { logprobs, entropies } = completionScores(recorder, builder.config, parameters, inputs(recorder));
    return [recorder.ref(logprobs), recorder.ref(entropies)];
  });
  builder.entry(`score/${form}`, scope, outputs);
}

/** The GRPO loss: as `kept`, as `recomputed` with recomputation of activations, and as `shared` with prompts apart. */
function addGrpo(builder: Builder, sums: readonly Variable[], name: 'kept' | 'recomputed' | 'shared'): void {
  const { config, sizes } = builder;
  const recompute = name === 'recomputed';
  const scope = builder.scope(`gradients/${name}`);
  const inputs = sequences(builder, scope, name === 'shared' ? 'shared' : 'whole');
  const vectors = ['behaviour', 'reference', 'advantages', 'weights'] as const;
  const scalars = ['lower', 'upper', 'dualClip', 'klCoefficient'] as const;
  const predictions = scope.input('predictions', 'int32', [sizes.tokens]);
  const perToken = vectors.map((name) => scope.input(name, 'float32', [sizes.tokens]));
  const settings = scalars.map((name) => scope.input(name, 'float32', []));
  addGradients(builder, scope, sums, name, (recorder) => {
    const tensors = {
      ...inputs(recorder),
      ...named(vectors, perToken.map(recorder.tensor)),
      predictions: recorder.tensor(predictions),
      recompute,
    };
    const bounds = named(scalars, settings.map(recorder.tensor));
    return (parameters) => rolloutLoss(recorder, config, parameters, tensors, bounds);
  });
}

/** Plain cross entropy, as `labels`. */
function addLabels(builder: Builder, sums: readonly Variable[]): void {
  const scope = builder.scope('gradients/labels');
  const inputs = sequences(builder, scope, 'whole');
  const weights = scope.input('weights', 'float32', [builder.sizes.rows]);
  addGradients(builder, scope, sums, 'labels', (recorder) => {
    const tensors = { ...inputs(recorder), weights: recorder.tensor(weights) };
    return (parameters) => labelLoss(recorder, builder.config, parameters, tensors);
  });
}

/** `gradients/NAME` starts a sum of the gradients of a loss, `moreGradients/NAME` adds to it; both report on the loss. */
function addGradients(
  builder: Builder,
  scope: Scope,
  sums: readonly Variable[],
  name: string,
  lossOf: (recorder: Recorder) => (parameters: Parameters) => LossOutput,
): void {
  const { weights } = builder;
  const { report, gradients } = builder.record(scope, (recorder) => {
    const { tf, tensor, ref } = recorder;
    const loss = lossOf(recorder);
    let output: LossOutput | undefined;
    const { grads } = tf.valueAndGrads((...flat) => {
      output = loss(builder.parameters(scope, recorder, flat));
      return tf.reshape(output.loss, []);
    })(weights.map((weight) => tensor(scope.read(weight))));
    return { report: ref((output as LossOutput).report), gradients: grads.map(ref) };
  });
  const more = scope.fork(`moreGradients/${name}`);
  for (const [index, sum] of sums.entries()) scope.assign(sum, gradients[index] as Ref);
  builder.entry(`gradients/${name}`, scope, [report, scope.finished()]);
  for (const [index, sum] of sums.entries()) {
    more.update('AssignAddVariableOp', [sum], [gradients[index] as Ref], { dtype: { type: 'float32' } });
  }
  builder.entry(`moreGradients/${name}`, more, [report, more.finished()]);
}

function named<Name extends string, T>(names: readonly Name[], values: readonly T[]): Record<Name, T> {
  return Object.fromEntries(names.map((name, index) => [name, values[index]])) as Record<Name, T>;
}

/** `bindMoments`, `zeroMoments`, `releaseMoments`: the optimizer's state. */
function addMoments(builder: Builder, moments: readonly Variable[]): void {
  const binding = builder.scope('bindMoments');
  for (const moment of moments) binding.assign(moment, binding.input(moment.name, 'float32', moment.shape));
  builder.entry('bindMoments', binding, [binding.finished()]);

  const zero = builder.scope('zeroMoments');
  // Fed, because TensorFlow's optimizer makes a constant of zeros whose shape it knows, and a constant's memory is never freed.
  const value = zero.input('value', 'float32', []);
  for (const moment of moments) zero.assign(moment, fill(zero, moment.shape, value));
  builder.entry('zeroMoments', zero, [zero.finished()]);

  const release = builder.scope('releaseMoments');
  for (const moment of moments) release.update('DestroyResourceOp', [moment], [], DESTROY);
  builder.entry('releaseMoments', release, [release.finished()]);
}

/**
 * `squares`: half the sum of squares of each gradient. `apply`: one AdamW update, after which the sums are freed; gives the
 * new weights, first and second moments. `dropGradients`: frees the sums without one.
 *
 * ResourceApplyAdam corrects its step size by powers of the betas that are given as zero here: the caller has folded that
 * correction into the step size and epsilon.
 */
function addApply(
  builder: Builder,
  sums: readonly Variable[],
  moments: { first: readonly Variable[]; second: readonly Variable[] },
): void {
  const norms = builder.scope('squares');
  const squares = sums.map(
    (sum) => norms.node('L2Loss', [norms.read(sum)], FLOAT, [{ dtype: 'float32', shape: [] }])[0],
  );
  const packing = { ...FLOAT, N: { int: sums.length }, axis: { int: 0 } };
  const packed = norms.node('Pack', squares, packing, [{ dtype: 'float32', shape: [sums.length] }]);
  builder.entry('squares', norms, packed);

  const scope = builder.scope('apply');
  const scalar = (name: string): Ref => scope.input(name, 'float32', []);
  const [scale, decay, stepSize] = [scalar('scale'), scalar('decay'), scalar('stepSize')];
  const [beta1, beta2, epsilon] = [scalar('beta1'), scalar('beta2'), scalar('epsilon')];
  const zero = scope.constant(tensorValue('float32', [], [0]));
  // One tensor after the other: all at once would hold a second copy of all gradients and weights.
  let before: string[] = [];
  for (const [index, weight] of builder.weights.entries()) {
    const sum = sums[index] as Variable;
    const gradient = scope.node('Mul', [scope.read(sum, before), scale], FLOAT, [weight])[0];
    scope.assign(weight, scope.node('Mul', [scope.read(weight, before), decay], FLOAT, [weight])[0]);
    const changed = [weight, moments.first[index] as Variable, moments.second[index] as Variable];
    scope.update('ResourceApplyAdam', changed, [zero, zero, stepSize, beta1, beta2, epsilon, gradient], {
      ...FLOAT,
      use_locking: { bool: false },
      use_nesterov: { bool: false },
    });
    before = [scope.update('DestroyResourceOp', [sum], [], DESTROY)];
  }
  const changed = [...builder.weights, ...moments.first, ...moments.second];
  builder.entry(
    'apply',
    scope,
    changed.map((variable) => scope.read(variable, before)),
  );

  const drop = builder.scope('dropGradients');
  for (const sum of sums) drop.update('DestroyResourceOp', [sum], [], DESTROY);
  builder.entry('dropGradients', drop, [drop.finished()]);
}
