import type { FileHandle } from 'node:fs/promises';
import { GgufError } from './error.ts';

const WINDOW = 1 << 20;

/** Bytes of a file from front to back, never past its end, with one window of it in memory. */
export interface ByteReader {
  /** Of the file. */
  readonly size: number;
  readonly position: number;
  /** Bytes not yet taken. */
  readonly left: number;
  /** The next bytes; valid until the following call. @throws GgufError when the file ends before. */
  take(bytes: number): Promise<DataView> | DataView;
}

export function createByteReader(handle: Pick<FileHandle, 'read'>, size: number): ByteReader {
  let position = 0;
  let window = new Uint8Array(0);
  /** Where the window lies in the file. */
  let from = 0;
  const view = (bytes: number): DataView => {
    const at = position - from;
    position += bytes;
    return new DataView(window.buffer, window.byteOffset + at, bytes);
  };
  const refill = async (bytes: number): Promise<DataView> => {
    window = await readRange(handle, position, Math.min(size - position, Math.max(bytes, WINDOW)));
    from = position;
    return view(bytes);
  };
  return {
    size,
    get position() {
      return position;
    },
    get left() {
      return size - position;
    },
    take: (bytes) => {
      if (bytes > size - position) throw new GgufError('ends too early');
      return position + bytes <= from + window.length ? view(bytes) : refill(bytes);
    },
  };
}

/** @throws GgufError when the file is shorter than it was. */
export async function readRange(
  handle: Pick<FileHandle, 'read'>,
  position: number,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await handle.read(bytes, done, Math.min(length - done, 2 ** 30), position + done);
    if (bytesRead === 0) throw new GgufError('ends too early');
    done += bytesRead;
  }
  return bytes;
}
