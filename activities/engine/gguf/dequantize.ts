/**
 * Blocks of quantized values to 32-bit floats, as ggml's reference does it (ggml-quants.c) and bit for bit as Python's
 * `gguf` package: where a product is rounded before a sum, `Math.fround` rounds it. The layout of a block is said at each
 * function; `d` is a scale, `m` a minimum, both half precision; nibbles hold the first half of a block low, the second
 * half high.
 */
import { widen } from '../safetensors.ts';
import type { GgufType } from './types.ts';

type Decode = (bytes: Uint8Array, at: number, out: Float32Array, to: number) => void;

const fround = Math.fround;

/** @param bytes whole blocks, in a buffer of their own; @returns values in the same order */
export function dequantize({ name, block, bytes: size }: GgufType, bytes: Uint8Array): Float32Array {
  if (name === 'F32' || name === 'F16' || name === 'BF16') return widen(name, bytes);
  const decode = DECODERS[name];
  if (!decode) throw new RangeError(`no decoder for ${name}`);
  const blocks = bytes.length / size;
  const out = new Float32Array(blocks * block);
  for (let i = 0; i < blocks; i++) decode(bytes, i * size, out, i * block);
  return out;
}

let table: Float32Array | undefined;

/** Half-precision value at a byte. */
function half(bytes: Uint8Array, at: number): number {
  table ??= widen('F16', new Uint8Array(Uint16Array.from({ length: 65_536 }, (_, bits) => bits).buffer));
  return table[bytes[at]! | (bytes[at + 1]! << 8)]!;
}

const signed = (byte: number): number => (byte << 24) >> 24;

/** d, 16 bytes of nibbles: d (q - 8). */
const q40: Decode = (bytes, at, out, to) => {
  const d = half(bytes, at);
  for (let i = 0; i < 16; i++) {
    const pair = bytes[at + 2 + i]!;
    out[to + i] = d * ((pair & 15) - 8);
    out[to + 16 + i] = d * ((pair >> 4) - 8);
  }
};

/** d, m, 16 bytes of nibbles: d q + m. */
const q41: Decode = (bytes, at, out, to) => {
  const d = half(bytes, at);
  const m = half(bytes, at + 2);
  for (let i = 0; i < 16; i++) {
    const pair = bytes[at + 4 + i]!;
    out[to + i] = fround(d * (pair & 15)) + m;
    out[to + 16 + i] = fround(d * (pair >> 4)) + m;
  }
};

/** 32 fifth bits, little-endian. */
const fifthBits = (bytes: Uint8Array, at: number): number =>
  bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);

/** d, 32 fifth bits, 16 bytes of nibbles: d (q - 16). */
const q50: Decode = (bytes, at, out, to) => {
  const d = half(bytes, at);
  const high = fifthBits(bytes, at + 2);
  for (let i = 0; i < 16; i++) {
    const pair = bytes[at + 6 + i]!;
    out[to + i] = d * (((pair & 15) | (((high >>> i) & 1) << 4)) - 16);
    out[to + 16 + i] = d * (((pair >> 4) | (((high >>> (i + 16)) & 1) << 4)) - 16);
  }
};

/** d, m, 32 fifth bits, 16 bytes of nibbles: d q + m. */
const q51: Decode = (bytes, at, out, to) => {
  const d = half(bytes, at);
  const m = half(bytes, at + 2);
  const high = fifthBits(bytes, at + 4);
  for (let i = 0; i < 16; i++) {
    const pair = bytes[at + 8 + i]!;
    out[to + i] = fround(d * ((pair & 15) | (((high >>> i) & 1) << 4))) + m;
    out[to + 16 + i] = fround(d * ((pair >> 4) | (((high >>> (i + 16)) & 1) << 4))) + m;
  }
};

/** d, 32 signed bytes: d q. */
const q80: Decode = (bytes, at, out, to) => {
  const d = half(bytes, at);
  for (let i = 0; i < 32; i++) out[to + i] = d * signed(bytes[at + 2 + i]!);
};

/**
 * Scale and minimum of sub-block j of 8, six bits each in 12 bytes: the first four in bytes 0-3 and 4-7; of the others
 * the low four bits in bytes 8-11, the high two above the first four's.
 */
function scaleAndMinimum(bytes: Uint8Array, at: number, j: number): [number, number] {
  const low = bytes[at + j]!;
  const high = bytes[at + j + 4]!;
  if (j < 4) return [low & 63, high & 63];
  return [(high & 15) | ((bytes[at + j - 4]! >> 6) << 4), (high >> 4) | ((low >> 6) << 4)];
}

/** d, m, 12 bytes of scales, then for Q5_K 32 bytes of fifth bits, 128 bytes of nibbles: d s q - m t. */
const kQuant =
  (fifth: boolean): Decode =>
  (bytes, at, out, to) => {
    const d = half(bytes, at);
    const m = half(bytes, at + 2);
    const nibbles = at + (fifth ? 48 : 16);
    for (let j = 0; j < 8; j++) {
      const [scale, minimum] = scaleAndMinimum(bytes, at + 4, j);
      const step = fround(d * scale);
      const floor = fround(m * minimum);
      const row = nibbles + (j >> 1) * 32;
      const shift = (j & 1) * 4;
      for (let i = 0; i < 32; i++) {
        const high = fifth ? ((bytes[at + 16 + i]! >> j) & 1) << 4 : 0;
        out[to + j * 32 + i] = fround(step * (((bytes[row + i]! >> shift) & 15) | high)) - floor;
      }
    }
  };

/** 128 bytes of low nibbles, 64 of high bit pairs, 16 signed scales, d: d s (q - 32). */
const q6k: Decode = (bytes, at, out, to) => {
  const d = half(bytes, at + 208);
  for (let value = 0; value < 256; value++) {
    const part = value >> 7;
    const within = value & 127;
    const quarter = within >> 5;
    const lane = within & 31;
    const nibble = (bytes[at + part * 64 + (within & 63)]! >> (quarter > 1 ? 4 : 0)) & 15;
    const pair = (bytes[at + 128 + part * 32 + lane]! >> (2 * quarter)) & 3;
    const step = fround(d * signed(bytes[at + 192 + (value >> 4)]!));
    out[to + value] = step * ((nibble | (pair << 4)) - 32);
  }
};

const DECODERS: Readonly<Record<string, Decode>> = {
  Q4_0: q40,
  Q4_1: q41,
  Q5_0: q50,
  Q5_1: q51,
  Q8_0: q80,
  Q4_K: kQuant(false),
  Q5_K: kQuant(true),
  Q6_K: q6k,
};
