import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createAdamW } from '../../../activities/engine/adamw.ts';
import { writeCheckpoint } from '../../../activities/engine/checkpoint.ts';
import { loadModelFolder } from '../../../activities/engine/model-folder.ts';
import type { CheckpointRecord, Engine, LoraSource, ModelLease } from '../../../activities/engine/types.ts';
import { modelFolder } from '../../../activities/model-folder.ts';
import { runtime, seedOf } from './models.ts';
import { rolloutsOf } from './rollouts.ts';

export const LORA: LoraSource = { r: 3, loraAlpha: 6, seed: seedOf(5) };
export const STEP = { learningRate: 2e-2, klCoefficient: 0.1 };
const VOCABULARY = 29;

/** A fixture model as a checkpoint that is complete, tokenizer included. */
export async function familyCheckpoint(name: string, root: string): Promise<CheckpointRecord> {
  const path = fileURLToPath(new URL(`../fixtures/families/${name}`, import.meta.url));
  const { model, companions } = await loadModelFolder(await runtime(), { path });
  companions.set('tokenizer.json', await readFile(join(modelFolder('builtin'), 'tokenizer.json')));
  return writeCheckpoint(root, { model, optimizer: createAdamW(), companions });
}

/** One step on rollouts of the policy's own. */
export async function trainOnce(lease: ModelLease, salt: number): Promise<void> {
  await lease.trainStep(await rolloutsOf(lease, 12, salt, VOCABULARY), STEP);
}

/** Adapters after two steps on a fixture model, and their lease. */
export async function trainedAdapters(
  engine: Engine,
  name: string,
  root: string,
  lora: LoraSource = LORA,
): Promise<{ base: CheckpointRecord; record: CheckpointRecord; lease: ModelLease }> {
  const base = await familyCheckpoint(name, root);
  const lease = await engine.open({ path: base.path, expectId: base.id, lora });
  await trainOnce(lease, 1);
  await trainOnce(lease, 2);
  return { base, record: await lease.checkpoint(root), lease };
}
