import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openPool, transaction } from '../../db/client.ts';
import { createDatabase } from '../support/postgres.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';

test('a connection that is open on this side only is given up, its locks with it; long work and long pauses are not', async (t) => {
  const { url, pool } = await createDatabase({ migrated: false });
  const { hostname, port } = new URL(url);
  const proxy = await startTcpProxy({ host: hostname, port: Number(port) });
  t.after(() => proxy.close());
  const throughProxy = new URL(url);
  throughProxy.port = String(proxy.port);
  const remote = openPool(throughProxy.href);
  t.after(() => remote.end());
  await pool.query('create table counters (n int)');
  await pool.query('insert into counters values (0)');

  const started = performance.now();
  const lost = transaction(remote, async (client) => {
    await client.query('update counters set n = n + 1');
    proxy.swallow();
    await client.query('select 1');
  });
  const longWork = sleep(500).then(() => remote.query(`select pg_sleep(15), 'done' as word`));
  const longPause = sleep(500).then(() =>
    transaction(remote, async (client) => {
      await sleep(15_000);
      return (await client.query<{ word: string }>(`select 'awake' as word`)).rows[0]?.word;
    }),
  );
  await assert.rejects(lost, { code: 'DatabaseUnreachable' });
  const seconds = (performance.now() - started) / 1000;
  assert.ok(seconds < 20, `${seconds} s`);
  // Waits for no lock of the half that is gone.
  const { rows } = await remote.query('update counters set n = n + 10 returning n');
  assert.deepEqual(rows, [{ n: 10 }]);
  assert.equal((await longWork).rows[0]?.word, 'done');
  assert.equal(await longPause, 'awake');
});

test('a statement that is not answered in time fails at once, and its connection is not used again', async () => {
  const { url } = await createDatabase({ migrated: false });
  const pool = openPool({ connectionString: url, query_timeout: 200, max: 1 });
  const started = performance.now();
  await assert.rejects(
    transaction(pool, (client) => client.query('select pg_sleep(5)')),
    { code: 'DatabaseUnreachable' },
  );
  assert.deepEqual((await pool.query('select 1 as one')).rows, [{ one: 1 }]);
  assert.ok(performance.now() - started < 4000);
  await pool.end();
});

test('a connection that is ended while it is in use fails what it was used for, and nothing else', async () => {
  const { pool } = await createDatabase({ migrated: false });
  const ended = transaction(pool, async (client) => {
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    await pool.query('select pg_terminate_backend($1)', [rows[0]!.pid]);
    // Nothing is under way that could tell of it.
    await sleep(200);
    await client.query('select 1');
  });
  await assert.rejects(ended, { code: 'DatabaseUnreachable' });
  assert.deepEqual((await pool.query('select 1 as one')).rows, [{ one: 1 }]);
});

test('a database that is closed, or away while it is put back, cannot be reached', async () => {
  const { url } = await createDatabase({ migrated: false });
  const name = new URL(url).pathname.slice(1);
  const adminUrl = new URL(url);
  adminUrl.pathname = '/postgres';
  const admin = openPool(adminUrl.href);
  const other = openPool(url);
  const begin = () => transaction(other, (client) => client.query('select 1'));
  try {
    await begin();
    for (const [away, back] of [
      [`alter database ${name} allow_connections false`, `alter database ${name} allow_connections true`],
      [`alter database ${name} rename to ${name}_copy`, `alter database ${name}_copy rename to ${name}`],
    ] as const) {
      const end = () =>
        admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]);
      await end();
      while ((await admin.query('select from pg_stat_activity where datname = $1', [name])).rowCount) await sleep(20);
      await admin.query(away);
      await assert.rejects(begin(), { code: 'DatabaseUnreachable' }, away);
      await admin.query(back);
      await begin();
    }
  } finally {
    await other.end();
    await admin.end();
  }
});
