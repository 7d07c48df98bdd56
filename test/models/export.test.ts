import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, readFile, readdir, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createAdamW } from '../../activities/engine/adamw.ts';
import { writeCheckpoint } from '../../activities/engine/checkpoint.ts';
import { exportModel } from '../../activities/engine/export-model.ts';
import { loadModelFolder } from '../../activities/engine/model-folder.ts';
import { grpoStep } from '../../activities/engine/rollouts.ts';
import { openSafetensors } from '../../activities/engine/safetensors.ts';
import { storedTensors } from '../../activities/engine/weights.ts';
import type { Model } from '../../activities/engine/weights.ts';
import type { TrainItem } from '../../activities/engine/types.ts';
import { modelFolder } from '../../activities/model-folder.ts';
import { largestDifference, logitsOf } from '../engine/support/logits.ts';
import { runtime, temporaryFolder } from '../engine/support/models.ts';

const families = fileURLToPath(new URL('../engine/fixtures/families', import.meta.url));
const TOKENIZER = 'tokenizer.json';

interface Trained {
  model: Model;
  /** The checkpoint's folder. */
  path: string;
  tokens: number[];
}

/** A fixture model after a step that moves every weight, as a checkpoint with the optimizer's state. */
async function trainedCheckpoint(name: string, root: string): Promise<Trained> {
  const folder = join(families, name);
  const { model, companions } = await loadModelFolder(await runtime(), { path: folder });
  const expected = JSON.parse(await readFile(join(folder, 'expected.json'), 'utf8')) as {
    tokens: number[];
    items: TrainItem[];
  };
  const optimizer = createAdamW();
  const before = logitsOf(model, expected.tokens).map((row) => row.slice());
  await grpoStep(model, optimizer, expected.items, { learningRate: 1e-2 });
  assert.ok(largestDifference(logitsOf(model, expected.tokens), before) > 0.1, 'training changed nothing');
  companions.set(TOKENIZER, await readFile(join(modelFolder('builtin'), TOKENIZER)));
  const { path } = await writeCheckpoint(root, { model, optimizer, companions });
  return { model, path, tokens: expected.tokens };
}

test('an exported checkpoint is a Hugging Face folder with the weights after training and nothing else', async (t) => {
  const root = await temporaryFolder(t);
  const { model, path } = await trainedCheckpoint('qwen3', root);
  const out = join(root, 'exported');
  const exported = await exportModel(path, out);
  assert.deepEqual((await readdir(out)).sort(), [
    'config.json',
    'generation_config.json',
    'model.safetensors',
    TOKENIZER,
  ]);
  assert.deepEqual(exported.files.map(({ name }) => name).sort(), (await readdir(out)).sort());
  const config = JSON.parse(await readFile(join(out, 'config.json'), 'utf8')) as Record<string, unknown>;
  assert.deepEqual([config['torch_dtype'], config['dtype'], config['model_type']], ['float32', undefined, 'qwen3']);
  const file = await openSafetensors(join(out, 'model.safetensors'));
  for (const { name, data } of storedTensors(model.specs, model.tensors))
    assert.deepEqual(await file.read(name), data, name);
  await file.close();
  // What was exported can be exported: it is a model like any other.
  await exportModel(out, join(root, 'again'));
  assert.deepEqual(await readFile(join(root, 'again', 'config.json')), await readFile(join(out, 'config.json')));
});

test('a folder that exists is not written over, and a damaged checkpoint not exported', async (t) => {
  const root = await temporaryFolder(t);
  await mkdir(join(root, 'there'));
  await assert.rejects(exportModel(modelFolder('builtin'), join(root, 'there')), { field: 'out' });
  assert.deepEqual(await readdir(root), ['there']);
  const { path } = await trainedCheckpoint('llama', root);
  await truncate(join(path, 'config.json'), 10);
  await assert.rejects(exportModel(path, join(root, 'out')), { code: 'CheckpointCorrupt', field: 'config.json' });
  assert.ok(!(await readdir(root)).includes('out'));
});

const LOGITS_SCRIPT = `
import json, sys, torch
from transformers import AutoModelForCausalLM
model, info = AutoModelForCausalLM.from_pretrained(sys.argv[1], output_loading_info=True)
assert model.dtype == torch.float32 and not info['missing_keys'] and not info['unexpected_keys'], info
with torch.no_grad():
    print(json.dumps(model.eval()(torch.tensor([json.loads(sys.argv[2])])).logits[0].tolist()))
`;

const python = process.env['R_ZERO_TRANSFORMERS_PYTHON'];
const skip = python ? false : 'R_ZERO_TRANSFORMERS_PYTHON names no Python with torch and transformers';

test('an exported checkpoint loads in transformers and has the same logits', { skip }, async (t) => {
  for (const name of ['llama', 'qwen2', 'qwen3']) {
    const root = await temporaryFolder(t);
    const { model, path, tokens } = await trainedCheckpoint(name, root);
    const { path: out } = await exportModel(path, join(root, 'exported'));
    const env = { ...process.env, HF_HUB_OFFLINE: '1', OMP_WAIT_POLICY: 'PASSIVE' };
    const text = execFileSync(python!, ['-c', LOGITS_SCRIPT, out, JSON.stringify(tokens)], { env, encoding: 'utf8' });
    const difference = largestDifference(logitsOf(model, tokens), JSON.parse(text) as number[][]);
    t.diagnostic(`${name}: largest difference ${difference.toExponential(1)}`);
    assert.ok(difference <= 1e-4, String(difference));
  }
});
