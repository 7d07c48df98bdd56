import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ModelConfig } from '../../activities/engine/config.ts';
import { loadModelFolder } from '../../activities/engine/model-folder.ts';
import { createUpload } from '../../activities/engine/upload.ts';
import { bytesOf, disposeModel, storedTensors, weightsHash } from '../../activities/engine/weights.ts';
import { TINY, makeModel, runtime, temporaryFolder, writeBaseModel } from './support/models.ts';

/** 84 MB of weights; no tensor has more than the 16 MB that are read at a time, the embedding excepted. */
const WIDE: ModelConfig = {
  ...TINY,
  vocabSize: 20_000,
  hiddenSize: 256,
  layers: 12,
  intermediateSize: 1024,
  tieWordEmbeddings: true,
};

test('values that go through one buffer stay those of their own tensor', async () => {
  const { tf } = await runtime();
  const upload = createUpload(tf);
  const part = (value: number, shape: number[]) => ({
    shape,
    fill: async (into: Float32Array, from: number) => into.set(into.map((_, i) => value + from + i)),
  });
  const joined = await upload.tensor([part(0, [2, 3]), part(100, [1, 3])]);
  const single = await upload.tensor([part(1000, [4])]);
  // More values than the buffer holds, in rows that do not divide it.
  const large = await upload.tensor([part(0, [1_100_000, 5])]);
  assert.deepEqual(Array.from(joined.dataSync()), [0, 1, 2, 3, 4, 5, 100, 101, 102]);
  assert.deepEqual(joined.shape, [3, 3]);
  assert.deepEqual(Array.from(single.dataSync()), [1000, 1001, 1002, 1003]);
  assert.ok(large.dataSync<'float32'>().every((value, index) => value === index));
  for (const tensor of [joined, single, large]) tensor.dispose();
});

test('opening a model leaves no copy of its weights in JavaScript, and its id is the hash of what is on the device', async (t) => {
  const folder = await temporaryFolder(t);
  await writeBaseModel(folder, WIDE);
  const { tf } = await runtime();
  const tensors = tf.memory().numTensors;
  const before = process.memoryUsage().arrayBuffers;
  const { model, modelId } = await loadModelFolder(await runtime(), { path: folder });
  const kept = process.memoryUsage().arrayBuffers - before;
  // Whatever of the test's own arrays is collected meanwhile only makes it smaller.
  assert.ok(kept < 40 * 2 ** 20, `${kept} bytes of arrays`);
  assert.equal(tf.memory().numTensors, tensors + model.specs.length);
  assert.equal(modelId, weightsHash(model));
  const written = await makeModel(WIDE);
  const expected = [...storedTensors(written.specs, written.tensors)];
  for (const [index, { name, data }] of [...storedTensors(model.specs, model.tensors)].entries()) {
    assert.ok(Buffer.from(bytesOf(data)).equals(bytesOf(expected[index]!.data)), name);
  }
  disposeModel(model);
  disposeModel(written);
});
