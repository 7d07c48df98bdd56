/**
 * The safetensors file format: 8 bytes header length (little-endian), a JSON header, then the tensors' bytes. A file is
 * input from outside, so every number in the header is checked before it is used.
 */
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { RZeroError } from '../errors.ts';
import { shown } from './shown.ts';

/** The reference implementation's limit. */
const MAX_HEADER_BYTES = 100_000_000;
const PIECE = 2 ** 20;
const BYTES = { F32: 4, F16: 2, BF16: 2 } as const;

type StoredType = keyof typeof BYTES;

export interface TensorEntry {
  dtype: StoredType;
  shape: readonly number[];
  /** Byte range in the file. */
  start: number;
  end: number;
}

export interface NamedTensor {
  name: string;
  shape: readonly number[];
  data: Float32Array;
}

/** Why bytes are not a safetensors file; callers add the path and the code. */
export class SafetensorsError extends Error {
  override readonly name = 'SafetensorsError';
}

/** Length of the JSON header, from the first 8 bytes. @throws SafetensorsError */
export function headerLength(prefix: Uint8Array, fileBytes: number): number {
  if (prefix.length < 8 || fileBytes < 8) throw new SafetensorsError('is shorter than 8 bytes');
  const length = new DataView(prefix.buffer, prefix.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES) || length > BigInt(fileBytes - 8)) {
    throw new SafetensorsError(`claims a header of ${length} bytes in a file of ${fileBytes}`);
  }
  return Number(length);
}

/**
 * @param json the header's bytes, without the 8-byte length
 * @throws SafetensorsError when tensors overlap, leave gaps, reach outside the file, or have a type that is not F32, F16 or BF16.
 */
export function parseHeader(json: Uint8Array, fileBytes: number): Map<string, TensorEntry> {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json));
  } catch {
    throw new SafetensorsError('has a header that is not valid JSON');
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) {
    throw new SafetensorsError('has a header that is not an object');
  }
  const dataStart = 8 + json.length;
  const entries = new Map<string, TensorEntry>();
  for (const [name, value] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    entries.set(name, parseEntry(name, value, dataStart));
  }
  let expected = dataStart;
  for (const [name, entry] of [...entries].sort(([, a], [, b]) => a.start - b.start || a.end - b.end)) {
    if (entry.start !== expected) throw new SafetensorsError(`has a gap or an overlap before tensor ${name}`);
    expected = entry.end;
  }
  if (expected !== fileBytes) {
    throw new SafetensorsError(`should be ${expected} bytes long by its header and is ${fileBytes}`);
  }
  return entries;
}

function parseEntry(name: string, value: unknown, dataStart: number): TensorEntry {
  const fail = (what: string): SafetensorsError => new SafetensorsError(`has ${what} for tensor ${shown(name)}`);
  if (typeof value !== 'object' || value === null) throw fail('no description');
  const { dtype, shape, data_offsets: offsets } = value as Record<string, unknown>;
  if (typeof dtype !== 'string' || !Object.hasOwn(BYTES, dtype)) {
    throw fail(`the unsupported type ${shown(dtype)}`);
  }
  const isSize = (size: unknown): size is number => typeof size === 'number' && Number.isSafeInteger(size) && size >= 0;
  if (!Array.isArray(shape) || !shape.every(isSize)) throw fail('a malformed shape');
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize)) throw fail('malformed offsets');
  const [begin, end] = offsets as [number, number];
  const bytes = shape.reduce((product, size) => product * size, BYTES[dtype as StoredType]);
  if (!Number.isSafeInteger(bytes) || end - begin !== bytes) throw fail('a size that does not match its shape');
  return { dtype: dtype as StoredType, shape, start: dataStart + begin, end: dataStart + end };
}

/** An open file and its checked index. */
export interface SafetensorsFile {
  readonly entries: ReadonlyMap<string, TensorEntry>;
  /** Values as 32-bit floats; F16 and BF16 are widened exactly. */
  read(name: string): Promise<Float32Array>;
  /** Number of values of a tensor; undefined when there is none of that name. */
  sizeOf(name: string): number | undefined;
  /** Fills `into` with the values that follow the first `from` ones. */
  readInto(name: string, into: Float32Array, from: number): Promise<void>;
  /** The same, 4 MB of floats at a time. */
  pieces(name: string): AsyncIterable<Float32Array>;
  close(): Promise<void>;
}

