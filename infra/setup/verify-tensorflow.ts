/** Run as a program by `verifyAddon`, with the package's folder as argument; prints one line of JSON. */
import { createRequire } from 'node:module';

interface Loaded {
  tensor2d(values: number[], shape: [number, number]): { matMul(other: unknown): { dataSync(): Float32Array } };
  backend(): { isUsingGpuDevice: boolean; binding: { TF_Version: string } };
  version: Record<string, string>;
}

const requireCjs = createRequire(import.meta.url);
// tfjs-node 4.22 calls two functions that Node 23 removed.
const util = requireCjs('node:util') as Record<string, unknown>;
util['isNullOrUndefined'] ??= (value: unknown) => value === null || value === undefined;
util['isArray'] ??= Array.isArray;

const tf = requireCjs(process.argv[2] ?? '@tensorflow/tfjs-node-gpu') as Loaded;
const size = 16;
const ramp = tf.tensor2d(
  Array.from({ length: size * size }, (_, index) => index % 7),
  [size, size],
);
const product = ramp.matMul(ramp).dataSync();
for (let row = 0; row < size; row++) {
  for (let column = 0; column < size; column++) {
    let expected = 0;
    for (let inner = 0; inner < size; inner++) expected += ((row * size + inner) % 7) * ((inner * size + column) % 7);
    if (product[row * size + column] !== expected)
      throw new Error(`TensorFlow multiplies wrongly at ${row}, ${column}.`);
  }
}
const backend = tf.backend();
console.log(JSON.stringify({ version: backend.binding.TF_Version, gpu: backend.isUsingGpuDevice }));
