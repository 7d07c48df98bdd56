/** Traced programs of this process, one for each shape of model, and which model's weights each holds at present. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ModelConfig } from '../config.ts';
import type { Executor } from '../executor.ts';
import type { NativeBackend, TensorFlow } from '../tensorflow.ts';
import type { Model } from '../weights.ts';
import { encodeSavedModel } from './graph-def.ts';
import { createProgramState } from './program-state.ts';
import type { ProgramState } from './program-state.ts';
import { traceProgram } from './program.ts';
import { openSession } from './session.ts';
import { tracedExecutor } from './traced-executor.ts';

export interface GraphPool {
  executorOf(model: Model): Executor;
  /** Frees what the sessions hold of this model, which must not be used any more. */
  forget(model: Model): void;
}

export function createGraphPool(tf: TensorFlow, native: NativeBackend, deterministic: boolean): GraphPool {
  const states = new Map<string, ProgramState>();
  const stateOf = (config: ModelConfig): ProgramState => {
    const key = JSON.stringify(config);
    const known = states.get(key);
    if (known) return known;
    const { nodes, entries } = traceProgram(tf, config, { denseLoss: native.isUsingGpuDevice && deterministic });
    const folder = mkdtempSync(join(tmpdir(), 'r-zero-graph-'));
    try {
      writeFileSync(join(folder, 'saved_model.pb'), encodeSavedModel(nodes));
      const state = createProgramState(native, openSession(native.binding, folder, entries));
      states.set(key, state);
      return state;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };
  return {
    executorOf: (model) => tracedExecutor(model, stateOf(model.config)),
    forget: (model) => states.get(JSON.stringify(model.config))?.forget(model),
  };
}
