/**
 * The four kinds of protobuf fields that a TensorFlow graph needs (https://protobuf.dev/programming-guides/encoding).
 * A message is a list of chunks; nothing is copied before the whole is joined once.
 */
export type Chunk = Uint8Array;

/** Wire types. */
const VARINT = 0;
const LENGTH = 2;
const FIXED32 = 5;

/** @param value an integer of at most 53 bits; negative ones take ten bytes, as protobuf has it. */
function varint(value: number): Chunk {
  if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is not an integer of at most 53 bits`);
  const bytes: number[] = [];
  if (value < 0) {
    for (let rest = BigInt.asUintN(64, BigInt(value)); ; rest >>= 7n) {
      if (rest < 128n) return Uint8Array.from([...bytes, Number(rest)]);
      bytes.push(Number(rest & 127n) | 128);
    }
  }
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Uint8Array.from([...bytes, rest]);
}

export function integer(field: number, value: number): Chunk[] {
  return [varint(field * 8 + VARINT), varint(value)];
}

/** Text, raw bytes, or a message that was made of fields. */
export function bytes(field: number, content: string | Chunk | readonly Chunk[]): Chunk[] {
  const chunks = typeof content === 'string' ? [Buffer.from(content, 'utf8')] : isList(content) ? content : [content];
  const length = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
  return [varint(field * 8 + LENGTH), varint(length), ...chunks];
}

export function float(field: number, value: number): Chunk[] {
  const four = Buffer.alloc(4);
  four.writeFloatLE(value);
  return [varint(field * 8 + FIXED32), four];
}

function isList(content: Chunk | readonly Chunk[]): content is readonly Chunk[] {
  return Array.isArray(content);
}
