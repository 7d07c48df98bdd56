import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeSavedModel } from './graph-def.ts';
import { createGraph } from './graph.ts';
import { reshape } from './kernels.ts';
import { createScope } from './scope.ts';
import { openSession } from './session.ts';
import type { SavedModelBinding } from './session.ts';

const ROWS = 1009;

/**
 * Runs a small graph with all that traced models rely on: a size that only the input knows, a variable written in place,
 * and its order.
 *
 * @throws Error when the native library does not take it, or computes something else
 */
export function probeGraphs(binding: SavedModelBinding): void {
  const graph = createGraph();
  const variable = graph.variable('cache', 'ref', [ROWS, 2], false);
  const scope = createScope(graph, 'probe', [ROWS]);
  scope.assign(variable, scope.input('values', 'float32', [ROWS, 2]));
  const row = scope.input('row', 'int32', [1]);
  const value = scope.input('value', 'float32', [1, 2]);
  const types = { T: { type: 'float32' }, Tindices: { type: 'int32' } } as const;
  scope.update('ScatterUpdate', [variable], [row, value], { ...types, use_locking: { bool: false } });
  const flat = reshape(scope, scope.read(variable), [2 * ROWS]);
  const folder = mkdtempSync(join(tmpdir(), 'r-zero-graph-'));
  try {
    writeFileSync(join(folder, 'saved_model.pb'), encodeSavedModel(graph.nodes));
    const session = openSession(binding, folder, { probe: { inputs: scope.inputs, outputs: [flat.name] } });
    const [found] = session.fetch('probe', [
      { shape: [3, 2], values: Float32Array.of(1, 2, 3, 4, 5, 6) },
      { shape: [1], values: Int32Array.of(1) },
      { shape: [1, 2], values: Float32Array.of(7, 8) },
    ]);
    session.close();
    const numbers = Array.from(found ?? []).join();
    if (numbers !== '1,2,7,8,5,6') throw new Error(`a small graph gave ${numbers}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
