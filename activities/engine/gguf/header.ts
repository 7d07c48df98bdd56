/**
 * The header of a GGUF file, versions 2 and 3 (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md): magic,
 * counts, typed key-value pairs, one description per tensor. A file is input from outside: every count is held against
 * the bytes that are left before anything is made from it.
 *
 * Read here and not by `@huggingface/gguf`, which fills a short file up with zeros and cuts a string that ends beyond
 * the 2 MB piece it holds; a test compares the two on whole files.
 */
import type { ByteReader } from './byte-reader.ts';
import { GgufError } from './error.ts';
import { GGUF_TYPES, ggufTypeName } from './types.ts';
import type { GgufType } from './types.ts';

export type GgufValue = number | boolean | string | GgufValue[];

export interface GgufTensor {
  readonly name: string;
  /** Row-major: the last dimension is contiguous, the reverse of the file's order. */
  readonly shape: readonly number[];
  readonly type: GgufType;
  /** Byte range in the file. */
  readonly start: number;
  readonly end: number;
}

export interface GgufHeader {
  readonly metadata: ReadonlyMap<string, GgufValue>;
  readonly tensors: ReadonlyMap<string, GgufTensor>;
}

const MAGIC = 0x46554747;
const MOST_PAIRS = 65_536;
const MOST_ELEMENTS = 4_000_000;
const MOST_TENSORS = 65_536;
const MOST_DIMENSIONS = 4;
const LONGEST_NAME = 65_535;
const LONGEST_STRING = 16 * 2 ** 20;
/** A pair is at least an empty key, a type and one byte; a tensor an empty name, no dimensions, type and offset. */
const LEAST_PAIR_BYTES = 13;
const LEAST_TENSOR_BYTES = 24;

/** Numbers of the value types, in the file's order. */
const STRING = 8;
const ARRAY = 9;

interface Scalar {
  readonly bytes: number;
  read(view: DataView, at: number): number | boolean;
}

const scalar = (bytes: number, read: Scalar['read']): Scalar => ({ bytes, read });

const SCALARS: ReadonlyMap<number, Scalar> = new Map([
  [0, scalar(1, (view, at) => view.getUint8(at))],
  [1, scalar(1, (view, at) => view.getInt8(at))],
  [2, scalar(2, (view, at) => view.getUint16(at, true))],
  [3, scalar(2, (view, at) => view.getInt16(at, true))],
  [4, scalar(4, (view, at) => view.getUint32(at, true))],
  [5, scalar(4, (view, at) => view.getInt32(at, true))],
  [6, scalar(4, (view, at) => view.getFloat32(at, true))],
  [7, scalar(1, (view, at) => view.getUint8(at) !== 0)],
  [10, scalar(8, (view, at) => safeInteger(view.getBigUint64(at, true)))],
  [11, scalar(8, (view, at) => safeInteger(view.getBigInt64(at, true)))],
  [12, scalar(8, (view, at) => view.getFloat64(at, true))],
]);

/** @throws GgufError */
export async function readGgufHeader(reader: ByteReader): Promise<GgufHeader> {
  if (reader.left < 24 || (await readUint32(reader)) !== MAGIC) throw new GgufError('is not a GGUF file');
  const version = await readUint32(reader);
  if (version !== 2 && version !== 3) {
    throw new GgufError(`is GGUF version ${version}, or big-endian; versions 2 and 3 are read, little-endian`);
  }
  const tensorCount = await readCount(reader, 'tensors', MOST_TENSORS, LEAST_TENSOR_BYTES);
  const pairCount = await readCount(reader, 'metadata pairs', MOST_PAIRS, LEAST_PAIR_BYTES);
  const metadata = new Map<string, GgufValue>();
  for (let pair = 0; pair < pairCount; pair++) {
    const key = await readString(reader, LONGEST_NAME);
    if (metadata.has(key)) throw new GgufError(`has the metadata key ${JSON.stringify(key)} twice`);
    metadata.set(key, await readValue(reader, await readUint32(reader), key));
  }
  const described: (Omit<GgufTensor, 'end' | 'start'> & { offset: number; bytes: number })[] = [];
  for (let tensor = 0; tensor < tensorCount; tensor++) described.push(await readTensor(reader));
  const dataStart = alignUp(reader.position, alignmentOf(metadata));
  const tensors = new Map<string, GgufTensor>();
  for (const { offset, bytes, ...tensor } of described) {
    const start = dataStart + offset;
    if (start + bytes > reader.size) {
      throw new GgufError(`ends before the data of tensor ${JSON.stringify(tensor.name)}`);
    }
    if (tensors.has(tensor.name)) throw new GgufError(`has tensor ${JSON.stringify(tensor.name)} twice`);
    tensors.set(tensor.name, { ...tensor, start, end: start + bytes });
  }
  return { metadata, tensors };
}

