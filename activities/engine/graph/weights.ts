import type { Builder } from './program.ts';

/** Entry points that carry the weights in and out, and free them: `bindWeights`, `readWeights`, `releaseWeights`. */
export function addWeights(builder: Builder): void {
  const { weights } = builder;
  const binding = builder.scope('bindWeights');
  for (const weight of weights) binding.assign(weight, binding.input(weight.name, 'float32', weight.shape));
  builder.entry('bindWeights', binding, [binding.finished()]);

  const reading = builder.scope('readWeights');
  builder.entry(
    'readWeights',
    reading,
    weights.map((weight) => reading.read(weight)),
  );

  const release = builder.scope('releaseWeights');
  for (const weight of weights)
    release.update('DestroyResourceOp', [weight], [], { ignore_lookup_error: { bool: true } });
  builder.entry('releaseWeights', release, [release.finished()]);
}
