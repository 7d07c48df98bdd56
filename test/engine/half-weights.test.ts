import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { importModel } from '../../activities/engine/import-model.ts';
import { loadModelFolder } from '../../activities/engine/model-folder.ts';
import { openSafetensors } from '../../activities/engine/safetensors.ts';
import { modelFolder } from '../../activities/model-folder.ts';
import { TINY, makeModel, runtime, temporaryFolder } from './support/models.ts';
import { formatModelConfig } from '../../activities/engine/config.ts';
import { storedTensors } from '../../activities/engine/weights.ts';

interface Stored {
  name: string;
  shape: readonly number[];
  bytes: Buffer;
}

function safetensors(dtype: string, tensors: readonly Stored[]): Buffer {
  let offset = 0;
  const header = Object.fromEntries(
    tensors.map(({ name, shape, bytes }) => {
      const from = offset;
      offset += bytes.length;
      return [name, { dtype, shape, data_offsets: [from, offset] }];
    }),
  );
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, ...tensors.map(({ bytes }) => bytes)]);
}

/** The upper halves of the floats: what bfloat16 is. */
const upperHalves = (values: Float32Array): Buffer =>
  Buffer.from(Uint16Array.from(new Uint32Array(values.slice().buffer), (bits) => bits >>> 16).buffer);

test('a sharded folder of bfloat16 weights is loaded and imported as the floats they stand for', async (t) => {
  const folder = await temporaryFolder(t);
  const model = await makeModel(TINY);
  const tensors = [...storedTensors(model.specs, model.tensors)].map(({ name, shape, data }) => ({
    name,
    shape,
    bytes: upperHalves(data),
    // A bfloat16 is the float with the lower half zero.
    values: new Float32Array(
      Uint32Array.from(new Uint32Array(data.slice().buffer), (bits) => bits & 0xffff0000).buffer,
    ),
  }));
  const shards = [tensors.slice(0, 7), tensors.slice(7)];
  const files = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];
  for (const [index, shard] of shards.entries())
    await writeFile(join(folder, files[index]!), safetensors('BF16', shard));
  const weight_map = Object.fromEntries(
    shards.flatMap((shard, index) => shard.map(({ name }) => [name, files[index]])),
  );
  await writeFile(join(folder, 'model.safetensors.index.json'), JSON.stringify({ metadata: {}, weight_map }));
  await writeFile(join(folder, 'config.json'), formatModelConfig(TINY));
  await writeFile(join(folder, 'tokenizer.json'), await readFile(join(modelFolder('builtin'), 'tokenizer.json')));

  const { model: loaded } = await loadModelFolder(await runtime(), { path: folder });
  const found = new Map([...storedTensors(loaded.specs, loaded.tensors)].map(({ name, data }) => [name, data.slice()]));
  for (const { name, values } of tensors) assert.deepEqual(found.get(name), values, name);

  const { path } = await importModel(folder, await temporaryFolder(t));
  const file = await openSafetensors(join(path, 'model.safetensors'));
  for (const { name, values } of tensors) assert.deepEqual(await file.read(name), values, name);
  await file.close();
});

test('a model whose files lack a tensor, or hold one more, is refused and leaves no tensor behind', async (t) => {
  const { tf } = await runtime();
  const model = await makeModel(TINY);
  const tensors = [...storedTensors(model.specs, model.tensors)].map(({ name, shape, data }) => ({
    name,
    shape,
    bytes: Buffer.from(data.slice().buffer),
  }));
  const extra = { name: 'model.layers.0.self_attn.q_proj.bias', shape: [1], bytes: Buffer.alloc(4) };
  const cut = { ...tensors[5]!, shape: [1], bytes: Buffer.alloc(4) };
  const cases: [string, Stored[]][] = [
    [tensors.at(-1)!.name, tensors.slice(0, -1)],
    [extra.name, [...tensors, extra]],
    [cut.name, [...tensors.slice(0, 5), cut, ...tensors.slice(6)]],
  ];
  for (const [field, stored] of cases) {
    const folder = await temporaryFolder(t);
    await writeFile(join(folder, 'model.safetensors'), safetensors('F32', stored));
    await writeFile(join(folder, 'config.json'), formatModelConfig(TINY));
    await writeFile(join(folder, 'tokenizer.json'), await readFile(join(modelFolder('builtin'), 'tokenizer.json')));
    const before = tf.memory().numTensors;
    await assert.rejects(loadModelFolder(await runtime(), { path: folder }), { code: 'ModelUnreadable', field });
    assert.equal(tf.memory().numTensors, before);
    await assert.rejects(importModel(folder, await temporaryFolder(t)), { code: 'ModelUnreadable', field });
  }
});
