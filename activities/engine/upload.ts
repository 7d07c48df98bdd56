/** Values on their way from a file to the device, through one small buffer: no whole tensor is ever a JavaScript array. */
import type * as tfc from '@tensorflow/tfjs-core';
import type { NativeBackend, TensorFlow } from './tensorflow.ts';

/** Elements of the buffer: 16 MiB. */
const ROOM = 2 ** 22;

/** Fills `into` with the values that follow the first `from` ones. */
export type Fill = (into: Float32Array, from: number) => Promise<void>;

export interface Upload {
  /** Parts are joined along their first dimension. */
  tensor(parts: readonly { shape: readonly number[]; fill: Fill }[]): Promise<tfc.Tensor>;
}

export function createUpload(tf: TensorFlow): Upload {
  let buffer = new Float32Array();
  const room = (size: number): Float32Array => {
    // The native library goes on using memory that is aligned to a cache line, and copies any other; this never is.
    if (buffer.length < size) buffer = new Float32Array(Math.max(size, ROOM) + 1).subarray(1);
    return buffer.subarray(0, size);
  };
  const send = (values: Float32Array, shape: number[]): tfc.Tensor => {
    const tensor = tf.tensor(values, shape, 'float32');
    // It takes values only when a tensor is first used; WebAssembly does at once.
    (tf.backend() as Partial<NativeBackend>).getInputTensorIds?.([tensor]);
    return tensor;
  };
  return {
    tensor: async (parts) => {
      const pieces: tfc.Tensor[] = [];
      try {
        for (const { shape, fill } of parts) {
          const [rows, ...rest] = shape as [number, ...number[]];
          const width = rest.reduce((product, size) => product * size, 1);
          const step = Math.max(1, Math.floor(ROOM / width));
          for (let row = 0; row < rows; row += step) {
            const count = Math.min(step, rows - row);
            const values = room(count * width);
            await fill(values, row * width);
            pieces.push(send(values, [count, ...rest]));
          }
        }
        return pieces.length === 1 ? tf.clone(pieces[0] as tfc.Tensor) : tf.concat(pieces, 0);
      } finally {
        for (const piece of pieces) piece.dispose();
      }
    },
  };
}
