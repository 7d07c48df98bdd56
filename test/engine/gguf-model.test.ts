import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { fc } from '../support/properties.ts';
import { readModelConfig } from '../../activities/engine/config.ts';
import type { ModelConfig } from '../../activities/engine/config.ts';
import { importModel } from '../../activities/engine/import-model.ts';
import { openModelFiles, readConfigOf } from '../../activities/engine/model-files.ts';
import { openSafetensors } from '../../activities/engine/safetensors.ts';
import { loadTokenizer } from '../../activities/engine/tokenizer.ts';
import { TINY, temporaryFolder } from './support/models.ts';
import { TOKENIZER, TOKENS, tinyGguf, tinyWeights } from './support/tiny-gguf.ts';
import type { Changes } from './support/tiny-gguf.ts';

async function writeGguf(t: TestContext, config: ModelConfig, changes?: Changes): Promise<string> {
  const path = join(await temporaryFolder(t), 'model.gguf');
  await writeFile(path, tinyGguf(config, changes));
  return path;
}

const FAMILIES: ModelConfig[] = [
  TINY,
  { ...TINY, tieWordEmbeddings: true },
  { ...TINY, family: 'qwen2' },
  { ...TINY, family: 'qwen3', headDim: 8 },
];

for (const config of FAMILIES) {
  const title = `${config.family ?? 'llama'}, ${config.tieWordEmbeddings ? 'tied' : 'untied'}`;
  test(`a GGUF file becomes the Hugging Face folder it was made from (${title})`, async (t) => {
    const path = await writeGguf(t, config);
    const values = tinyWeights(config);
    const store = await temporaryFolder(t);
    const checkpoint = await importModel(path, store);
    const expected = { ...config, ropeTheta: config.ropeTheta + 0.5, eosTokenIds: [1] };
    assert.deepEqual((await readModelConfig(checkpoint.path)).config, expected);
    assert.deepEqual(await readConfigOf(path), expected);
    const file = await openSafetensors(join(checkpoint.path, 'model.safetensors'));
    assert.deepEqual([...file.entries.keys()].sort(), [...values.keys()].sort());
    for (const [name, wanted] of values) assert.deepEqual([...(await file.read(name))], wanted, name);
    await file.close();
    assert.deepEqual(await importModel(path, store), checkpoint);
  });
}

test('the tokenizer of a GGUF file cuts, merges and names tokens as its metadata says', async (t) => {
  const path = await writeGguf(t, TINY);
  const { path: folder } = await importModel(path, await temporaryFolder(t));
  const tokenizer = await loadTokenizer(folder);
  assert.deepEqual(tokenizer.encode('<s>ab aab11</s><tool>'), [0, 5, 7, 5, 8, 8, 1, 9]);
  assert.equal(tokenizer.decode([0, 5, 7, 5, 8, 1, 9]), 'ab aab1<tool>');
  assert.deepEqual([tokenizer.bosId, tokenizer.eosId, tokenizer.padId], [0, 1, 2]);
  assert.equal(tokenizer.idOf('[unused]'), undefined);
  const config = JSON.parse(await readFile(join(folder, 'tokenizer_config.json'), 'utf8')) as Record<string, unknown>;
  assert.equal(config['chat_template'], TOKENIZER['tokenizer.chat_template']);
});

test("Llama 3's scaling is found again from the divisors that the file holds, and nothing else passes for it", async (t) => {
  const config = { ...TINY, headDim: 8, ropeTheta: 499_999.5 };
  // Of 8 and 1, 4, 8192 at theta 500,000: wavelengths 6, 167, 4443 and 118,143; the third is on the ramp.
  const smooth = (8192 / ((2 * Math.PI) / 500_000 ** -0.5) - 1) / 3;
  const divisors = [1, 1, 1 / ((1 - smooth) / 8 + smooth), 8];
  const withDivisors = (values: number[]) =>
    writeGguf(t, config, { tensors: [{ name: 'rope_freqs.weight', shape: [values.length], values }] });
  const scaling = { type: 'llama3', factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPositions: 8192 };
  assert.deepEqual((await readConfigOf(await withDivisors(divisors))).ropeScaling, scaling);
  for (const wrong of [
    [1, 1, 2, 8],
    [1, 1, 8],
    [8, 1, 1, 1],
  ]) {
    await assert.rejects(readConfigOf(await withDivisors(wrong)), { code: 'ModelUnreadable' });
  }
});

