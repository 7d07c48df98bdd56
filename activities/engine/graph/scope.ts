/**
 * One entry point under construction. Gives an operation its inputs, and sees to the order of what touches a variable: a
 * read comes after the last write before it, and a write after everything that may still look at what was read before.
 */
import type { Attribute, DType, TensorValue } from './graph-def.ts';
import { tensorValue } from './graph.ts';
import type { Graph, Ref, Variable } from './graph.ts';
import { factorSize } from './symbols.ts';

export interface OutputSpec {
  dtype: DType;
  shape: readonly number[];
}

/** What the caller of an entry point feeds, in this order. */
export interface InputSpec extends OutputSpec {
  name: string;
}

export interface Scope {
  readonly inputs: readonly InputSpec[];
  input(name: string, dtype: DType, shape: readonly number[]): Ref;
  node(op: string, inputs: readonly Ref[], attributes: Record<string, Attribute>, outputs: [OutputSpec]): [Ref];
  node(
    op: string,
    inputs: readonly Ref[],
    attributes: Record<string, Attribute>,
    outputs: readonly OutputSpec[],
  ): Ref[];
  constant(value: TensorValue): Ref;
  /** int32 scalar; symbols in it become products. */
  size(size: number): Ref;
  /** Whether a size is known only when the graph runs. */
  isSymbolic(size: number): boolean;
  /** int32 [rank] */
  shape(sizes: readonly number[]): Ref;
  /** `value`, not before `other` is there. The optimizer never merges what is computed from it with what is from `value`. */
  after(value: Ref, other: Ref): Ref;
  /** @param after nodes that must have run before */
  read(variable: Variable, after?: readonly string[]): Ref;
  /** Replaces the value, whatever its shape. */
  assign(variable: Variable, value: Ref): void;
  /** An operation that takes the variables first and changes them. @returns its node */
  update(
    op: string,
    variables: readonly Variable[],
    inputs: readonly Ref[],
    attributes: Record<string, Attribute>,
  ): string;
  /** The same entry point so far, to be continued in another way; both share all nodes made until now. */
  fork(entry: string): Scope;
  /** int32 scalar that is there once everything written in this scope has been written. */
  finished(): Ref;
}

/** Operations whose output is the memory of their first input. */
const BORROWING = new Set(['Reshape', 'Identity', 'ExpandDims', 'Squeeze', 'Slice', 'StridedSlice', 'SplitV', 'Split']);

interface State {
  inputs: InputSpec[];
  /** By symbol: int32 scalar. */
  symbols: Map<number, Ref>;
  sizes: Map<number, Ref>;
  shapes: Map<string, Ref>;
  /** Node of the last write, if any. */
  written: Map<Variable, string[]>;
  /** Nodes that look at what was read since then. */
  readers: Map<Variable, string[]>;
}

/** @param symbols sizes that an input's shape may define */
export function createScope(graph: Graph, entry: string, symbols: readonly number[]): Scope {
  return openScope(graph, entry, symbols, {
    inputs: [],
    symbols: new Map(),
    sizes: new Map(),
    shapes: new Map(),
    written: new Map(),
    readers: new Map(),
  });
}

