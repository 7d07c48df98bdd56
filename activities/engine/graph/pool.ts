import type { Executor } from '../executor.ts';
import type { Model } from '../weights.ts';

export interface GraphPool {
  executorOf(model: Model): Executor;
}
