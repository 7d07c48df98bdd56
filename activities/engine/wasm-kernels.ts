import type * as tfc from '@tensorflow/tfjs-core';

interface WasmBackend {
  readSync(dataId: object): Float32Array | Int32Array | Uint8Array;
  write(values: Float32Array, shape: number[], dtype: string): object;
}

/**
 * Adds `UnsortedSegmentSum`, the gradient of `gather`, which the WebAssembly backend lacks. Sums run in the order of the
 * rows, so the result is reproducible.
 */
export function registerMissingWasmKernels(tf: typeof tfc): void {
  if (tf.getKernel('UnsortedSegmentSum', 'wasm')) return;
  tf.registerKernel({
    kernelName: 'UnsortedSegmentSum',
    backendName: 'wasm',
    kernelFunc: ({ inputs, backend, attrs }) => {
      const wasm = backend as WasmBackend;
      const x = inputs['x'] as tfc.TensorInfo;
      const segmentIds = inputs['segmentIds'] as tfc.TensorInfo;
      const segments = attrs?.['numSegments'] as number;
      const values = wasm.readSync(x.dataId);
      const ids = wasm.readSync(segmentIds.dataId);
      const shape = [segments, ...x.shape.slice(segmentIds.shape.length)];
      const width = shape.slice(1).reduce((product, size) => product * size, 1);
      const sums = new Float32Array(segments * width);
      for (let row = 0; row < ids.length; row++) {
        const segment = ids[row] as number;
        // TensorFlow drops rows with a negative segment.
        if (segment < 0) continue;
        for (let i = 0; i < width; i++) {
          const at = segment * width + i;
          sums[at] = (sums[at] as number) + (values[row * width + i] as number);
        }
      }
      return { dataId: wasm.write(sums, shape, 'float32'), shape, dtype: 'float32' };
    },
  });
}
