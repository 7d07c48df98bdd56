/** The graph's choice of tokens by itself, beside the one in JavaScript. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CHOICES, choiceFor, chooseTokens } from '../../../activities/engine/graph/choice.ts';
import { encodeSavedModel } from '../../../activities/engine/graph/graph-def.ts';
import { createGraph } from '../../../activities/engine/graph/graph.ts';
import { createScope } from '../../../activities/engine/graph/scope.ts';
import { openSession } from '../../../activities/engine/graph/session.ts';
import type { EntryPoint, SavedModelBinding } from '../../../activities/engine/graph/session.ts';
import type { Choice, ChoiceParams } from '../../../activities/engine/sampling.ts';

const BATCH = 1009;

export interface ChoiceGraph {
  /** @param logits [B V], or the number of a tensor that is in the native library already */
  choose(logits: Float32Array | number, params: ChoiceParams, draws: Float64Array): Choice[];
  close(): void;
}

export function openChoiceGraph(binding: SavedModelBinding, vocabulary: number): ChoiceGraph {
  const graph = createGraph();
  const entries: Record<string, EntryPoint> = {};
  for (const variant of CHOICES) {
    const scope = createScope(graph, variant, [BATCH]);
    const outputs = chooseTokens(scope, scope.input('logits', 'float32', [BATCH, vocabulary]), variant);
    entries[variant] = { inputs: scope.inputs, outputs: outputs.map((output) => output.name) };
  }
  const folder = mkdtempSync(join(tmpdir(), 'r-zero-graph-'));
  writeFileSync(join(folder, 'saved_model.pb'), encodeSavedModel(graph.nodes));
  const session = openSession(binding, folder, entries);
  rmSync(folder, { recursive: true, force: true });
  return {
    choose: (logits, params, draws) => {
      const { variant, feeds } = choiceFor(params, vocabulary);
      const [tokens, logprobs] = session.fetch(variant, [
        typeof logits === 'number' ? logits : { shape: [draws.length, vocabulary], values: logits },
        ...feeds(draws),
      ]);
      return Array.from(tokens as Int32Array, (token, row) => ({ token, logprob: (logprobs as Float32Array)[row]! }));
    },
    close: () => session.close(),
  };
}
