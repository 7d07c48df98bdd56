import assert from 'node:assert/strict';
import type { FileHandle } from 'node:fs/promises';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gguf } from '@huggingface/gguf';
import { fc } from '../support/properties.ts';
import { createByteReader } from '../../activities/engine/gguf/byte-reader.ts';
import { GgufError } from '../../activities/engine/gguf/error.ts';
import { openGguf } from '../../activities/engine/gguf/file.ts';
import { readGgufHeader } from '../../activities/engine/gguf/header.ts';
import type { GgufHeader } from '../../activities/engine/gguf/header.ts';
import { GGUF_TYPES } from '../../activities/engine/gguf/types.ts';
import { openSafetensors } from '../../activities/engine/safetensors.ts';
import { ggufBytes } from './support/gguf.ts';
import { temporaryFolder } from './support/models.ts';

const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/gguf/${name}`, import.meta.url));

/** The header of bytes that are not on disk. */
function headerOf(bytes: Uint8Array, size = bytes.length): Promise<GgufHeader> {
  const read = (into: Uint8Array, offset: number, length: number, position: number) => {
    const part = bytes.subarray(position, position + length);
    into.set(part, offset);
    return Promise.resolve({ bytesRead: part.length, buffer: into });
  };
  return readGgufHeader(createByteReader({ read } as unknown as FileHandle, size));
}

test("values of every storage type are those of Python's gguf package, bit for bit", async () => {
  const file = await openGguf(fixture('quantized.gguf'));
  const expected = await openSafetensors(fixture('quantized.safetensors'));
  assert.deepEqual([...file.tensors.keys()].sort(), [...GGUF_TYPES.values()].map(({ name }) => name).sort());
  for (const [name, tensor] of file.tensors) {
    const [rows] = tensor.shape as [number];
    const values = await file.readRows(tensor, 0, rows);
    const wanted = await expected.read(name);
    assert.deepEqual(new Uint32Array(values.buffer), new Uint32Array(wanted.buffer), name);
    const columns = tensor.shape[1] as number;
    assert.deepEqual(await file.readRows(tensor, 1, 1), wanted.slice(columns, 2 * columns), `${name}, second row`);
    const swapped = await file.readRows(tensor, 0, 2, (row) => 1 - row);
    assert.deepEqual(swapped.slice(0, columns), wanted.slice(columns, 2 * columns), `${name}, rows swapped`);
  }
  await Promise.all([file.close(), expected.close()]);
});

test('a header is read as @huggingface/gguf reads it', async (t) => {
  const path = join(await temporaryFolder(t), 'model.gguf');
  const metadata = {
    'general.architecture': 'llama',
    'a.text': 'é€😀\u0000',
    'a.list': ['a', '', 'ccc'],
    'a.numbers': [1, 2, 3],
    'a.flag': true,
  };
  await writeFile(path, ggufBytes(metadata, [{ name: 'x', shape: [2, 3], values: [1, 2, 3, 4, 5, 6] }]));
  for (const each of [path, fixture('quantized.gguf')]) {
    const file = await openGguf(each);
    const library = await gguf(each, { allowLocalFile: true });
    for (const [key, value] of file.metadata) assert.deepEqual(value, library.metadata[key as never], key);
    assert.deepEqual(
      [...file.tensors.values()].map(({ name, shape, start }) => ({ name, shape, start })),
      library.tensorInfos.map(({ name, shape, offset }) => ({
        name,
        shape: shape.map(Number).toReversed(),
        start: Number(library.tensorDataOffset) + Number(offset),
      })),
    );
    await file.close();
  }
});

test('a file cut off anywhere is refused', async () => {
  const bytes = new Uint8Array(await readFile(fixture('quantized.gguf')));
  const { tensors } = await headerOf(bytes);
  const end = Math.max(...[...tensors.values()].map((tensor) => tensor.end));
  const first = Math.min(...[...tensors.values()].map((tensor) => tensor.start));
  const lengths = [...Array.from({ length: first }, (_, length) => length), end - 1];
  for (const length of lengths) await assert.rejects(headerOf(bytes.subarray(0, length)), GgufError, `${length} bytes`);
  // A file that shrinks while it is read.
  await assert.rejects(headerOf(bytes.subarray(0, 100), bytes.length), GgufError);
});

test('absurd counts, sizes, types and offsets are refused before anything is made from them', async () => {
  const file = (changes: Parameters<typeof ggufBytes>[2]) =>
    ggufBytes({ 'general.architecture': 'llama' }, [{ name: 'x', shape: [2, 2], values: [1, 2, 3, 4] }], changes);
  const huge = [2n ** 64n - 1n, 2n ** 63n, 2n ** 53n, 2n ** 40n, 10_000_000n];
  const cases = [
    file({ magic: 'GGUX' }),
    file({ version: 1 }),
    file({ version: 4 }),
    // Big-endian.
    file({ version: 0x03000000 }),
    ...huge.flatMap((count) => [
      file({ tensorCount: count }),
      file({ pairCount: count }),
      file({ dimensions: [count, 2n] }),
      file({ dimensions: [count, count] }),
      file({ offset: count }),
      file({ keyLength: count }),
    ]),
    file({ type: 4 }),
    file({ type: 10 }),
    file({ type: 99 }),
    // Rows of two values where a block has 32.
    file({ type: 8 }),
    file({ dimensions: [] }),
    file({ dimensions: [1n, 1n, 1n, 1n, 1n] }),
    file({ offset: 32n }),
    ggufBytes({ 'general.alignment': 0 }, []),
    ggufBytes({ 'general.alignment': 'x' }, []),
    ggufBytes({}, [
      { name: 'x', shape: [1], values: [1] },
      { name: 'x', shape: [1], values: [1] },
    ]),
  ];
  for (const [index, bytes] of cases.entries()) await assert.rejects(headerOf(bytes), GgufError, `case ${index}`);
  assert.deepEqual([...(await headerOf(file({}))).tensors.keys()], ['x']);
});

test('no change of bytes makes the reader fail in another way, hang or read past the end', async () => {
  const bytes = new Uint8Array(await readFile(fixture('quantized.gguf')));
  const change = fc.record({ at: fc.nat(1200), byte: fc.nat(255) });
  const edits = fc.array(change, { minLength: 1, maxLength: 6 });
  const started = performance.now();
  await fc.assert(
    fc.asyncProperty(edits, async (changes) => {
      const damaged = bytes.slice();
      for (const { at, byte } of changes) damaged[at] = byte;
      try {
        const { tensors } = await headerOf(damaged);
        for (const { start, end } of tensors.values()) assert.ok(start <= end && end <= damaged.length);
      } catch (error) {
        assert.ok(error instanceof GgufError, String(error));
      }
    }),
    { numRuns: 3000 },
  );
  assert.ok(performance.now() - started < 60_000);
});

test('a file that cannot be used is refused with its path, what is wrong and a code', async (t) => {
  const folder = await temporaryFolder(t);
  await assert.rejects(openGguf(join(folder, 'none.gguf')), { code: 'ModelUnreadable', field: 'path' });
  await assert.rejects(openGguf(folder), { code: 'ModelUnreadable' });
  const path = join(folder, 'model.gguf');
  await writeFile(path, ggufBytes({}, [{ name: 'x', shape: [256], values: [] }], { type: 10 }));
  await assert.rejects(openGguf(path), {
    code: 'ModelUnreadable',
    message: /model\.gguf has tensor "x" stored as Q2_K/,
  });
});
