import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UnitResult } from '../../activities/contract.ts';
import { ActivityRunner, TINY } from '../support/activities.ts';
import { createDatabase } from '../support/postgres.ts';
import { finishUnit } from '../support/rows.ts';
import { until } from '../support/temporal.ts';

test('a unit that another worker is just writing is waited for, and not worked on again', async () => {
  const { pool } = await createDatabase();
  const runner = new ActivityRunner(pool);
  await runner.open({ ...TINY, runId: 'tiny' });
  await runner.begin('tiny', 0);
  const place = { runId: 'tiny', iteration: 0, phase: 'evaluation', unit: 0 } as const;
  let second: Promise<UnitResult> | undefined;
  await finishUnit(pool, place, async () => {
    second = runner.unit('evaluation', 'tiny', 0, 0);
    const waiting = async (): Promise<number> =>
      (
        await pool.query(
          `select from pg_stat_activity where wait_event_type = 'Lock' and query like 'update r_zero.run_leases%'`,
        )
      ).rowCount ?? 0;
    await until(waiting, (count) => count === 1);
  });
  assert.equal((await second)?.reused, true);
  const { rows } = await pool.query('select outcome from r_zero.attempts');
  assert.deepEqual(rows, [{ outcome: 'finished' }]);
});
