import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fc } from '../support/properties.ts';
import {
  SafetensorsError,
  formatSafetensorsHeader,
  headerLength,
  openSafetensors,
  parseHeader,
  widen,
} from '../../activities/engine/safetensors.ts';
import { temporaryFolder } from './support/models.ts';

/** A file of the given header text and data length. */
function fileOf(json: string, dataBytes: number): Buffer {
  const header = Buffer.from(json, 'utf8');
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, Buffer.alloc(dataBytes)]);
}

function parse(file: Buffer) {
  const length = headerLength(file, file.length);
  return parseHeader(file.subarray(8, 8 + length), file.length);
}

const entry = (dtype: string, shape: unknown, offsets: unknown) => ({ dtype, shape, data_offsets: offsets });

test('what is written is read back bit by bit', async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, 'x.safetensors');
  const tensor = fc.record({
    name: fc.string({ minLength: 1 }).filter((name) => name !== '__metadata__' && name !== '__proto__'),
    data: fc.float32Array({ maxLength: 9 }),
  });
  const lists = fc.uniqueArray(tensor, { selector: ({ name }) => name, maxLength: 5 });
  const property = fc.asyncProperty(lists, async (tensors) => {
    const named = tensors.map(({ name, data }) => ({ name, shape: [data.length], data }));
    const bytes = named.map(({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    await writeFile(path, Buffer.concat([formatSafetensorsHeader(named), ...bytes]));
    const file = await openSafetensors(path);
    try {
      for (const { name, data } of named) {
        const read = await file.read(name);
        assert.deepEqual(new Uint32Array(read.buffer), new Uint32Array(data.slice().buffer));
      }
    } finally {
      await file.close();
    }
  });
  await fc.assert(property, { numRuns: 50 });
});

test('a header that lies about its data is refused', () => {
  const refused: [string, unknown, number][] = [
    ['overlap', { a: entry('F32', [2], [0, 8]), b: entry('F32', [2], [4, 12]) }, 12],
    ['gap', { a: entry('F32', [1], [0, 4]), b: entry('F32', [1], [8, 12]) }, 12],
    ['beyond the end', { a: entry('F32', [4], [0, 16]) }, 8],
    ['trailing bytes', { a: entry('F32', [1], [0, 4]) }, 8],
    ['wrong size', { a: entry('F32', [3], [0, 8]) }, 8],
    ['negative', { a: entry('F32', [-2], [0, -8]) }, 0],
    ['fraction', { a: entry('F32', [0.5], [0, 2]) }, 2],
    ['overflow', { a: entry('F32', [2 ** 31, 2 ** 31], [0, 8]) }, 8],
    ['reversed', { a: entry('F32', [1], [4, 0]) }, 4],
    ['type', { a: entry('I64', [1], [0, 8]) }, 8],
    ['inherited type', { a: entry('toString', [1], [0, 4]) }, 4],
    ['no entry', { a: null }, 0],
    ['array', [], 0],
  ];
  for (const [what, header, bytes] of refused) {
    assert.throws(() => parse(fileOf(JSON.stringify(header), bytes)), SafetensorsError, what);
  }
  assert.throws(() => parse(fileOf('{"a":', 0)), SafetensorsError);
  assert.throws(() => headerLength(Buffer.alloc(7), 7), SafetensorsError);
  const huge = Buffer.alloc(16, 0xff);
  assert.throws(() => headerLength(huge, huge.length), SafetensorsError);
});

test('no bytes make the parser fail in another way than its own error', () => {
  const onlyItsOwn = (file: Buffer): void => {
    try {
      parse(file);
    } catch (error) {
      assert.ok(error instanceof SafetensorsError, String(error));
    }
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => onlyItsOwn(Buffer.from(bytes))));
  fc.assert(fc.property(fc.json(), fc.nat(64), (json, bytes) => onlyItsOwn(fileOf(json, bytes))));
  const anything = fc.oneof(fc.integer(), fc.string(), fc.constant(null), fc.array(fc.integer()), fc.double());
  const almost = fc.dictionary(
    fc.string({ maxLength: 3 }),
    fc.record(
      { dtype: fc.constantFrom('F32', 'BF16', 'x'), shape: anything, data_offsets: anything },
      { requiredKeys: [] },
    ),
  );
  fc.assert(fc.property(almost, fc.nat(64), (header, bytes) => onlyItsOwn(fileOf(JSON.stringify(header), bytes))));
});

test('half precision and bfloat16 are widened exactly', () => {
  const halves = {
    0x0000: 0,
    0x8000: -0,
    0x3c00: 1,
    0xc000: -2,
    0x7bff: 65504,
    0x0001: 2 ** -24,
    0x03ff: 1023 * 2 ** -24,
    0x0400: 2 ** -14,
    0x3555: 0.333251953125,
    0x7c00: Infinity,
    0xfc00: -Infinity,
    0x7e00: NaN,
  };
  const read = (dtype: 'F16' | 'BF16', bits: number): number => {
    const bytes = new Uint8Array(2);
    new DataView(bytes.buffer).setUint16(0, bits, true);
    return widen(dtype, bytes)[0]!;
  };
  for (const [bits, value] of Object.entries(halves))
    assert.ok(Object.is(read('F16', Number(bits)), value), `half ${bits}`);
  const brains = { 0x0000: 0, 0x3f80: 1, 0xc049: -3.140625, 0x7f80: Infinity, 0x0001: 2 ** -133 };
  for (const [bits, value] of Object.entries(brains))
    assert.ok(Object.is(read('BF16', Number(bits)), value), `bf16 ${bits}`);
});

test('a file that is cut short is refused by name', async (t) => {
  const folder = await temporaryFolder(t);
  const whole = Buffer.concat([formatSafetensorsHeader([{ name: 'a', shape: [4] }]), Buffer.alloc(16)]);
  for (const length of [0, 5, 8, 20, whole.length - 1]) {
    const path = join(folder, `${length}.safetensors`);
    await writeFile(path, whole.subarray(0, length));
    await assert.rejects(openSafetensors(path), (error: Error & { code?: string }) => {
      return error.code === 'ModelUnreadable' && error.message.includes(path);
    });
  }
  await assert.rejects(openSafetensors(join(folder, 'absent')), { code: 'ModelUnreadable' });
});
