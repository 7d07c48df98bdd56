/**
 * Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
 * A number is a pure function of (key, counter), so no stream has a state to save and no two samples share one.
 */
import { RZeroError } from '../errors.ts';

const M0 = 0xd2511f53;
const M1 = 0xcd9e8d57;
const W0 = 0x9e3779b9;
const W1 = 0xbb67ae85;

/** 64 bits as two unsigned 32-bit words: [low, high]. */
export type PhiloxKey = readonly [number, number];

/** High 32 bits of the 64-bit product of two unsigned 32-bit integers, without BigInt. */
function mulHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const low = aLow * bLow;
  const middle = aHigh * bLow + (low >>> 16);
  const cross = aLow * bHigh + (middle % 0x10000);
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(cross / 0x10000)) >>> 0;
}

/** Four unsigned 32-bit words for one 128-bit counter [c0, c1, c2, c3]. */
export function philox4x32(
  counter: readonly [number, number, number, number],
  key: PhiloxKey,
): [number, number, number, number] {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const high0 = mulHigh(M0, c0);
    const low0 = Math.imul(M0, c0) >>> 0;
    const high1 = mulHigh(M1, c2);
    const low1 = Math.imul(M1, c2) >>> 0;
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0;
    k0 = (k0 + W0) >>> 0;
    k1 = (k1 + W1) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/**
 * @param seed 16 hexadecimal digits.
 * @throws RZeroError `EngineRequestInvalid` for anything else.
 */
export function parseSeed(seed: string, field = 'seed'): PhiloxKey {
  if (typeof seed !== 'string' || !/^[0-9a-f]{16}$/i.test(seed)) {
    throw new RZeroError(
      'EngineRequestInvalid',
      `${field} must be 16 hexadecimal digits, not ${JSON.stringify(seed)}.`,
      {
        field,
        fix: 'Derive one 64-bit seed per sample.',
      },
    );
  }
  return [Number.parseInt(seed.slice(8), 16), Number.parseInt(seed.slice(0, 8), 16)];
}

/** Uniform in [0, 1) with 53 bits: the random number of one sample at one position. */
export function uniform(key: PhiloxKey, position: number): number {
  const [a, b] = philox4x32([position >>> 0, Math.floor(position / 2 ** 32) >>> 0, 0, 0], key);
  return ((a >>> 5) * 2 ** 26 + (b >>> 6)) / 2 ** 53;
}

/** `count` uniform numbers in [0, 1); `stream` separates tensors that share a key. */
export function uniforms(key: PhiloxKey, stream: number, count: number): Float64Array {
  const out = new Float64Array(count);
  for (let i = 0; i < count; i += 2) {
    const [a, b, c, d] = philox4x32([i / 2, 0, stream >>> 0, 2], key);
    out[i] = ((a >>> 5) * 2 ** 26 + (b >>> 6)) / 2 ** 53;
    if (i + 1 < count) out[i + 1] = ((c >>> 5) * 2 ** 26 + (d >>> 6)) / 2 ** 53;
  }
  return out;
}

/** `count` standard normal numbers (Box-Muller); `stream` separates tensors that share a key. */
export function normals(key: PhiloxKey, stream: number, count: number): Float32Array {
  const out = new Float32Array(count);
  for (let i = 0; i < count; i += 2) {
    const [a, b, c, d] = philox4x32([i / 2, 0, stream >>> 0, 1], key);
    // (0, 1], so that the logarithm is finite.
    const first = ((a >>> 5) * 2 ** 26 + (b >>> 6) + 1) / 2 ** 53;
    const second = ((c >>> 5) * 2 ** 26 + (d >>> 6)) / 2 ** 53;
    const radius = Math.sqrt(-2 * Math.log(first));
    out[i] = radius * Math.cos(2 * Math.PI * second);
    if (i + 1 < count) out[i + 1] = radius * Math.sin(2 * Math.PI * second);
  }
  return out;
}
