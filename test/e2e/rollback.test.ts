/**
 * The demo at five times its learning rates: an alarm notices, the run goes back to its best iteration and on from there in milder
 * settings. It takes minutes: R_ZERO_SOAK=1.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { withDatabase } from '../../infra/cli/database-access.ts';
import type { DemoResult } from '../../infra/cli/summary.ts';
import { destroyStack } from '../../infra/dev-stack/index.ts';
import { temporaryFolder } from '../support/activities.ts';
import { run } from './support/command.ts';

const skip = process.env['R_ZERO_SOAK'] === '1' ? false : 'R_ZERO_SOAK is not 1: it takes minutes';

describe('learning rates five times too high', { skip, timeout: 900_000 }, () => {
  const dataDir = join(temporaryFolder(), 'data');
  after(() => destroyStack(dataDir));

  test('are noticed, the run is rolled back, and ends above the base model', async (t) => {
    const rollback = { action: 'rollback' };
    const input = {
      challenger: { learningRate: 1.5e-3 },
      solver: { learningRate: 1.5e-4 },
      alarms: { kl: rollback, heldOut: rollback },
    };
    const outcome = await run(['demo', '--json', `--data-dir=${dataDir}`, `--input=${JSON.stringify(input)}`]);
    assert.equal(outcome.code, 0, outcome.stderr);
    const result = JSON.parse(outcome.stdout) as DemoResult;
    assert.ok((result.finalGreedy ?? 0) > (result.baseGreedy ?? 1) + 0.3, JSON.stringify(result));
    t.diagnostic(`greedy accuracy ${result.baseGreedy} before, ${result.finalGreedy} after`);
    await withDatabase({ dataDir, onEvent: () => undefined, env: {} }, async ({ pool }) => {
      const takes = await pool.query<{ reason: string; changes: Record<string, { from: number; to: number }> }>(
        `select t.reason, i.changes from r_zero.takes t
         join r_zero.run_inputs i on i.run_id = t.run_id and i.version = t.input_version
         where t.requested_by = 'alarm' order by t.take`,
      );
      for (const { reason } of takes.rows) t.diagnostic(reason);
      assert.ok(takes.rows.length > 0);
      assert.match(takes.rows[0]!.reason, /^Alarm kl: KL to the beginning of the phase was/);
      assert.deepEqual(takes.rows[0]!.changes['solver.learningRate'], { from: 1.5e-4, to: 4.5e-5 });
      const raised = await pool.query(`select 1 from r_zero.alarms where raised and action <> 'note'`);
      assert.equal(raised.rowCount, 0, 'what was raised is superseded');
    });
  });
});
