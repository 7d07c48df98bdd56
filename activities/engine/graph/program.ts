/**
 * All entry points of a model as one graph over shared variables: weights, moments, sums of gradients, and key-value
 * caches. Sessions share no variables, so what works on the same weights must be in the same graph.
 */
import type * as tfc from '@tensorflow/tfjs-core';
import type { ModelConfig } from '../config.ts';
import { arrangeParameters, frozenSpecs, trainedSpecs } from '../parameters.ts';
import type { Parameters } from '../parameters.ts';
import { record } from './backend.ts';
import type { Recorder } from './backend.ts';
import { addDecoding } from './decoding.ts';
import type { GraphNode } from './graph-def.ts';
import { createGraph } from './graph.ts';
import type { Graph, Ref, Variable } from './graph.ts';
import { createScope } from './scope.ts';
import type { Scope } from './scope.ts';
import type { EntryPoint } from './session.ts';
import { chooseSymbols } from './symbols.ts';
import { addTraining } from './training.ts';
import { addWeights } from './weights.ts';

/** Sizes that differ from call to call. */
export const SYMBOLS = [
  'batch',
  'length',
  'rows',
  'tokens',
  'capacity',
  'prompts',
  'columns',
  'shared',
  'sequences',
] as const;

export interface ProgramOptions {
  /** Cross entropy by way of a one-hot matrix, for deterministic operations on a GPU. */
  denseLoss: boolean;
  /** Of matrix products. @default 'float32' */
  precision?: 'float32' | 'bfloat16';
}

export interface Program {
  nodes: readonly GraphNode[];
  entries: Readonly<Record<string, EntryPoint>>;
}

/** What the parts of a program build on. */
export interface Builder {
  readonly tf: typeof tfc;
  readonly config: ModelConfig;
  readonly graph: Graph;
  readonly sizes: Readonly<Record<(typeof SYMBOLS)[number], number>>;
  /** What is trained, in the order of the model's specs. */
  readonly weights: readonly Variable[];
  /** The weights beneath adapters. */
  readonly frozen: readonly Variable[];
  scope(name: string): Scope;
  /** Declares an entry point: what to feed is what the scope has taken in, what to fetch is given here. */
  entry(name: string, scope: Scope, outputs: readonly Ref[]): void;
  /** Traces model code. */
  record<T>(scope: Scope, program: (recorder: Recorder) => T): T;
  /** All of the model, read in this scope. @param trained in place of what the variables hold */
  parameters(scope: Scope, recorder: Recorder, trained?: readonly tfc.Tensor[]): Parameters;
}

export function traceProgram(tf: typeof tfc, config: ModelConfig, options: ProgramOptions): Program {
  const graph = createGraph();
  const trained = trainedSpecs(config);
  const beneath = frozenSpecs(config);
  const { heads, kvHeads } = config;
  const dimensions = [...new Set([...trained, ...beneath].flatMap((spec) => spec.shape))];
  const sizes = chooseSymbols(SYMBOLS, [...dimensions, config.headDim, heads, kvHeads, heads + kvHeads]);
  const entries: Record<string, EntryPoint> = {};
  const weights = trained.map((spec, index) => graph.variable(`w${index}`, 'resource', spec.shape, true));
  const frozen = beneath.map((spec, index) => graph.variable(`f${index}`, 'resource', spec.shape, true));
  const builder: Builder = {
    tf,
    config,
    graph,
    sizes,
    weights,
    frozen,
    scope: (name) => createScope(graph, name, Object.values(sizes)),
    entry: (name, scope, outputs) => {
      // An output may be a variable's own memory, or be fetched by two entry points: each gets a node of its own.
      const names = outputs.map((ref) => scope.node('Identity', [ref], { T: { type: ref.dtype } }, [ref])[0].name);
      entries[name] = { inputs: scope.inputs.map(({ name, dtype }) => ({ name, dtype })), outputs: names };
    },
    record: (scope, program) => record(tf, scope, program, options),
    parameters: (scope, recorder, trained) => {
      const read = (variables: readonly Variable[]): tfc.Tensor[] =>
        variables.map((variable) => recorder.tensor(scope.read(variable)));
      return arrangeParameters(config, [...read(frozen), ...(trained ?? read(weights))]);
    },
  };
  addWeights(builder);
  addTraining(builder);
  addDecoding(builder);
  return { nodes: graph.nodes, entries };
}
