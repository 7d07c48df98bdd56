/** The rungs above a retry, on real servers: Postgres put back to older copies under a run at work, and Temporal's data lost. */
import assert from 'node:assert/strict';
import { readdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test } from 'node:test';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import type pg from 'pg';
import { createLocalEngine } from '../../activities/engine/index.ts';
import type { Engine } from '../../activities/engine/types.ts';
import { resetRun } from '../../activities/reset.ts';
import { openPool } from '../../db/client.ts';
import { getRun, pauseRun, resumeRun, startRun } from '../../infra/client.ts';
import { RZeroPlugin } from '../../infra/plugin.ts';
import { ActivityRunner, TINY, temporaryFolder } from '../support/activities.ts';
import { copyDatabase } from '../support/copy-database.ts';
import { fingerprint } from '../support/fingerprint.ts';
import { createDatabase } from '../support/postgres.ts';
import { startTestServer, testBundle } from '../support/temporal.ts';

const RUN = { ...TINY, runId: 'tiny' };

let undisturbed: Record<string, unknown[]>;
let engine: Engine;
before(async () => {
  engine = createLocalEngine();
  const { pool } = await createDatabase();
  const runner = new ActivityRunner(pool, { engine });
  await runner.open(RUN);
  for (const iteration of [0, 1]) await runner.iterate('tiny', iteration);
  undisturbed = await fingerprint(pool, 'tiny');
});

/** A Temporal server of its own, which is gone with all it knows at the end, and workers on a database that stays. */
async function withStack(
  { url, dataDir }: { url: string; dataDir: string },
  use: (client: TestWorkflowEnvironment['client'], pool: pg.Pool) => Promise<void>,
): Promise<void> {
  const server = await startTestServer();
  const pool = openPool(url);
  const plugin = new RZeroPlugin({ database: url, dataDir, engine });
  const common = { connection: server.nativeConnection, plugins: [plugin] };
  try {
    const main = await Worker.create({ ...common, taskQueue: 'r-zero', workflowBundle: await testBundle() });
    const gpu = await Worker.create({ ...common, taskQueue: 'r-zero-gpu' });
    await main.runUntil(() => gpu.runUntil(() => use(server.client, pool)));
  } finally {
    await pool.end();
    await server.teardown();
  }
}

async function waitFor(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 120_000;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`Waited in vain for ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function unitsOf(pool: pg.Pool, phase: string): Promise<number> {
  const { rows } = await pool.query<{ done: number }>(
    `select units_done as done from r_zero.phase_progress where run_id = 'tiny' and iteration = 1 and phase = $1`,
    [phase],
  );
  return rows[0]?.done ?? 0;
}

/** Those of the past minute may be of steps at work; these are not. */
async function ageCheckpoints(dataDir: string): Promise<void> {
  const root = join(dataDir, 'checkpoints');
  const hourAgo = new Date(Date.now() - 3_600_000);
  for (const name of await readdir(root)) await utimes(join(root, name), hourAgo, hourAgo);
}

test(
  'a run goes on when Postgres is put back to an older copy, even an empty one, and from Postgres when Temporal forgets it',
  { timeout: 5 * 60_000 },
  async () => {
    const { url } = await createDatabase();
    const database = new URL(url).pathname.slice(1);
    const adminUrl = new URL(url);
    adminUrl.pathname = '/postgres';
    const admin = openPool(adminUrl.href);
    const dataDir = temporaryFolder();
    try {
      await copyDatabase(admin, database, 'empty');
      await withStack({ url, dataDir }, async (client, pool) => {
        const standStill = async (phase: string, units: number): Promise<void> => {
          await waitFor(`${phase} ${units}`, async () => (await unitsOf(pool, phase)) >= units);
          await pauseRun(client, 'tiny');
          await waitFor('the pause', async () => (await getRun(client, 'tiny')).view?.status === 'paused');
        };
        const { result } = await startRun(client, RUN);
        await standStill('challenger_training', 1);
        await copyDatabase(admin, 'empty', database);
        await resumeRun(client, 'tiny');
        await standStill('challenger_training', 1);
        await copyDatabase(admin, database, 'older');
        await resumeRun(client, 'tiny');
        await standStill('solver_training', 1);
        await ageCheckpoints(dataDir);
        await copyDatabase(admin, 'older', database);
        await resumeRun(client, 'tiny');
        assert.equal((await result()).status, 'completed');

        assert.deepEqual(await fingerprint(pool, 'tiny'), undisturbed);
        const { rows } = await pool.query<{ kind: string; message: string }>(
          `select kind, message from r_zero.run_notices where run_id = 'tiny' order by notice_id`,
        );
        assert.deepEqual(
          rows.map(({ kind }) => kind),
          ['database_behind', 'database_behind', 'orphan_checkpoints'],
        );
        assert.match(rows[0]!.message, /DatabaseBehind: .*The run begins anew/);
        assert.match(rows[1]!.message, /DatabaseBehind: Work of \d+ shards or steps before it is not in the database/);
        assert.match(rows[2]!.message, /checkpoints? on disk ha(s|ve) no row/);

        await resetRun(
          { database: pool, dataDir, codeVersion: '0' },
          { runId: 'tiny', iteration: 1, phase: 'solver_training', requestedBy: 'test' },
          { mayReset: () => Promise.resolve(true), status: 'waiting' },
        );
        await startRun(client, { runId: 'tiny' });
        await waitFor('a step', async () => (await unitsOf(pool, 'solver_training')) >= 1);
      });
      await withStack({ url, dataDir }, async (client, pool) => {
        await assert.rejects(getRun(client, 'tiny'), { code: 'RunNotFound' });
        const { result } = await startRun(client, { runId: 'tiny' });
        assert.equal((await result()).status, 'completed');
        assert.deepEqual(await fingerprint(pool, 'tiny'), undisturbed);
      });
    } finally {
      await admin.end();
    }
  },
);
