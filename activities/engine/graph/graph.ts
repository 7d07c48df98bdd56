/**
 * A graph under construction: nodes, shared constants, and variables that outlive a run. Nodes are added through a scope,
 * one for each entry point, which orders reads and writes of variables.
 */
import type { Attribute, DType, GraphNode, TensorValue } from './graph-def.ts';

/** One output of a node. */
export interface Ref {
  /** `node:output` */
  readonly name: string;
  readonly dtype: DType;
  /** Unknown sizes appear as their symbols. */
  readonly shape: readonly number[];
  /** Variables whose memory this tensor may be. */
  readonly borrows: readonly Variable[];
}

/**
 * `resource`: weights, moments, sums of gradients; written with copy-on-write, so a tensor read before stays what it was.
 * `ref`: a key-value cache, whose rows are written in place. A resource variable would be copied whole on every read once
 * single rows were written to it (`copy_on_read_mode` of resource_variable_ops.cc).
 */
export type VariableKind = 'resource' | 'ref';

export interface Variable {
  readonly name: string;
  readonly kind: VariableKind;
  readonly dtype: DType;
  /** As reads see it, with symbols. */
  readonly shape: readonly number[];
  /** Output of the node that holds it. */
  readonly handle: string;
}

export interface Graph {
  readonly nodes: readonly GraphNode[];
  /** Adds a node and returns its name. */
  add(op: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute>>, name?: string): string;
  constant(value: TensorValue): Ref;
  /** @param fixed the shape holds no symbol and never changes */
  variable(name: string, kind: VariableKind, shape: readonly number[], fixed: boolean, dtype?: DType): Variable;
}

/** Constants up to this many bytes are shared. */
const SHARED_BYTES = 1024;

export function createGraph(): Graph {
  const nodes: GraphNode[] = [];
  const names = new Set<string>();
  const constants = new Map<string, Ref>();
  const add: Graph['add'] = (op, inputs, attributes, name = `${op}_${nodes.length}`) => {
    if (names.has(name)) throw new RangeError(`two nodes are called ${name}`);
    names.add(name);
    nodes.push({ name, op, inputs, attributes });
    return name;
  };
  return {
    nodes,
    add,
    constant: (value) => {
      const small = value.content.byteLength <= SHARED_BYTES;
      const key = small ? `${value.dtype} ${value.shape.join()} ${Buffer.from(value.content).toString('base64')}` : '';
      const known = small ? constants.get(key) : undefined;
      if (known) return known;
      const node = add('Const', [], { dtype: { type: value.dtype }, value: { tensor: value } });
      const ref: Ref = { name: `${node}:0`, dtype: value.dtype, shape: value.shape, borrows: [] };
      if (small) constants.set(key, ref);
      return ref;
    },
    variable: (name, kind, shape, fixed, dtype = 'float32') => {
      const attributes = {
        dtype: { type: dtype },
        shape: { shape: fixed ? shape : undefined },
        shared_name: { text: name },
      };
      const node = add(kind === 'ref' ? 'VariableV2' : 'VarHandleOp', [], attributes, name);
      return { name, kind, dtype, shape, handle: `${node}:0` };
    },
  };
}

const ARRAYS = { float32: Float32Array, float64: Float64Array, int32: Int32Array, bool: Uint8Array } as const;

/** A constant's value from plain numbers. */
export function tensorValue(
  dtype: keyof typeof ARRAYS,
  shape: readonly number[],
  values: ArrayLike<number>,
): TensorValue {
  const array = ARRAYS[dtype].from(values);
  return { dtype, shape, content: new Uint8Array(array.buffer, array.byteOffset, array.byteLength) };
}
