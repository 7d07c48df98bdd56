/** Traced programs of this process, one for each shape of model, and which model's weights each holds at present. */
import type { AdamW } from '../adamw.ts';
import { collectGarbage } from '../collect-garbage.ts';
import type { ModelConfig } from '../config.ts';
import type { Executor } from '../executor.ts';
import type { Precision } from '../precision.ts';
import type { NativeBackend, TensorFlow } from '../tensorflow.ts';
import type { Model } from '../weights.ts';
import { graphCacheFolder, loadProgram } from './graph-cache.ts';
import { createProgramState } from './program-state.ts';
import type { ProgramState } from './program-state.ts';
import { traceProgram } from './program.ts';
import type { ProgramOptions } from './program.ts';
import { openSession } from './session.ts';
import { tracedExecutor } from './traced-executor.ts';

export interface GraphPool {
  executorOf(model: Model): Executor;
  /** Frees what the sessions hold of this model, which must not be used any more. */
  forget(model: Model, optimizer: AdamW): void;
}

/** @param precision what a GPU makes of float32 is not the graph's concern */
export function createGraphPool(
  tf: TensorFlow,
  native: NativeBackend,
  { deterministic, precision }: { deterministic: boolean; precision: Precision },
): GraphPool {
  const states = new Map<string, ProgramState>();
  const stateOf = (config: ModelConfig): ProgramState => {
    const key = JSON.stringify(config);
    const known = states.get(key);
    if (known) return known;
    const options: ProgramOptions = {
      denseLoss: native.isUsingGpuDevice && deterministic,
      ...(precision === 'bfloat16' ? { precision } : {}),
    };
    const program = loadProgram(graphCacheFolder(), config, options, () => traceProgram(tf, config, options));
    // 130 MB of it after tracing 12 layers.
    if (!program.cached) collectGarbage();
    try {
      const state = createProgramState(native, openSession(native.binding, program.folder, program.entries));
      states.set(key, state);
      return state;
    } finally {
      program.release();
    }
  };
  return {
    executorOf: (model) => tracedExecutor(model, stateOf(model.config)),
    forget: (model, optimizer) => states.get(JSON.stringify(model.config))?.forget(model, optimizer),
  };
}
