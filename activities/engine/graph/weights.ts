import type { Variable } from './graph.ts';
import type { Builder } from './program.ts';

/**
 * Entry points that take weights in, and free them: `bindWeights` and `releaseWeights` for what is trained, `bindFrozen` and
 * `releaseFrozen` for what lies beneath adapters.
 */
export function addWeights(builder: Builder): void {
  const { weights, frozen } = builder;
  addBinding(builder, 'Weights', weights);
  if (frozen.length > 0) addBinding(builder, 'Frozen', frozen);
}

function addBinding(builder: Builder, name: string, variables: readonly Variable[]): void {
  const binding = builder.scope(`bind${name}`);
  for (const variable of variables) binding.assign(variable, binding.input(variable.name, 'float32', variable.shape));
  builder.entry(`bind${name}`, binding, [binding.finished()]);

  const release = builder.scope(`release${name}`);
  for (const variable of variables) {
    release.update('DestroyResourceOp', [variable], [], { ignore_lookup_error: { bool: true } });
  }
  builder.entry(`release${name}`, release, [release.finished()]);
}
