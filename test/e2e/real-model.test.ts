/**
 * The demo on a real pretrained model, as `npm start -- --model smollm2-135m` runs it. It takes minutes and gigabytes of
 * disk, so it has to be asked for: R_ZERO_REAL_MODEL=1, and the model must be there.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { modelFolder } from '../../activities/model-folder.ts';
import { withDatabase } from '../../infra/cli/database-access.ts';
import type { DemoResult } from '../../infra/cli/summary.ts';
import { destroyStack } from '../../infra/dev-stack/index.ts';
import { temporaryFolder } from '../support/activities.ts';
import { run } from './support/command.ts';
import { findBroken } from './support/integrity.ts';

const MODEL = 'smollm2-135m';

function reasonToSkip(): string | false {
  if (process.env['R_ZERO_REAL_MODEL'] !== '1') return 'R_ZERO_REAL_MODEL is not 1: it takes minutes and 7 GB of disk';
  try {
    modelFolder(MODEL);
    return false;
  } catch {
    return `${MODEL} is not on this machine: \`npx r-zero model get ${MODEL}\` (93 MB)`;
  }
}

describe('r-zero demo on a real model', { skip: reasonToSkip(), timeout: 1_800_000 }, () => {
  const dataDir = join(temporaryFolder(), 'data');
  const demo = ['demo', '--model', MODEL, '--json', '--data-dir', dataDir];
  after(() => destroyStack(dataDir));

  test('runs one complete iteration and claims no gain', async () => {
    const outcome = await run(demo);
    assert.equal(outcome.code, 0, outcome.stderr);
    const result = JSON.parse(outcome.stdout) as DemoResult;
    assert.deepEqual([result.runId, result.model, result.iterations], [`demo-${MODEL}`, MODEL, 1]);
    assert.deepEqual(result.generated, [16]);
    assert.ok((result.parsed[0] ?? 0) >= 8, `${result.parsed[0]} of 16 parsed`);
    assert.equal(result.finalSampled, null);
    assert.match(outcome.stderr, /No gain was measured, and none is claimed/);
    const trained = (result.kept[0] ?? 0) >= 4;
    assert.deepEqual(result.solverSteps, [trained ? 2 : 0]);
    assert.equal(/those steps were skipped/.test(outcome.stderr), !trained);
    await withDatabase({ dataDir, onEvent: () => undefined, env: {} }, async ({ pool }) => {
      // Two steps of four questions leave kept ones over.
      const left = Math.max(0, (result.kept[0] ?? 0) - (trained ? 8 : 0));
      const untrained = 'a kept question lacks its label, its answers or the checkpoint trained on it';
      assert.deepEqual(await findBroken(pool), left === 0 ? [] : [`${untrained} (${left})`]);
      const { rows } = await pool.query<{ prefill: string; moved: boolean }>(
        `select r.profile -> 'challenger' ->> 'prefill' as prefill,
                (select bool_and(checkpoint_before <> checkpoint_after) from r_zero.policy_updates) as moved
         from r_zero.runs r`,
      );
      assert.deepEqual(rows, [{ prefill: '<question>', moved: true }]);
    });
  });

  test('started again, it shows its result at once', async () => {
    const outcome = await run(demo);
    assert.equal(outcome.code, 0, outcome.stderr);
    assert.match(outcome.stderr, /is complete: 1 iteration, nothing left to do/);
  });
});
