/** Disks without a byte left, and files that are not what was written. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SeededRandom } from '../../../activities/method/seeds.ts';
import { PHASE_ORDER } from '../../../activities/phases.ts';
import { MODEL_PHASES, within } from './fault.ts';
import type { Fault, Scene } from './fault.ts';

/** How long a fault may take to be met; where a phase does not come upon it, nothing shall happen. */
const PATIENCE_MS = 6000;

const fullDisk = (disk: 'checkpoints' | 'tables', name: string, phases: Fault['phases']): Fault => ({
  name,
  phases,
  needsSmallDisks: true,
  strike: async (scene) => {
    scene.cluster.disks[disk].fill();
    return async () => {
      await within(PATIENCE_MS, () => failureCode(scene));
      await sleep(scene.random.below(3000));
      scene.cluster.disks[disk].free();
    };
  },
});

const damage = (name: string, change: (bytes: Buffer, random: SeededRandom) => Buffer): Fault => ({
  name,
  phases: MODEL_PHASES,
  strike: async (scene) => {
    const folder = join(scene.cluster.dataDir, 'checkpoints', await openedCheckpoint(scene));
    const files = readdirSync(folder).filter((file) => file.endsWith('.safetensors') || file === 'manifest.json');
    const file = join(folder, files[scene.random.below(files.length)]!);
    const whole = readFileSync(file);
    writeFileSync(file, change(whole, scene.random));
    // As a loss of power does: what was in memory is gone, and the file is read again.
    await scene.cluster.kill('engine');
    return async () => {
      const code = await within(PATIENCE_MS, () => failureCode(scene, ['CheckpointCorrupt', 'ModelUnreadable']));
      writeFileSync(file, whole);
      assert.ok(code === undefined || code === 'CheckpointCorrupt', `${file}: ${code}`);
    };
  },
});

/** Of the attempts at the phase so far. */
async function failureCode({ cluster, runId, phase }: Scene, codes = ['DiskFull']): Promise<string | undefined> {
  const { rows } = await cluster.pool.query<{ error_code: string }>(
    `select error_code from r_zero.attempts where run_id = $1 and iteration = 1 and phase = $2 and error_code = any ($3)`,
    [runId, phase, codes],
  );
  return rows[0]?.error_code;
}

/** The one that the unit at work has opened, or will. */
async function openedCheckpoint({ cluster, runId, phase }: Scene): Promise<string> {
  const role = phase === 'challenger_training' || phase === 'dataset_generation' ? 'challenger' : 'solver';
  const { rows } = await cluster.pool.query<{ id: string }>(
    `select coalesce((select checkpoint_after from r_zero.policy_updates where run_id = $1 and role = $2
                      order by iteration desc, unit desc limit 1), base_checkpoint_id) as id
     from r_zero.runs where run_id = $1`,
    [runId, role],
  );
  return rows[0]!.id;
}

export const DISK_FAULTS: readonly Fault[] = [
  fullDisk('checkpoints', 'full disk under the checkpoints', MODEL_PHASES),
  fullDisk('tables', 'full disk under Postgres', PHASE_ORDER),
  damage('checkpoint truncated', (bytes, random) => bytes.subarray(0, random.below(bytes.length))),
  damage('checkpoint with a flipped bit', (bytes, random) => {
    const changed = Buffer.from(bytes);
    const index = random.below(bytes.length);
    changed[index]! ^= 1 << random.below(8);
    return changed;
  }),
];