test('linear and yarn scaling are read from metadata', async (t) => {
  const scaled = (type: string) =>
    writeGguf(t, TINY, { metadata: { 'llama.rope.scaling.type': type, 'llama.rope.scaling.factor': 4.5 } });
  assert.deepEqual((await readConfigOf(await scaled('linear'))).ropeScaling, { type: 'linear', factor: 4.5 });
  assert.equal((await readConfigOf(await scaled('yarn'))).ropeScaling?.type, 'yarn');
  await assert.rejects(readConfigOf(await scaled('longrope')), { code: 'ModelUnreadable', message: /longrope/ });
});

test('a file of another model is refused by what it holds', async (t) => {
  const cases: [RegExp, Changes][] = [
    [/architecture "gemma3"/, { metadata: { 'general.architecture': 'gemma3' } }],
    [/no metadata "general.architecture"/, { metadata: { 'general.architecture': undefined } }],
    [/no metadata "llama.block_count"/, { metadata: { 'llama.block_count': undefined } }],
    [/"llama.block_count" that is not a finite number/, { metadata: { 'llama.block_count': 'two' } }],
    [/epsilon" that is not a finite/, { metadata: { 'llama.attention.layer_norm_rms_epsilon': NaN } }],
    [/mixture of experts/, { metadata: { 'llama.expert_count': 8 } }],
    [/rope.dimension_count/, { metadata: { 'llama.rope.dimension_count': 2 } }],
    [/has shape/, { metadata: { 'llama.feed_forward_length': 9 } }],
    [/is missing/, { metadata: { 'llama.block_count': 3 } }],
    [/does not belong/, { metadata: { 'llama.block_count': 1 } }],
    [/no llama model has/, { tensors: [{ name: 'blk.0.attn_sinks.weight', shape: [1], values: [1] }] }],
    [
      /does not belong/,
      { tensors: [{ name: 'blk.0.attn_q.bias', shape: [16], values: Array(16).fill(0) as number[] }] },
    ],
    [/no metadata "tokenizer.ggml.merges"/, { metadata: { 'tokenizer.ggml.merges': undefined } }],
    [/is "llama"/, { metadata: { 'tokenizer.ggml.model': 'llama' } }],
    [/cuts text as "tekken"/, { metadata: { 'tokenizer.ggml.pre': 'tekken' } }],
    [/11 tokens and 1 types/, { metadata: { 'tokenizer.ggml.token_type': [1] } }],
    [
      /two tokens of the same text/,
      { metadata: { 'tokenizer.ggml.tokens': TOKENS.map((token) => token.slice(0, 1)) } },
    ],
    [/has the merge "ab"/, { metadata: { 'tokenizer.ggml.merges': ['ab'] } }],
  ];
  for (const [message, changes] of cases) {
    const path = await writeGguf(t, TINY, changes);
    await assert.rejects(openModelFiles(path), (error: Error & { code: string }) => {
      assert.match(error.message, message);
      assert.match(error.code, /^(Model|Tokenizer)Unreadable$/);
      return true;
    });
  }
});

test('no change of bytes makes opening a model fail in another way, or hang', async (t) => {
  const path = join(await temporaryFolder(t), 'model.gguf');
  const bytes = tinyGguf();
  const change = fc.record({ at: fc.nat(bytes.length - 1), byte: fc.nat(255) });
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 5 }), async (changes) => {
      const damaged = Buffer.from(bytes);
      for (const { at, byte } of changes) damaged[at] = byte;
      await writeFile(path, damaged);
      try {
        const { tensors, weights } = await openModelFiles(path);
        for (const { name } of tensors) for await (const piece of weights.pieces(name)) assert.ok(piece.length > 0);
        await weights.close();
      } catch (error) {
        assert.match((error as { code?: string }).code ?? '', /^(Model|Tokenizer)Unreadable$/, String(error));
      }
    }),
    { numRuns: 1500 },
  );
});
