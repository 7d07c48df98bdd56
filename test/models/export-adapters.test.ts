import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { exportModel } from '../../activities/engine/export-model.ts';
import { importModel } from '../../activities/engine/import-model.ts';
import { createLocalEngine } from '../../activities/engine/local.ts';
import { loadModelFolder } from '../../activities/engine/model-folder.ts';
import { mergedWeights } from '../../activities/engine/merge-adapters.ts';
import { openModelFiles } from '../../activities/engine/model-files.ts';
import type { LoraSource } from '../../activities/engine/types.ts';
import { describeModel, inspectModel } from '../../infra/models/inspect.ts';
import { LORA, trainedAdapters } from '../engine/support/adapted.ts';
import { largestDifference, logitsOf } from '../engine/support/logits.ts';
import { runtime, temporaryFolder, tokensOf } from '../engine/support/models.ts';

const TOKENS = tokensOf(40, 1, 29);
const SOME: LoraSource = { ...LORA, targetModules: ['q_proj', 'v_proj', 'gate_proj'] };

async function trained(root: string, name: string, lora: LoraSource) {
  const engine = createLocalEngine();
  const { base, record } = await trainedAdapters(engine, name, root, lora);
  await engine.close();
  return { base, record };
}

async function logits(path: string): Promise<number[][]> {
  const { model } = await loadModelFolder(await runtime(), { path });
  return logitsOf(model, TOKENS).map((row) => [...row]);
}

async function all(pieces: AsyncIterable<Float32Array>): Promise<Float32Array[]> {
  const found: Float32Array[] = [];
  for await (const piece of pieces) found.push(piece);
  return found;
}

for (const [name, lora] of [
  ['llama', LORA],
  ['qwen2', SOME],
  ['qwen3', LORA],
] as const) {
  test(`exporting and importing adapters of a ${name} model merges them: the logits stay`, async (t) => {
    const root = await temporaryFolder(t);
    const { base, record } = await trained(root, name, lora);
    const unmerged = await logits(record.path);
    assert.ok(largestDifference(await logits(base.path), unmerged) > 0.1, 'training changed nothing');
    const out = join(root, 'exported');
    const { files } = await exportModel(record.path, out);
    assert.deepEqual(files.map((file) => file.name).sort(), (await readdir(out)).sort());
    assert.ok(files.every((file) => !file.name.startsWith('adapter')));
    const difference = largestDifference(await logits(out), unmerged);
    t.diagnostic(`largest difference ${difference.toExponential(1)}`);
    assert.ok(difference <= 1e-4, String(difference));

    const imported = await importModel(record.path, root);
    assert.equal(imported.base, undefined);
    assert.ok(largestDifference(await logits(imported.path), unmerged) <= 1e-4);
    const weights = (list: typeof files) => list.find((file) => file.name === 'model.safetensors')?.sha256;
    assert.equal(weights(imported.files), weights(files));
  });
}

test('a merged matrix is the same whatever pieces it is read in', async (t) => {
  const root = await temporaryFolder(t);
  const { base, record } = await trained(root, 'llama', LORA);
  const name = 'model.layers.1.mlp.up_proj.weight';
  const { weights } = await openModelFiles(record.path);
  const whole = await all(weights.pieces(name));
  await weights.close();
  const beneath = await openModelFiles(base.path);
  const cut = await mergedWeights(record.path, {
    ...beneath.weights,
    pieces: async function* (of) {
      for await (const piece of beneath.weights.pieces(of)) {
        for (let from = 0; from < piece.length; from += 7) yield piece.slice(from, from + 7);
      }
    },
  });
  const pieces = await all(cut.pieces(name));
  await cut.close();
  assert.ok(pieces.length > 10);
  assert.deepEqual(
    pieces.flatMap((piece) => [...piece]),
    whole.flatMap((piece) => [...piece]),
  );
});

test('inspecting a checkpoint of adapters tells of both', async (t) => {
  const root = await temporaryFolder(t);
  const { base, record } = await trained(root, 'qwen2', SOME);
  const description = await inspectModel(record.path);
  assert.deepEqual(
    { ...description.adapters },
    {
      base: base.id,
      r: 3,
      loraAlpha: 6,
      targetModules: ['q_proj', 'v_proj', 'gate_proj'],
      parameters: 2 * 3 * (32 + 24 + 36),
    },
  );
  assert.equal(description.checkpointId, record.id);
  assert.equal(description.parameters, (await inspectModel(base.path)).parameters);
  const text = describeModel(description).join('\n');
  assert.match(text, /adapters +r 3, alpha 6, on q_proj, v_proj, gate_proj: 552 parameters/);
  assert.ok(text.includes(base.id));
});

const script = fileURLToPath(new URL('../engine/fixtures/peft-logits.py', import.meta.url));
const python = process.env['R_ZERO_TRANSFORMERS_PYTHON'];
const skip = python ? false : 'R_ZERO_TRANSFORMERS_PYTHON names no Python with torch, transformers and peft';

test(
  'peft loads a checkpoint of adapters, and transformers what is exported of it: the same logits',
  { skip },
  async (t) => {
    for (const [name, lora] of Object.entries({ llama: LORA, qwen2: SOME, qwen3: LORA })) {
      const root = await temporaryFolder(t);
      const { base, record } = await trained(root, name, lora);
      const { path: out } = await exportModel(record.path, join(root, 'exported'));
      const expected = await logits(record.path);
      for (const [folder, adapters] of [
        [base.path, record.path],
        [out, '-'],
      ] as const) {
        const env = { ...process.env, HF_HUB_OFFLINE: '1', OMP_WAIT_POLICY: 'PASSIVE' };
        const text = execFileSync(python!, [script, folder, adapters, JSON.stringify(TOKENS)], {
          env,
          encoding: 'utf8',
        });
        const difference = largestDifference(expected, JSON.parse(text) as number[][]);
        t.diagnostic(`${name} ${adapters === '-' ? 'merged' : 'with peft'}: ${difference.toExponential(1)}`);
        assert.ok(difference <= 1e-4, String(difference));
      }
    }
  },
);
