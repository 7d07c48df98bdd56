/** Doubles for a graph. The binding feeds none, so they come as what they are in memory: two 32-bit integers each. */
import type { Ref } from './graph.ts';
import type { Scope } from './scope.ts';
import type { Feed } from './session.ts';

/** float64 of the given shape, fed by `doubleFeed`. */
export function doubleInput(scope: Scope, name: string, shape: readonly number[]): Ref {
  const halves = scope.input(name, 'int32', [...shape, 2]);
  return scope.node('Bitcast', [halves], { T: { type: 'int32' }, type: { type: 'float64' } }, [
    { dtype: 'float64', shape },
  ])[0];
}

export function doubleFeed(values: Float64Array, shape: readonly number[]): Feed {
  return { shape: [...shape, 2], values: new Int32Array(values.buffer, values.byteOffset, 2 * values.length) };
}
