import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertSchemaCurrent, migrate, readState } from '../../db/migrate.ts';
import { openPool } from '../../db/client.ts';
import { asRole } from '../../infra/cli/endpoints.ts';
import { createDatabase } from '../support/postgres.ts';

const VIEWS = [
  'dataset',
  'funnel',
  'funnel_reasons',
  'iteration_summary',
  'label_accuracy',
  'label_accuracy_by_p_hat',
  'label_accuracy_parts',
  'lineage',
  'phase_progress',
  'provenance',
  'recomputation_summary',
  'recomputed_decisions',
  'recomputed_rewards',
  'recomputed_votes',
  'repeated_work',
  'training_steps',
];

describe('migrate', () => {
  test('brings an empty database to the present schema, once, however many migrate at the same time', async () => {
    const { url, pool } = await createDatabase({ migrated: false });
    const others = [1, 2, 3].map(() => openPool(url));
    const results = await Promise.all([pool, ...others].map((connection) => migrate(connection)));
    await Promise.all(others.map((other) => other.end()));
    assert.equal(results.filter(({ applied }) => applied > 0).length, 1);
    const views = await pool.query<{ name: string }>(
      `select table_name as name from information_schema.views where table_schema = 'r_zero' order by 1`,
    );
    const names = views.rows.map(({ name }) => name);
    for (const view of VIEWS) assert.ok(names.includes(view), `view ${view}`);
    assert.deepEqual(await migrate(pool), { applied: 0, missingRoles: [] });
  });

  test('every column of every table has a comment', async () => {
    const { pool } = await createDatabase();
    const bare = await pool.query<{ column: string }>(
      `select c.relname || '.' || a.attname as column
       from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
       where n.nspname in ('r_zero', 'r_zero_all') and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped
         and col_description(c.oid, a.attnum) is null order by 1`,
    );
    assert.deepEqual(
      bare.rows.map(({ column }) => column),
      [],
    );
  });

  test('refuses a database that is newer than the code and leaves it as it is', async () => {
    const { pool } = await createDatabase();
    const before = await readState(pool);
    await pool.query(`insert into r_zero_migrations.applied (hash, created_at) values ('from the future', $1)`, [
      before.code + 1000,
    ]);
    await assert.rejects(migrate(pool), { code: 'DatabaseNewer' });
    await assert.rejects(assertSchemaCurrent(pool), { code: 'DatabaseNewer' });
    assert.equal((await readState(pool)).database, before.code + 1000);
  });

  test('a worker refuses a database that was never migrated, and names the command', async () => {
    const { pool } = await createDatabase({ migrated: false });
    await assert.rejects(assertSchemaCurrent(pool), { code: 'DatabaseNotMigrated', message: /r-zero migrate/ });
  });

  test('a worker on a database of before there were roles, or that has not given the role its rights, is told to migrate', async () => {
    const { url, pool } = await createDatabase({ migrated: false });
    const connect = async (): Promise<void> => {
      const workers = openPool(asRole(url, 'r_zero_app'));
      try {
        await assertSchemaCurrent(workers);
      } finally {
        await workers.end();
      }
    };
    const refused = { code: 'DatabaseNotMigrated', fix: /npx r-zero migrate/ };
    // Roles are the server's, and other databases of it have them.
    await createDatabase();
    await pool.query('create schema r_zero_migrations');
    await assert.rejects(connect(), { ...refused, message: /not given this user its rights/ });
    await pool.query('drop schema r_zero_migrations');
    await pool.query('alter role r_zero_app rename to set_aside');
    try {
      await assert.rejects(connect(), { ...refused, message: /has no role "r_zero_app"/ });
    } finally {
      await pool.query('alter role set_aside rename to r_zero_app');
    }
    await migrate(pool);
    await connect();
  });

  test('a server that is not there is reported as such', async () => {
    const pool = openPool('postgres://nobody:wrong@127.0.0.1:1/none');
    await assert.rejects(migrate(pool), { code: 'DatabaseUnreachable' });
    await pool.end();
  });
});
