/** Makes bad inputs out of good ones: bytes and JSON, altered where it hurts. A function of the random numbers alone. */
import type { SeededRandom } from '../../activities/method/seeds.ts';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** What readers of sizes, counts and offsets are asked to believe. */
const EXTREMES = [0n, 1n, 0x7fn, 0xffn, 0x7fffn, 0xffffn, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 33n]
  .concat([2n ** 40n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 62n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n])
  .map((value) => BigInt.asUintN(64, value));

const STRANGE_NUMBERS = [
  0,
  -0,
  -1,
  1,
  0.5,
  -0.5,
  2,
  1e-300,
  1e308,
  -1e308,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  2 ** 53 + 2,
  1e15,
];
const STRANGE_TEXTS = [
  '',
  ' ',
  '\u0000',
  '\ud800',
  '..',
  '../../etc/passwd',
  '__proto__',
  'constructor',
  'NaN',
  '1e9',
  '-1',
].concat([
  '{}',
  '[]',
  "'; drop table r_zero.runs; --",
  '<script>alert(1)</script>',
  '%s%n',
  '💥',
  'ß'.repeat(300),
  'x'.repeat(70_000),
]);
/** In one input, so that it stays small. */
const DEEPEST = 30_000;
const NESTED = 'nested lists, this deep: ';
const STRANGE_KEYS = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'length',
  '',
  '0',
  '\u0000',
];

export function pick<T>(random: SeededRandom, from: readonly T[]): T {
  return from[random.below(from.length)] as T;
}

/** @param header where the numbers are that matter; three of four changes are made there */
export function mutateBytes(random: SeededRandom, bytes: Uint8Array, header = bytes.length): Buffer {
  let out: Buffer = Buffer.from(bytes);
  for (let times = 1 + random.below(4); times > 0 && out.length > 0; times--) {
    const reach = random.below(4) > 0 ? Math.min(header, out.length) : out.length;
    out = changeBytes(random, out, random.below(reach));
  }
  return out;
}

function changeBytes(random: SeededRandom, bytes: Buffer, at: number): Buffer {
  switch (random.below(9)) {
    case 0:
      bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
      return bytes;
    case 1:
      bytes[at] = pick(random, [0, 1, 0x7f, 0x80, 0xff, 0x22, 0x7b, 0x5d]);
      return bytes;
    case 2:
      return bytes.subarray(0, at);
    case 3:
      return Buffer.concat([bytes.subarray(0, at), junk(random), bytes.subarray(at)]);
    case 4: {
      const piece = bytes.subarray(at, at + 1 + random.below(64));
      return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]);
    }
    case 5:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(64))]);
    case 6:
      if (at + 4 <= bytes.length) bytes.writeUInt32LE(Number(pick(random, EXTREMES) & 0xffffffffn), at);
      return bytes;
    default:
      // Counts lie on even places more often than not.
      if ((at & ~3) + 8 <= bytes.length)
        bytes.writeBigUInt64LE(
          pick(random, EXTREMES),
          random.below(2) === 0 ? at & ~3 : Math.min(at, bytes.length - 8),
        );
      return bytes;
  }
}

function junk(random: SeededRandom): Buffer {
  return Buffer.from(Array.from({ length: 1 + random.below(40) }, () => random.below(256)));
}

/** JSON text of an altered value, in one of four cases altered as text as well. */
export function mutateJson(random: SeededRandom, value: Json): string {
  let changed = structuredClone(value);
  for (let times = 1 + random.below(3); times > 0; times--) changed = changeSomewhere(random, changed);
  const text = withStrangeKey(random, writeNested(JSON.stringify(changed)));
  return random.below(4) === 0 ? mutateBytes(random, Buffer.from(text)).toString('latin1') : text;
}

function changeSomewhere(random: SeededRandom, value: Json): Json {
  const inside = typeof value === 'object' && value !== null ? Object.keys(value) : [];
  if (inside.length === 0 || random.below(4) === 0) return strange(random, value);
  const key = pick(random, inside);
  const holder = value as Record<string, Json>;
  const change = random.below(8);
  if (change === 0) {
    if (Array.isArray(value)) value.splice(Number(key), 1);
    else delete holder[key];
  } else if (change === 1) {
    const moved = holder[key] as Json;
    if (Array.isArray(value)) value.push(moved);
    else holder[pick(random, STRANGE_KEYS.slice(3)) + key] = moved;
  } else {
    holder[key] = changeSomewhere(random, holder[key] as Json);
  }
  return value;
}

function strange(random: SeededRandom, value: Json): Json {
  switch (random.below(9)) {
    case 0:
      return null;
    case 1:
      return pick(random, [true, false]);
    case 2:
    case 3:
      return typeof value === 'number' && random.below(2) === 0
        ? value * pick(random, [-1, 1e9, 0.1, 1e18])
        : pick(random, STRANGE_NUMBERS);
    case 4:
      return pick(random, STRANGE_TEXTS);
    case 5:
      return typeof value === 'string'
        ? value.slice(random.below(value.length + 1)) + pick(random, STRANGE_TEXTS)
        : [value];
    case 6:
      return nested(1 + random.below(DEEPEST));
    case 7: {
      const element = typeof value === 'number' || (typeof value === 'string' && value.length < 50) ? value : 1;
      return Array.from({ length: random.below(3_000) }, () => element);
    }
    default:
      return pick<Json>(random, [[], {}, [[]], [null], { a: { b: {} } }]);
  }
}

/** Written out only in the text: values as deep as this cannot be turned into it. */
function nested(depth: number): Json {
  return `${NESTED}${depth}`;
}

function writeNested(text: string): string {
  let left = DEEPEST;
  return text.replace(new RegExp(`"${NESTED}(\\d+)"`, 'g'), (_, wanted: string) => {
    const depth = Math.min(left, Number(wanted));
    left -= depth;
    return `[${'['.repeat(depth)}${']'.repeat(depth)}]`;
  });
}

/** As text, because an object that is written down here would lose it. */
function withStrangeKey(random: SeededRandom, text: string): string {
  if (random.below(6) > 0 || !text.startsWith('{')) return text;
  const value = pick(random, ['{"admin":true}', 'null', '[1]', '"x"', '{"length":1e9}']);
  return `{${JSON.stringify(pick(random, STRANGE_KEYS))}:${value}${text === '{}' ? '' : ','}${text.slice(1)}`;
}
