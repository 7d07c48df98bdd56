/** Writes GGUF files for tests, from the format's description and not with the reader's code. */

export type Metadata = Readonly<Record<string, string | number | boolean | readonly string[] | readonly number[]>>;

export interface TensorToWrite {
  name: string;
  /** Row-major. */
  shape: readonly number[];
  values: readonly number[];
}

/** What to write instead of the truth. */
export interface Lies {
  magic?: string;
  version?: number;
  tensorCount?: bigint;
  pairCount?: bigint;
  /** Of every key. */
  keyLength?: bigint;
  /** Of every tensor, in the file's order. */
  dimensions?: readonly bigint[];
  type?: number;
  offset?: bigint;
}

const ALIGNMENT = 32;

/** Strings, float32 numbers (int32 where whole), booleans and lists; tensors as F32. */
export function ggufBytes(metadata: Metadata, tensors: readonly TensorToWrite[], lies: Lies = {}): Buffer {
  const parts: Buffer[] = [];
  const uint32 = (value: number): number => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    return parts.push(bytes);
  };
  const uint64 = (value: bigint): number => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(value);
    return parts.push(bytes);
  };
  const text = (value: string, length?: bigint): void => {
    const bytes = Buffer.from(value, 'utf8');
    uint64(length ?? BigInt(bytes.length));
    parts.push(bytes);
  };
  const scalarType = (value: unknown): number => {
    if (typeof value === 'string') return 8;
    if (typeof value === 'boolean') return 7;
    return Number.isInteger(value) ? 5 : 6;
  };
  const scalar = (value: string | number | boolean): void => {
    if (typeof value === 'string') return text(value);
    if (typeof value === 'boolean') return void parts.push(Buffer.from([Number(value)]));
    const bytes = Buffer.alloc(4);
    if (Number.isInteger(value)) bytes.writeInt32LE(value);
    else bytes.writeFloatLE(value);
    return void parts.push(bytes);
  };

  parts.push(Buffer.from(lies.magic ?? 'GGUF', 'latin1'));
  uint32(lies.version ?? 3);
  uint64(lies.tensorCount ?? BigInt(tensors.length));
  uint64(lies.pairCount ?? BigInt(Object.keys(metadata).length));
  for (const [key, value] of Object.entries(metadata)) {
    text(key, lies.keyLength);
    if (!Array.isArray(value)) {
      uint32(scalarType(value));
      scalar(value as string);
      continue;
    }
    uint32(9);
    // One type for all elements, whole numbers included.
    const fractional = value.some((element) => typeof element === 'number' && !Number.isInteger(element));
    uint32(fractional ? 6 : scalarType(value[0]));
    uint64(BigInt(value.length));
    for (const element of value as (string | number)[]) {
      if (!fractional) scalar(element);
      else {
        const bytes = Buffer.alloc(4);
        bytes.writeFloatLE(element as number);
        parts.push(bytes);
      }
    }
  }
  const data: Buffer[] = [];
  let offset = 0;
  for (const { name, shape, values } of tensors) {
    text(name);
    const dimensions = lies.dimensions ?? shape.map(BigInt).toReversed();
    uint32(dimensions.length);
    for (const size of dimensions) uint64(size);
    uint32(lies.type ?? 0);
    uint64(lies.offset ?? BigInt(offset));
    const bytes = Buffer.alloc(Math.ceil((values.length * 4) / ALIGNMENT) * ALIGNMENT);
    for (const [index, value] of values.entries()) bytes.writeFloatLE(value, index * 4);
    data.push(bytes);
    offset += bytes.length;
  }
  const header = Buffer.concat(parts);
  const padding = Buffer.alloc(Math.ceil(header.length / ALIGNMENT) * ALIGNMENT - header.length);
  return Buffer.concat([header, padding, ...data]);
}
