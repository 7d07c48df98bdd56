import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate as drizzleMigrate } from 'drizzle-orm/node-postgres/migrator';
import type pg from 'pg';
import { RZeroError } from '../activities/errors.ts';
import { asDatabaseError } from './client.ts';

const MIGRATIONS = fileURLToPath(new URL('./migrations', import.meta.url));
const VIEWS = fileURLToPath(new URL('./views', import.meta.url));
/** A schema of our own: the default one of drizzle would be shared with every other program on the same database. */
const BOOKKEEPING = 'r_zero_migrations';
/** Any fixed number: all our migrators on one database wait for the same lock. */
const ADVISORY_LOCK = 0x525a3031;
/** SQLSTATE dependent_objects_still_exist. */
const DEPENDENTS = '2BP01';
/** SQLSTATE insufficient_privilege. */
const NO_RIGHTS = '42501';

/** To be given to people and programs; see db/views/95-roles.sql. */
export const ROLES = ['r_zero_app', 'r_zero_read'] as const;

export interface Migrated {
  /** Numbered migrations that were applied. */
  applied: number;
  /** Of `ROLES`, those that are not there and that this user may not create. Everything works without them. */
  missingRoles: string[];
}

export interface SchemaState {
  /** `when` of the newest migration applied to the database; 0 for an empty one. */
  database: number;
  /** The same for the newest migration this code knows. */
  code: number;
}

/**
 * Brings the database to this code's schema: numbered migrations first, then views and comments, which are replaced
 * whole when their text has changed. Safe to call from many processes at once.
 *
 * @throws RZeroError `DatabaseNewer` when the database was migrated by a newer version; nothing is changed then.
 */
export async function migrate(pool: pg.Pool): Promise<Migrated> {
  try {
    const client = await pool.connect();
    try {
      await client.query('select pg_advisory_lock($1)', [ADVISORY_LOCK]);
      const before = await readState(client);
      refuseNewer(before);
      await drizzleMigrate(drizzle(client), {
        migrationsFolder: MIGRATIONS,
        migrationsSchema: BOOKKEEPING,
        migrationsTable: 'applied',
      });
      await applyRepeatable(client);
      const roles = await presentRoles(client);
      const journal = await readJournal();
      return {
        applied: journal.filter((entry) => entry.when > before.database).length,
        missingRoles: ROLES.filter((role) => !roles.includes(role)),
      };
    } finally {
      // Ends the session's lock with the connection; a pooled one would keep it.
      client.release(true);
    }
  } catch (error) {
    throw asDatabaseError(error);
  }
}

/** @throws RZeroError `DatabaseNotMigrated` or `DatabaseNewer`: a worker must not write to a schema it does not know. */
export async function assertSchemaCurrent(pool: pg.Pool): Promise<void> {
  let state: SchemaState;
  try {
    state = await readState(pool);
  } catch (error) {
    if ((error as { code?: unknown }).code !== NO_RIGHTS) throw asDatabaseError(error);
    throw new RZeroError('DatabaseNotMigrated', 'The database has not given this user its rights.', {
      fix: 'Run `npx r-zero migrate`, and `grant r_zero_app` to the user of workers, `r_zero_read` to readers.',
      cause: error,
    });
  }
  refuseNewer(state);
  if (state.database < state.code) {
    throw new RZeroError('DatabaseNotMigrated', 'The database lacks migrations that this version needs.', {
      fix: 'Run `npx r-zero migrate`.',
    });
  }
}

export async function readState(connection: pg.Pool | pg.PoolClient): Promise<SchemaState> {
  const journal = await readJournal();
  const code = Math.max(0, ...journal.map((entry) => entry.when));
  const exists = await connection.query<{ found: boolean }>('select to_regclass($1) is not null as found', [
    `${BOOKKEEPING}.applied`,
  ]);
  if (!exists.rows[0]?.found) return { database: 0, code };
  const newest = await connection.query<{ newest: string | null }>(
    `select max(created_at) as newest from ${BOOKKEEPING}.applied`,
  );
  return { database: Number(newest.rows[0]?.newest ?? 0), code };
}

function refuseNewer(state: SchemaState): void {
  if (state.database > state.code) {
    throw new RZeroError('DatabaseNewer', 'The database was migrated by a newer version of temporal-r-zero.', {
      fix: 'Upgrade this installation, or point DATABASE_URL at another database. Nothing was changed.',
    });
  }
}

async function readJournal(): Promise<{ when: number }[]> {
  const journal = JSON.parse(await readFile(`${MIGRATIONS}/meta/_journal.json`, 'utf8')) as {
    entries: { when: number }[];
  };
  return journal.entries;
}

async function presentRoles(client: pg.PoolClient): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    'select rolname as name from pg_roles where rolname = any($1) order by 1',
    [ROLES],
  );
  return rows.map(({ name }) => name);
}

async function applyRepeatable(client: pg.PoolClient): Promise<void> {
  const files = (await readdir(VIEWS)).filter((name) => name.endsWith('.sql')).sort();
  const script = (await Promise.all(files.map((name) => readFile(`${VIEWS}/${name}`, 'utf8')))).join('\n');
  const { database } = await readState(client);
  // Once an administrator has made a role it has to be given its rights; and views show the columns that there were when they were made.
  const digest = async (): Promise<string> =>
    createHash('sha256')
      .update(`${script}\n${database}\n${(await presentRoles(client)).join()}`)
      .digest('hex');
  await client.query(
    `create table if not exists ${BOOKKEEPING}.repeatable (name text primary key, hash text not null)`,
  );
  const known = await client.query<{ hash: string }>(`select hash from ${BOOKKEEPING}.repeatable where name = 'views'`);
  if (known.rows[0]?.hash === (await digest())) return;
  const views = [...script.matchAll(/^create view (r_zero\.\w+)/gm)].map((match) => match[1]).toReversed();
  await client.query('begin');
  try {
    await client.query(`set local lock_timeout = '60s'`);
    // No cascade: a view that somebody built on ours is not ours to drop.
    if (views.length > 0) await client.query(`drop view if exists ${views.join(', ')}`);
    await client.query(script);
    await client.query(
      `insert into ${BOOKKEEPING}.repeatable (name, hash) values ('views', $1) on conflict (name) do update set hash = excluded.hash`,
      [await digest()],
    );
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    if ((error as { code?: unknown }).code !== DEPENDENTS) throw error;
    throw new RZeroError(
      'DatabaseNotMigrated',
      `Views of your own stand on views of r_zero: ${(error as { detail?: string }).detail ?? ''}`,
      {
        fix: 'Drop them, migrate, and create them again.',
        cause: error,
      },
    );
  }
}
