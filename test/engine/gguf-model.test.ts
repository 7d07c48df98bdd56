import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { readModelConfig } from '../../activities/engine/config.ts';
import type { ModelConfig } from '../../activities/engine/config.ts';
import { importModel } from '../../activities/engine/import-model.ts';
import { openModelFiles, readConfigOf } from '../../activities/engine/model-files.ts';
import { parameterSpecs, sizeOf } from '../../activities/engine/parameters.ts';
import { openSafetensors } from '../../activities/engine/safetensors.ts';
import { loadTokenizer } from '../../activities/engine/tokenizer.ts';
import { ggufBytes } from './support/gguf.ts';
import type { Metadata, TensorToWrite } from './support/gguf.ts';
import { TINY, temporaryFolder } from './support/models.ts';

/** Tokens of a byte-level BPE: three control tokens, letters, a merge, a numeral and a space. */
const TOKENS = ['<s>', '</s>', '<|pad|>', 'a', 'b', 'ab', 'Ġ', 'Ġa', '1', '<tool>', '[unused]'];
const TYPES = [3, 3, 3, 1, 1, 1, 1, 1, 1, 4, 5];

const TOKENIZER: Metadata = {
  'tokenizer.ggml.model': 'gpt2',
  'tokenizer.ggml.pre': 'smollm',
  'tokenizer.ggml.tokens': TOKENS,
  'tokenizer.ggml.token_type': TYPES,
  'tokenizer.ggml.merges': ['a b', 'Ġ a'],
  'tokenizer.ggml.bos_token_id': 0,
  'tokenizer.ggml.eos_token_id': 1,
  'tokenizer.ggml.padding_token_id': 2,
  'tokenizer.chat_template': '{{ messages[0].content }}',
};

const NAMES: Readonly<Record<string, string>> = {
  'model.embed_tokens': 'token_embd',
  'model.norm': 'output_norm',
  lm_head: 'output',
  input_layernorm: 'attn_norm',
  'self_attn.q_proj': 'attn_q',
  'self_attn.k_proj': 'attn_k',
  'self_attn.v_proj': 'attn_v',
  'self_attn.q_norm': 'attn_q_norm',
  'self_attn.k_norm': 'attn_k_norm',
  'self_attn.o_proj': 'attn_output',
  post_attention_layernorm: 'ffn_norm',
  'mlp.gate_proj': 'ffn_gate',
  'mlp.up_proj': 'ffn_up',
  'mlp.down_proj': 'ffn_down',
};

function ggufName(name: string): string {
  const [, layer, part = '', kind] = /^(?:model\.layers\.(\d+)\.)?(.*)\.(weight|bias)$/.exec(name) ?? [];
  return `${layer === undefined ? '' : `blk.${layer}.`}${NAMES[part]}.${kind}`;
}

/** As llama.cpp's convert_hf_to_gguf.py does: reshape(heads, 2, dh/2, in).swapaxes(1, 2). */
function permuted(values: readonly number[], [rows, columns]: readonly [number, number], headDim: number): number[] {
  return Array.from({ length: rows }, (_, row) => {
    const head = Math.floor(row / headDim);
    const [pair, side] = [Math.floor((row % headDim) / 2), row % 2];
    const from = head * headDim + side * (headDim / 2) + pair;
    return values.slice(from * columns, (from + 1) * columns);
  }).flat();
}

interface Written {
  path: string;
  /** By Hugging Face name. */
  values: Map<string, number[]>;
}

async function writeGguf(
  t: TestContext,
  config: ModelConfig,
  changes: { metadata?: Record<string, Metadata[string] | undefined>; tensors?: TensorToWrite[] } = {},
): Promise<Written> {
  const { family = 'llama' } = config;
  const values = new Map<string, number[]>();
  const tensors = parameterSpecs(config).flatMap((spec) =>
    spec.stored.map(({ name, shape }): TensorToWrite => {
      const stored = Array.from({ length: sizeOf(shape) }, (_, i) => Math.fround(Math.sin(i + values.size)));
      values.set(name, stored);
      const turned = family === 'llama' && /[qk]_proj/.test(name);
      const pair = shape as [number, number];
      return { name: ggufName(name), shape, values: turned ? permuted(stored, pair, config.headDim) : stored };
    }),
  );
  const metadata = {
    'general.architecture': family,
    [`${family}.embedding_length`]: config.hiddenSize,
    [`${family}.block_count`]: config.layers,
    [`${family}.attention.head_count`]: config.heads,
    [`${family}.attention.head_count_kv`]: config.kvHeads,
    [`${family}.attention.key_length`]: config.headDim,
    [`${family}.attention.layer_norm_rms_epsilon`]: config.rmsNormEps,
    [`${family}.feed_forward_length`]: config.intermediateSize,
    [`${family}.context_length`]: config.maxPositions,
    [`${family}.rope.freq_base`]: config.ropeTheta + 0.5,
    ...TOKENIZER,
    ...changes.metadata,
  };
  const kept = Object.entries(metadata).filter(([, value]) => value !== undefined) as [string, Metadata[string]][];
  const path = join(await temporaryFolder(t), 'model.gguf');
  await writeFile(path, ggufBytes(Object.fromEntries(kept), [...tensors, ...(changes.tensors ?? [])]));
  return { path, values };
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
    const { path, values } = await writeGguf(t, config);
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
  const { path } = await writeGguf(t, TINY);
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
  assert.deepEqual((await readConfigOf((await withDivisors(divisors)).path)).ropeScaling, scaling);
  for (const wrong of [
    [1, 1, 2, 8],
    [1, 1, 8],
    [8, 1, 1, 1],
  ]) {
    await assert.rejects(readConfigOf((await withDivisors(wrong)).path), { code: 'ModelUnreadable' });
  }
});

test('linear and yarn scaling are read from metadata', async (t) => {
  const scaled = (type: string) =>
    writeGguf(t, TINY, { metadata: { 'llama.rope.scaling.type': type, 'llama.rope.scaling.factor': 4.5 } });
  assert.deepEqual((await readConfigOf((await scaled('linear')).path)).ropeScaling, { type: 'linear', factor: 4.5 });
  assert.equal((await readConfigOf((await scaled('yarn')).path)).ropeScaling?.type, 'yarn');
  await assert.rejects(readConfigOf((await scaled('longrope')).path), { code: 'ModelUnreadable', message: /longrope/ });
});

test('a file of another model is refused by what it holds', async (t) => {
  const cases: [RegExp, Parameters<typeof writeGguf>[2]][] = [
    [/architecture "gemma3"/, { metadata: { 'general.architecture': 'gemma3' } }],
    [/no metadata "general.architecture"/, { metadata: { 'general.architecture': undefined } }],
    [/no metadata "llama.block_count"/, { metadata: { 'llama.block_count': undefined } }],
    [/"llama.block_count" that is not a number/, { metadata: { 'llama.block_count': 'two' } }],
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
    const { path } = await writeGguf(t, TINY, changes);
    await assert.rejects(openModelFiles(path), (error: Error & { code: string }) => {
      assert.match(error.message, message);
      assert.match(error.code, /^(Model|Tokenizer)Unreadable$/);
      return true;
    });
  }
});
