import pg from 'pg';
import { RZeroError } from '../activities/errors.ts';
import { watchConnections } from './silent-connections.ts';

/** SQLSTATE and socket codes that mean "the server is not there now", as opposed to "the statement is wrong". */
const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'ETIMEDOUT',
  'EPIPE',
  '57P01', // admin_shutdown: pg_terminate_backend, too
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now
  '08000',
  '08003',
  '08006',
  '53300', // too_many_connections
  '3D000', // no such database: it is being put back, perhaps
]);
const DISK_FULL = '53100';
const READ_TIMEOUT = /^Query read timeout$/;
/** What a connection is refused with that is to have the rights of a role which no migration has made yet. */
const NO_ROLE = /^role "(r_zero_\w+)" does not exist$/;

/** @param database connection string, or a `pg` pool configuration. */
export function openPool(database: string | pg.PoolConfig): pg.Pool {
  const config: pg.PoolConfig = typeof database === 'string' ? { connectionString: database } : database;
  const settings: pg.PoolConfig = {
    application_name: 'r-zero',
    max: 8,
    connectionTimeoutMillis: 15_000,
    // A half-open connection must not hold an activity for ever, nor a dead client a lock.
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    query_timeout: 15 * 60_000,
    idle_in_transaction_session_timeout: 5 * 60_000,
    ...config,
  };
  const pool = new pg.Pool(settings);
  watchConnections(pool, settings);
  // Without listeners a connection's end would bring the whole worker down, whether it is idle or in use: in use, the
  // statement under way fails, which is all that anybody has to know.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/** Rows of one statement; failures as ours. */
export async function select<T extends pg.QueryResultRow>(
  connection: pg.Pool | pg.PoolClient,
  statement: string,
  values: readonly unknown[],
): Promise<T[]> {
  try {
    return (await connection.query<T>(statement, [...values])).rows;
  } catch (error) {
    throw asDatabaseError(error);
  }
}

/** Turns driver errors into ours where the reader can do something about them; leaves the rest as they are. */
export function asDatabaseError(error: unknown): unknown {
  if (error instanceof RZeroError) return error;
  const code = codeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  if (code === DISK_FULL) {
    return new RZeroError('DiskFull', 'Postgres has no disk space left.', {
      fix: 'Free space on the database volume, then resume the run.',
      cause: error,
    });
  }
  if (READ_TIMEOUT.test(message)) {
    return new RZeroError('DatabaseUnreachable', 'Postgres has not answered a statement in time.', {
      fix: 'Check the server, its locks and the network; the unit is tried again.',
      cause: error,
    });
  }
  const [, role] = NO_ROLE.exec(message) ?? [];
  if (role !== undefined) {
    return new RZeroError('DatabaseNotMigrated', `The database server has no role "${role}".`, {
      fix: 'Run `npx r-zero migrate`, as a user who may create roles, or connect without it.',
      cause: error,
    });
  }
  if (
    (code && UNREACHABLE.has(code)) ||
    /Connection terminated|timeout exceeded when trying to connect|is not queryable|not currently accepting connections/.test(
      message,
    )
  ) {
    return new RZeroError('DatabaseUnreachable', `Postgres cannot be reached (${code ?? message}).`, {
      fix: 'Check that the server runs and that DATABASE_URL is right.',
      cause: error,
    });
  }
  return error;
}

function codeOf(error: unknown): string | undefined {
  let current: unknown = error;
  for (let depth = 0; depth < 5 && typeof current === 'object' && current !== null; depth++) {
    const { code, cause, errors } = current as { code?: unknown; cause?: unknown; errors?: unknown[] };
    if (typeof code === 'string') return code;
    current = cause ?? errors?.[0];
  }
  return undefined;
}

/** Runs `work` in one transaction; rolls back and rethrows on any failure. */
export async function transaction<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  let client: pg.PoolClient | undefined;
  let broken = false;
  try {
    client = await pool.connect();
    await client.query('begin');
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    // A connection that cannot even roll back, or still waits for an answer, is not given back to the pool; the server rolls
    // back by itself.
    if (error instanceof Error && READ_TIMEOUT.test(error.message)) broken = true;
    else await client?.query('rollback').catch(() => (broken = true));
    throw asDatabaseError(error);
  } finally {
    client?.release(broken);
  }
}
