import { eagerExecutor } from './eager-executor.ts';
import type { Executor } from './executor.ts';
import type { Model } from './weights.ts';

/** What runs this model: its traced graph where there is one. */
export function executorOf(model: Model): Executor {
  return model.runtime.graphs?.executorOf(model) ?? eagerExecutor(model);
}
