import { Client } from 'pg';
import type { ClientConfig } from 'pg';
import { RZeroError } from '../../activities/errors.ts';

/** Role and database of the embedded Postgres. */
export const USER = 'r_zero';

export interface LocalPostgres {
  port: number;
  password: string;
  database?: string;
}

async function withClient<T>(options: ClientConfig, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionTimeoutMillis: 5_000, query_timeout: 10_000, ...options });
  // A server that goes away mid-query also emits 'error', which would end the process; the query itself rejects as well.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

function localConfig({ port, password, database = 'postgres' }: LocalPostgres): ClientConfig {
  // Every field is given, so that PGHOST, PGSSLMODE and the like of the user's shell do not take part.
  return { host: '127.0.0.1', port, user: USER, password, database, ssl: false };
}

/** True when this server, with this password, answers a query: a stranger on the same port does not pass. */
export async function canConnect(local: LocalPostgres): Promise<boolean> {
  try {
    return await withClient(localConfig(local), async (client) => (await client.query('select 1')).rowCount === 1);
  } catch {
    // Not up yet, still recovering, or not ours: the caller decides by how long it waits.
    return false;
  }
}

export async function ensureDatabase(local: LocalPostgres): Promise<void> {
  await withClient(localConfig(local), async (client) => {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [USER]);
    if (rowCount === 0) await client.query(`create database ${USER}`);
  });
}

/** Checks a database the user named. Fails with `DatabaseUnreachable`; the message never holds the password. */
export async function checkExternalDatabase(databaseUrl: string): Promise<void> {
  // The driver would take any other text for the name of a database on a host called "base".
  if (!/^postgres(ql)?:\/\//.test(databaseUrl)) {
    throw new RZeroError('DatabaseUnreachable', 'DATABASE_URL is not a Postgres connection string.', {
      fix: 'Write it as postgresql://user:password@host:5432/database, or unset it to use the embedded Postgres.',
      field: 'DATABASE_URL',
    });
  }
  try {
    await withClient({ connectionString: databaseUrl }, (client) => client.query('select 1'));
  } catch (error) {
    throw new RZeroError(
      'DatabaseUnreachable',
      `The database in DATABASE_URL (${redact(databaseUrl)}) does not answer: ${reason(error)}.`,
      {
        fix: 'Start it or correct DATABASE_URL, or unset DATABASE_URL to use the embedded Postgres.',
        field: 'DATABASE_URL',
        // No cause: driver errors may carry the connection's options.
      },
    );
  }
}

function reason(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reason).join(', ');
  return error instanceof Error ? error.message || error.name : String(error);
}

/** A connection string fit for logs: the password is replaced. */
export function redact(databaseUrl: string): string {
  try {
    const url = new URL(databaseUrl);
    if (url.password !== '') url.password = '***';
    for (const name of Array.from(url.searchParams.keys()))
      if (/password/i.test(name)) url.searchParams.set(name, '***');
    return url.toString();
  } catch {
    // Not a URL: it may still hold a password, so nothing of it is shown.
    return 'not a URL';
  }
}
