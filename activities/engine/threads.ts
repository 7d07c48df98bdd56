import type { ModelConfig } from './config.ts';
import { parameterSpecs, sizeOf } from './parameters.ts';

/** Parameters up to which handing work over to a second thread costs more than the thread does. */
const SMALL = 1_000_000;

/**
 * Threads that a model of this shape is best run with, undefined for all that there are. A function of the shape alone, since
 * results are the same bit by bit for a fixed number only.
 */
export function threadsFor(config: ModelConfig): number | undefined {
  const parameters = parameterSpecs(config).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  return parameters <= SMALL ? 1 : undefined;
}