function openScope(graph: Graph, entry: string, symbols: readonly number[], state: State): Scope {
  const { written, readers } = state;
  const after = (names: readonly string[]): string[] => [...new Set(names)].map((name) => `^${name}`);

  const node = (
    op: string,
    inputs: readonly Ref[],
    attributes: Record<string, Attribute>,
    outputs: readonly OutputSpec[],
  ): Ref[] => {
    const name = graph.add(
      op,
      inputs.map((input) => input.name),
      attributes,
    );
    for (const input of inputs) {
      for (const variable of input.borrows) readers.set(variable, [...(readers.get(variable) ?? []), name]);
    }
    const borrows = BORROWING.has(op) ? (inputs[0]?.borrows ?? []) : [];
    return outputs.map((output, index) => ({ ...output, name: `${name}:${index}`, borrows }));
  };

  const int = (value: number): Ref => graph.constant(tensorValue('int32', [], [value]));

  const size = (value: number): Ref => {
    const known = state.sizes.get(value);
    if (known) return known;
    const { constant, symbols: factors } = factorSize(value, symbols);
    let product: Ref | undefined;
    for (const symbol of factors) {
      const factor = state.symbols.get(symbol);
      if (!factor) throw new RangeError(`${entry}: no input has defined the size ${symbol} in ${value}`);
      product = product ? node('Mul', [product, factor], { T: { type: 'int32' } }, [scalar])[0] : factor;
    }
    if (!product || constant !== 1) {
      const whole = int(constant);
      product = product ? node('Mul', [product, whole], { T: { type: 'int32' } }, [scalar])[0] : whole;
    }
    state.sizes.set(value, product as Ref);
    return product as Ref;
  };

  const change: Scope['update'] = (op, variables, inputs, attributes) => {
    const earlier = variables.flatMap((variable) => [
      ...(readers.get(variable) ?? []),
      ...(written.get(variable) ?? []),
    ]);
    const handles = variables.map((variable) => variable.handle);
    const name = graph.add(op, [...handles, ...inputs.map((input) => input.name), ...after(earlier)], attributes);
    for (const other of inputs.flatMap((input) => input.borrows)) {
      // A value that lies in the variable's own memory is read by this very node.
      if (!variables.includes(other)) readers.set(other, [...(readers.get(other) ?? []), name]);
    }
    for (const variable of variables) {
      readers.set(variable, []);
      written.set(variable, [name]);
    }
    return name;
  };

  return {
    inputs: state.inputs,
    input: (name, dtype, shape) => {
      const placeholder = graph.add(
        'Placeholder',
        [],
        { dtype: { type: dtype }, shape: { shape: shape.map((n) => (isSymbolic(n, symbols) ? -1 : n)) } },
        `${entry}/${name}`,
      );
      state.inputs.push({ name: `${placeholder}:0`, dtype, shape });
      const ref: Ref = { name: `${placeholder}:0`, dtype, shape, borrows: [] };
      const fresh = shape.filter((n) => symbols.includes(n) && !state.symbols.has(n));
      if (fresh.length > 0) {
        const whole = node('Shape', [ref], { T: { type: dtype }, out_type: { type: 'int32' } }, [
          { dtype: 'int32', shape: [shape.length] },
        ]);
        const unpacking = { T: { type: 'int32' }, num: { int: shape.length }, axis: { int: 0 } } as const;
        const parts = node(
          'Unpack',
          whole,
          unpacking,
          shape.map(() => scalar),
        );
        for (const [axis, n] of shape.entries()) if (fresh.includes(n)) state.symbols.set(n, parts[axis] as Ref);
      }
      return ref;
    },
    node: node as Scope['node'],
    constant: (value) => graph.constant(value),
    isSymbolic: (value) => isSymbolic(value, symbols),
    size,
    shape: (sizes) => {
      const key = sizes.join();
      const known = state.shapes.get(key);
      if (known) return known;
      const symbolic = sizes.some((n) => isSymbolic(n, symbols));
      const spec: OutputSpec = { dtype: 'int32', shape: [sizes.length] };
      const ref = symbolic
        ? (node('Pack', sizes.map(size), { N: { int: sizes.length }, T: { type: 'int32' }, axis: { int: 0 } }, [
            spec,
          ])[0] as Ref)
        : graph.constant(tensorValue('int32', spec.shape, sizes));
      state.shapes.set(key, ref);
      return ref;
    },
    after: (value, other) => {
      const before = other.name.slice(0, other.name.lastIndexOf(':'));
      const name = graph.add('Identity', [value.name, `^${before}`], { T: { type: value.dtype } });
      for (const variable of value.borrows) readers.set(variable, [...(readers.get(variable) ?? []), name]);
      return { ...value, name: `${name}:0` };
    },
    read: (variable, others = []) => {
      const writes = written.get(variable) ?? [];
      const before = after([...writes, ...others]);
      // A write gives its variable out again. That is how a read of a row in place follows it: TensorFlow's optimizer moves a cast to a
      // smaller type in front of an Identity, out of reach of the Identity's control edges.
      const [lastWrite] = writes;
      const name =
        variable.kind === 'ref'
          ? graph.add('Identity', [lastWrite === undefined ? variable.handle : `${lastWrite}:0`, ...after(others)], {
              T: { type: variable.dtype },
            })
          : graph.add('ReadVariableOp', [variable.handle, ...before], { dtype: { type: variable.dtype } });
      readers.set(variable, [...(readers.get(variable) ?? []), name]);
      return { name: `${name}:0`, dtype: variable.dtype, shape: variable.shape, borrows: [variable] };
    },
    assign: (variable, value) => {
      const type = { type: variable.dtype };
      if (variable.kind === 'ref') {
        change('Assign', [variable], [value], {
          T: type,
          validate_shape: { bool: false },
          use_locking: { bool: false },
        });
      } else change('AssignVariableOp', [variable], [value], { dtype: type });
    },
    update: change,
    fork: (name) =>
      openScope(graph, name, symbols, {
        ...state,
        inputs: [...state.inputs],
        sizes: new Map(state.sizes),
        shapes: new Map(state.shapes),
        written: new Map(written),
        readers: new Map(readers),
      }),
    finished: () => {
      const name = graph.add('Const', after([...written.values()].flat()), {
        dtype: { type: 'int32' },
        value: { tensor: tensorValue('int32', [], [1]) },
      });
      return { name: `${name}:0`, dtype: 'int32', shape: [], borrows: [] };
    },
  };
}

const scalar: OutputSpec = { dtype: 'int32', shape: [] };

function isSymbolic(size: number, symbols: readonly number[]): boolean {
  return symbols.some((symbol) => size !== 0 && size % symbol === 0);
}
