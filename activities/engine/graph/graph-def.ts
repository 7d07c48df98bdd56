/** A TensorFlow graph as data, and its form on disk: a SavedModel with one graph and no variables' files. */
import { bytes, float, integer } from './protobuf.ts';
import type { Chunk } from './protobuf.ts';

export type DType = 'float32' | 'float64' | 'int32' | 'int64' | 'bool' | 'bfloat16';

/** `DataType` of tensorflow/core/framework/types.proto. */
export const DTYPES: Readonly<Record<DType, number>> = {
  float32: 1,
  float64: 2,
  int32: 3,
  int64: 9,
  bool: 10,
  bfloat16: 14,
};

export interface TensorValue {
  dtype: DType;
  shape: readonly number[];
  /** Little endian, row-major. */
  content: Uint8Array;
}

export type Attribute =
  | { type: DType }
  | { int: number }
  | { float: number }
  | { bool: boolean }
  | { text: string }
  /** Undefined: of unknown rank. */
  | { shape: readonly number[] | undefined }
  | { tensor: TensorValue };

export interface GraphNode {
  name: string;
  op: string;
  /** `name:output`, and `^name` for "after that node"; control inputs come last. */
  inputs: readonly string[];
  attributes: Readonly<Record<string, Attribute>>;
}

/** GraphDef version that all supported libraries read; the operations used are older still. */
const PRODUCER = 1087;

/** The bytes of `saved_model.pb`. */
export function encodeSavedModel(nodes: readonly GraphNode[]): Uint8Array {
  const graph = [...nodes.flatMap((node) => bytes(1, encodeNode(node))), ...bytes(4, integer(1, PRODUCER))];
  const metaGraph = [...bytes(1, bytes(4, 'serve')), ...bytes(2, graph)];
  return Buffer.concat([...integer(1, 1), ...bytes(2, metaGraph)]);
}

function encodeNode({ name, op, inputs, attributes }: GraphNode): Chunk[] {
  return [
    ...bytes(1, name),
    ...bytes(2, op),
    ...inputs.flatMap((input) => bytes(3, input)),
    ...Object.entries(attributes).flatMap(([key, value]) =>
      bytes(5, [...bytes(1, key), ...bytes(2, encodeAttribute(value))]),
    ),
  ];
}

function encodeAttribute(attribute: Attribute): Chunk[] {
  if ('type' in attribute) return integer(6, DTYPES[attribute.type]);
  if ('int' in attribute) return integer(3, attribute.int);
  if ('float' in attribute) return float(4, attribute.float);
  if ('bool' in attribute) return integer(5, Number(attribute.bool));
  if ('text' in attribute) return bytes(2, attribute.text);
  if ('shape' in attribute) return bytes(7, encodeShape(attribute.shape));
  const { dtype, shape, content } = attribute.tensor;
  return bytes(8, [...integer(1, DTYPES[dtype]), ...bytes(2, encodeShape(shape)), ...bytes(4, content)]);
}

function encodeShape(shape: readonly number[] | undefined): Chunk[] {
  return shape ? shape.flatMap((size) => bytes(2, integer(1, size))) : integer(3, 1);
}
