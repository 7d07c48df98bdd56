import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAdamW } from '../../activities/engine/adamw.ts';
import { writeCheckpoint } from '../../activities/engine/checkpoint.ts';
import { collectGarbage } from '../../activities/engine/collect-garbage.ts';
import { formatModelConfig } from '../../activities/engine/config.ts';
import { createLocalEngine } from '../../activities/engine/local.ts';
import type { NativeBackend } from '../../activities/engine/tensorflow.ts';
import { TINY, makeModel, runtime, temporaryFolder } from './support/models.ts';
import { rolloutsOf } from './support/rollouts.ts';

/** `npm run test:soak` runs the long variant. */
const SOAK = Boolean(process.env['R_ZERO_SOAK']);
const STEPS = SOAK ? 2000 : 150;
/** Steps before: what comes in a micro-batch depends on which rollouts are equal, so that some shapes are traced late. */
const WARM_UP = SOAK ? 1000 : 100;
const MOST_GROWTH = 24 * 2 ** 20;

for (const [what, lora] of [
  ['weights', {}],
  ['adapters', { lora: { r: 2, loraAlpha: 4, seed: '0123456789abcdef' } }],
] as const) {
  test(`${STEPS} steps of sampling, scoring and training ${what} do not make the process grow`, async (t) => {
    const companions = new Map([['config.json', Buffer.from(formatModelConfig(TINY))]]);
    const content = { model: await makeModel(TINY), optimizer: createAdamW(), companions };
    const { path } = await writeCheckpoint(await temporaryFolder(t), content);
    const { tf } = await runtime();
    const native = tf.backend() as unknown as NativeBackend & { binding?: { getNumOfTensors?(): number } };
    const engine = createLocalEngine();
    const lease = await engine.open({ path, ...lora });
    let before = { rss: 0, tensors: 0 };
    const now = () => {
      collectGarbage();
      return { rss: process.memoryUsage.rss(), tensors: native.binding?.getNumOfTensors?.() ?? tf.memory().numTensors };
    };
    for (let step = 0; step <= WARM_UP + STEPS; step++) {
      await lease.trainStep(await rolloutsOf(lease, 16, step % 50, TINY.vocabSize), {
        learningRate: 1e-4,
        microBatch: 8,
      });
      if (step === WARM_UP) before = now();
    }
    const after = now();
    t.diagnostic(`${Math.round((after.rss - before.rss) / 2 ** 10)} KiB in ${STEPS} steps`);
    assert.equal(after.tensors, before.tensors);
    assert.ok(after.rss - before.rss < MOST_GROWTH, `${after.rss - before.rss} bytes more`);
    await engine.close();
  });
}
