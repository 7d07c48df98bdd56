/** A real Postgres for tests: one server a test file, one migrated database a call. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import type pg from 'pg';
import { openPool } from '../../db/client.ts';
import { migrate } from '../../db/migrate.ts';
import { destroyStack } from '../../infra/dev-stack/index.ts';
import { startPostgres } from './postgres-server.ts';

let server: Promise<string> | undefined;
const cleanups: (() => Promise<unknown>)[] = [];

// At the top level of the importing file: a hook set inside a test would run at that test's end.
after(async () => {
  for (const cleanup of cleanups.toReversed()) await cleanup();
});

async function startServer(): Promise<string> {
  const dataDir = mkdtempSync(join(tmpdir(), 'r-zero-test-postgres-'));
  cleanups.push(() => destroyStack(dataDir));
  const url = await startPostgres(dataDir);
  const admin = openPool(url);
  // No test here cuts the power, and waiting for the disk at each commit is much of the time of small statements.
  for (const setting of ['fsync', 'full_page_writes']) await admin.query(`alter system set ${setting} = off`);
  await admin.query('select pg_reload_conf()');
  await admin.end();
  return url;
}

export interface TestDatabase {
  url: string;
  pool: pg.Pool;
}

/** A database of its own; dropped with the server when the test file ends. */
export async function createDatabase(options: { migrated?: boolean } = {}): Promise<TestDatabase> {
  server ??= startServer();
  const base = await server;
  const admin = openPool(base);
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await admin.query(`create database ${name}`);
  await admin.end();
  const url = new URL(base);
  url.pathname = `/${name}`;
  const pool = openPool(url.href);
  cleanups.push(() => pool.end());
  if (options.migrated ?? true) await migrate(pool);
  return { url: url.href, pool };
}
