/**
 * A program: samples, trains and checkpoints a model from a folder in this process and prints a digest of all that came
 * out, so that two processes can be compared. Arguments: model folder, checkpoint root.
 */
import { createHash } from 'node:crypto';
import { createLocalEngine } from '../../../activities/engine/local.ts';
import { DEMO } from './models.ts';
import { rolloutsOf } from './rollouts.ts';

const [folder = '', root = ''] = process.argv.slice(2);
const engine = createLocalEngine({ threads: 2 });
const lease = await engine.open({ path: folder });
const seen: unknown[] = [];
for (let step = 0; step < 4; step++) {
  const items = await rolloutsOf(lease, 48, step, DEMO.vocabSize);
  const {
    seconds: _,
    memoryBytes: __,
    peakMemoryBytes: ___,
    ...metrics
  } = await lease.trainStep(items, { learningRate: 1e-3, microBatch: 16 });
  seen.push(items, metrics, lease.modelId);
}
const record = await lease.checkpoint(root);
await engine.close();
const digest = createHash('sha256').update(JSON.stringify(seen)).digest('hex');
process.stdout.write(JSON.stringify({ digest, checkpoint: record.id }));