/** @throws RZeroError `ModelUnreadable` naming the file. */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    throw new RZeroError('ModelUnreadable', `${path} cannot be opened.`, {
      field: 'path',
      fix: 'Give a folder that holds config.json and *.safetensors.',
      cause: error,
    });
  }
  try {
    const { size } = await handle.stat();
    const prefix = await readExactly(handle, 0, Math.min(8, size));
    const json = await readExactly(handle, 8, headerLength(prefix, size));
    const entries = parseHeader(json, size);
    const find = (name: string): TensorEntry => {
      const entry = entries.get(name);
      if (!entry) throw new SafetensorsError(`has no tensor ${name}`);
      return entry;
    };
    const values = async (dtype: StoredType, start: number, end: number): Promise<Float32Array> =>
      widen(dtype, await readExactly(handle, start, end - start));
    return {
      entries,
      read: async (name) => {
        const { dtype, start, end } = find(name);
        return await values(dtype, start, end);
      },
      sizeOf: (name) => {
        const entry = entries.get(name);
        return entry && (entry.end - entry.start) / BYTES[entry.dtype];
      },
      readInto: async (name, into, from) => {
        const entry = find(name);
        const { dtype } = entry;
        const start = entry.start + from * BYTES[dtype];
        const end = start + into.length * BYTES[dtype];
        if (end > entry.end) throw new SafetensorsError(`has no ${from + into.length} values in tensor ${name}`);
        if (dtype === 'F32') await fill(handle, start, new Uint8Array(into.buffer, into.byteOffset, into.byteLength));
        else into.set(await values(dtype, start, end));
      },
      pieces: async function* (name) {
        const { dtype, start, end } = find(name);
        const step = PIECE * BYTES[dtype];
        for (let from = start; from < end; from += step) yield await values(dtype, from, Math.min(end, from + step));
      },
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    if (!(error instanceof SafetensorsError)) throw error;
    throw new RZeroError('ModelUnreadable', `${path} ${error.message}.`, {
      field: 'path',
      fix: 'Fetch the file again.',
      cause: error,
    });
  }
}

async function readExactly(handle: FileHandle, position: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  await fill(handle, position, bytes);
  return bytes;
}

async function fill(handle: FileHandle, position: number, bytes: Uint8Array): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesRead } = await handle.read(bytes, done, Math.min(bytes.length - done, 2 ** 30), position + done);
    if (bytesRead === 0) throw new SafetensorsError('ends too early');
    done += bytesRead;
  }
}

/** Little-endian bytes of a fresh buffer to 32-bit floats. */
export function widen(dtype: StoredType, bytes: Uint8Array): Float32Array {
  if (dtype === 'F32') return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const halves = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) {
    const half = halves[i] as number;
    bits[i] = dtype === 'BF16' ? half << 16 : halfToSingle(half);
  }
  return new Float32Array(bits.buffer);
}

function halfToSingle(half: number): number {
  const sign = (half & 0x8000) << 16;
  let exponent = (half >>> 10) & 0x1f;
  let fraction = half & 0x3ff;
  if (exponent === 0x1f) return (sign | 0x7f800000 | (fraction << 13)) >>> 0;
  if (exponent === 0) {
    if (fraction === 0) return sign >>> 0;
    // Subnormal halves are normal singles: shift until the leading one is where the hidden bit goes.
    exponent = 1;
    while ((fraction & 0x400) === 0) {
      fraction <<= 1;
      exponent--;
    }
    fraction &= 0x3ff;
  }
  return (sign | ((exponent + 112) << 23) | (fraction << 13)) >>> 0;
}

/** Length and JSON header of a file that holds these tensors as F32, in this order; a multiple of 8 bytes. */
export function formatSafetensorsHeader(tensors: Iterable<{ name: string; shape: readonly number[] }>): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  let offset = 0;
  for (const { name, shape } of tensors) {
    const end = offset + shape.reduce((product, size) => product * size, BYTES.F32);
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, end] };
    offset = end;
  }
  const json = Buffer.from(JSON.stringify(header), 'utf8');
  const bytes = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, ' ');
  bytes.writeBigUInt64LE(BigInt(bytes.length - 8), 0);
  json.copy(bytes, 8);
  return bytes;
}
