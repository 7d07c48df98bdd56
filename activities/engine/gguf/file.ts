import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { RZeroError } from '../../errors.ts';
import { createByteReader, readRange } from './byte-reader.ts';
import { dequantize } from './dequantize.ts';
import { asModelUnreadable } from './error.ts';
import { readGgufHeader } from './header.ts';
import type { GgufHeader, GgufTensor } from './header.ts';

/** An open GGUF file with a checked header. */
export interface GgufFile extends GgufHeader {
  readonly path: string;
  /**
   * Values of `count` rows (all dimensions but the last are rows) from row `first` on.
   *
   * @param order row `i` of the result is row `order(i)` of those read; as they are when omitted
   */
  readRows(tensor: GgufTensor, first: number, count: number, order?: (row: number) => number): Promise<Float32Array>;
  close(): Promise<void>;
}

/** @throws RZeroError `ModelUnreadable` naming the file and what is wrong with it. */
export async function openGguf(path: string): Promise<GgufFile> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    throw new RZeroError('ModelUnreadable', `${path} cannot be opened.`, {
      field: 'path',
      fix: 'Give the path of a .gguf file.',
      cause: error,
    });
  }
  try {
    const header = await readGgufHeader(createByteReader(handle, (await handle.stat()).size));
    return {
      ...header,
      path,
      readRows: async (tensor, first, count, order) => {
        const rowBytes = ((tensor.shape.at(-1) as number) / tensor.type.block) * tensor.type.bytes;
        try {
          const bytes = await readRange(handle, tensor.start + first * rowBytes, count * rowBytes);
          return dequantize(tensor.type, order ? reordered(bytes, rowBytes, order) : bytes);
        } catch (error) {
          throw asModelUnreadable(path, error);
        }
      },
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw asModelUnreadable(path, error);
  }
}

/** A row is whole blocks, so rows change places before they are decoded. */
function reordered(bytes: Uint8Array, rowBytes: number, order: (row: number) => number): Uint8Array {
  const out = new Uint8Array(bytes.length);
  for (let row = 0; row * rowBytes < bytes.length; row++) {
    const from = order(row) * rowBytes;
    out.set(bytes.subarray(from, from + rowBytes), row * rowBytes);
  }
  return out;
}