async function readValue(reader: ByteReader, type: number, key: string): Promise<GgufValue> {
  if (type === STRING) return readString(reader, LONGEST_STRING);
  const scalar = SCALARS.get(type);
  if (scalar) return scalar.read(await reader.take(scalar.bytes), 0);
  if (type !== ARRAY) throw new GgufError(`has metadata ${JSON.stringify(key)} of the unknown type ${type}`);
  return readArray(reader, key);
}

async function readArray(reader: ByteReader, key: string): Promise<GgufValue[]> {
  const type = await readUint32(reader);
  const element = SCALARS.get(type);
  const count = await readCount(reader, `elements of ${JSON.stringify(key)}`, MOST_ELEMENTS, element?.bytes ?? 8);
  const values: GgufValue[] = [];
  if (element) {
    const view = await reader.take(count * element.bytes);
    for (let i = 0; i < count; i++) values.push(element.read(view, i * element.bytes));
  } else if (type === STRING) {
    for (let i = 0; i < count; i++) values.push(await readString(reader, LONGEST_STRING));
  } else {
    // No model that is read here nests arrays, and nesting is how a small file asks for deep recursion.
    throw new GgufError(`has metadata ${JSON.stringify(key)}, an array of type ${type}`);
  }
  return values;
}

async function readTensor(reader: ByteReader) {
  const name = await readString(reader, LONGEST_NAME);
  const fail = (what: string): GgufError => new GgufError(`has tensor ${JSON.stringify(name)} ${what}`);
  const rank = await readUint32(reader);
  if (rank < 1 || rank > MOST_DIMENSIONS) throw fail(`with ${rank} dimensions`);
  const shape: number[] = [];
  for (let i = 0; i < rank; i++) shape.unshift(await readSize(reader));
  const id = await readUint32(reader);
  const offset = await readSize(reader);
  const type = GGUF_TYPES.get(id);
  if (!type) {
    const known = [...GGUF_TYPES.values()].map((known) => known.name).join(', ');
    throw fail(`stored as ${ggufTypeName(id)}; these are read: ${known}`);
  }
  const row = shape.at(-1) as number;
  if (row % type.block !== 0) throw fail(`with rows of ${row} values, no multiple of ${type.name}'s ${type.block}`);
  const bytes = (shape.reduce((product, size) => product * size, 1) / type.block) * type.bytes;
  if (!Number.isSafeInteger(bytes)) throw fail(`with the impossible shape ${shape.join('x')}`);
  return { name, shape, type, offset, bytes };
}

function alignmentOf(metadata: ReadonlyMap<string, GgufValue>): number {
  const alignment = metadata.get('general.alignment') ?? 32;
  if (typeof alignment === 'number' && Number.isInteger(alignment) && alignment >= 1 && alignment <= 2 ** 20) {
    return alignment;
  }
  throw new GgufError(`has the alignment ${JSON.stringify(alignment)}`);
}

function alignUp(position: number, alignment: number): number {
  return Math.ceil(position / alignment) * alignment;
}

/** A count of things that take at least `leastBytes` each, of which only so many can follow. */
async function readCount(reader: ByteReader, what: string, most: number, leastBytes: number): Promise<number> {
  const count = await readSize(reader);
  if (count > most || count * leastBytes > reader.left) {
    throw new GgufError(`claims ${count} ${what}, with ${reader.left} bytes left`);
  }
  return count;
}

async function readString(reader: ByteReader, longest: number): Promise<string> {
  const length = await readSize(reader);
  if (length > longest) throw new GgufError(`has a string of ${length} bytes`);
  const { buffer, byteOffset } = await reader.take(length);
  return decoder.decode(new Uint8Array(buffer, byteOffset, length));
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

async function readUint32(reader: ByteReader): Promise<number> {
  return (await reader.take(4)).getUint32(0, true);
}

async function readSize(reader: ByteReader): Promise<number> {
  return safeInteger((await reader.take(8)).getBigUint64(0, true));
}

function safeInteger(value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new GgufError(`holds the number ${value}, which is too large`);
  return number;
}
