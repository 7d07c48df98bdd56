import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fc } from '../support/properties.ts';
import { formatModelConfig, parseModelConfig, readModelConfig } from '../../activities/engine/config.ts';
import type { RopeScaling } from '../../activities/engine/rope-scaling.ts';
import { DEMO, TINY, temporaryFolder } from './support/models.ts';

const base = JSON.parse(formatModelConfig(TINY)) as Record<string, unknown>;
const QWEN = { model_type: 'qwen2', architectures: ['Qwen2ForCausalLM'] };
const parse = (changes: Record<string, unknown>) => parseModelConfig(JSON.stringify({ ...base, ...changes }));

test('a written config is read back to the same values', () => {
  const families = (['qwen2', 'qwen3'] as const).map((family) => ({ ...TINY, family }));
  const scalings: RopeScaling[] = [
    { type: 'linear', factor: 2 },
    { type: 'llama3', factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPositions: 20 },
    {
      type: 'yarn',
      factor: 2,
      originalMaxPositions: 20,
      betaFast: 32,
      betaSlow: 1,
      truncate: true,
      attentionFactor: 1.07,
    },
  ];
  const scaled = scalings.map((ropeScaling) => ({ ...TINY, ropeScaling }));
  for (const config of [TINY, DEMO, { ...TINY, eosTokenIds: [2, 5] }, ...families, ...scaled]) {
    assert.deepEqual(parseModelConfig(formatModelConfig(config, { bosTokenId: 1, padTokenId: 0 })), config);
  }
});

test('the config of a published Llama-family model is understood', () => {
  // SmolLM2-135M-Instruct.
  const config = parseModelConfig(
    JSON.stringify({
      architectures: ['LlamaForCausalLM'],
      attention_bias: false,
      attention_dropout: 0,
      bos_token_id: 1,
      eos_token_id: 2,
      hidden_act: 'silu',
      hidden_size: 576,
      intermediate_size: 1536,
      max_position_embeddings: 8192,
      mlp_bias: false,
      model_type: 'llama',
      num_attention_heads: 9,
      num_hidden_layers: 30,
      num_key_value_heads: 3,
      rms_norm_eps: 1e-5,
      rope_scaling: null,
      rope_theta: 100_000,
      tie_word_embeddings: true,
      torch_dtype: 'bfloat16',
      vocab_size: 49_152,
    }),
  );
  assert.deepEqual(
    [config.headDim, config.kvHeads, config.ropeTheta, config.tieWordEmbeddings, config.eosTokenIds],
    [64, 3, 100_000, true, [2]],
  );
});

test('everything that would make the forward pass wrong is refused, with its field', () => {
  const cases: [string, Record<string, unknown>][] = [
    ['model_type', { model_type: 'gpt2' }],
    ['architectures', { model_type: 'qwen2' }],
    ['use_sliding_window', { ...QWEN, use_sliding_window: true }],
    ['attention_bias', { model_type: 'qwen3', architectures: ['Qwen3ForCausalLM'], attention_bias: true }],
    ['architectures', { architectures: ['GPT2LMHeadModel'] }],
    ['architectures', { architectures: undefined, model_type: undefined }],
    ['hidden_act', { hidden_act: 'gelu' }],
    ['attention_bias', { attention_bias: true }],
    ['mlp_bias', { mlp_bias: true }],
    ['low_freq_factor', { rope_scaling: { rope_type: 'llama3', factor: 8 } }],
    ['factor', { rope_scaling: { type: 'linear' } }],
    ['rope_scaling', { rope_scaling: { type: 'dynamic', factor: 2 } }],
    ['rope_scaling', { rope_scaling: 'linear' }],
    ['rope_parameters', { rope_parameters: { rope_type: 'longrope' } }],
    ['partial_rotary_factor', { partial_rotary_factor: 0.5 }],
    ['num_key_value_heads', { num_key_value_heads: 3 }],
    ['head_dim', { head_dim: 5 }],
    ['hidden_size', { hidden_size: '12' }],
    ['num_hidden_layers', { num_hidden_layers: 0 }],
    ['vocab_size', { vocab_size: 1.5 }],
    ['rope_theta', { rope_theta: -1 }],
    ['rms_norm_eps', { rms_norm_eps: 0 }],
    ['num_hidden_layers', { num_hidden_layers: 1e9 }],
    ['tie_word_embeddings', { tie_word_embeddings: 'no' }],
    ['eos_token_id', { eos_token_id: 11 }],
  ];
  for (const [field, changes] of cases) {
    assert.throws(() => parse(changes), { code: 'ModelUnreadable', field }, JSON.stringify(changes));
  }
});

test('newer configs, which keep the rotary settings in an object, are understood', () => {
  const config = parse({ rope_theta: undefined, rope_parameters: { rope_type: 'default', rope_theta: 1234 } });
  assert.equal(config.ropeTheta, 1234);
});

test('no text makes the parser fail in another way than its own error', () => {
  const onlyItsOwn = (text: string): void => {
    try {
      parseModelConfig(text);
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'ModelUnreadable');
    }
  };
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), onlyItsOwn));
  const fields = fc.constantFrom(...Object.keys(base));
  fc.assert(
    fc.property(fields, fc.jsonValue(), (field, value) => onlyItsOwn(JSON.stringify({ ...base, [field]: value }))),
  );
});

test('a sequence ends where config.json or generation_config.json says', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, 'config.json'), formatModelConfig(TINY));
  const ends = async () => (await readModelConfig(folder)).config.eosTokenIds;
  assert.deepEqual(await ends(), [2]);
  for (const [generation, expected] of [
    [{ eos_token_id: [2, 7] }, [2, 7]],
    [{ eos_token_id: 5 }, [2, 5]],
    [{ temperature: 0.6 }, [2]],
  ] as const) {
    await writeFile(join(folder, 'generation_config.json'), JSON.stringify(generation));
    assert.deepEqual(await ends(), expected);
  }
  for (const wrong of ['{', JSON.stringify({ eos_token_id: 11 })]) {
    await writeFile(join(folder, 'generation_config.json'), wrong);
    await assert.rejects(readModelConfig(folder), { code: 'ModelUnreadable' });
  }
});
