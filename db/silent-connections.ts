/**
 * Finds connections that are open on this side only: a firewall forgot them, a cable was pulled, a server was moved. No packet
 * says so, TCP's own keep-alive may be answered by something in between, and a time limit that lets the longest statement
 * end would hold a unit for many minutes. So when an answer takes long, the server is asked over another connection whether
 * it is still at work on it. If not, the connection is given up on both sides: what waits for the answer fails and is tried
 * again, and no lock of the lost half stands in its way.
 */
import pg from 'pg';

/** How long a statement may go without a byte of an answer before the server is asked about it. */
const SILENCE_MS = 10_000;
const LOOK_MS = 2_500;
/** Given up without having been able to ask, when the server cannot be reached anew either. */
const UNREACHABLE_MS = 60_000;
/** An answer that the server has given this long ago has arrived, or never will. */
const ON_ITS_WAY_SECONDS = 2;

/** What `pg` does not declare of its clients. */
interface ClientInside {
  readyForQuery: boolean;
  processID: number;
  connection: { stream: { bytesRead: number; destroy(error: Error): void } };
}

interface Seen {
  bytesRead: number;
  /** Since when nothing has come, on `performance`'s clock. */
  since: number;
}

/**
 * Watches the connections of a pool for as long as it has any.
 *
 * @param config how to reach the same server
 */
export function watchConnections(pool: pg.Pool, config: pg.PoolConfig): void {
  const watched = new Map<ClientInside, Seen>();
  let timer: NodeJS.Timeout | undefined;
  let looking = false;

  const look = async (): Promise<void> => {
    const now = performance.now();
    for (const [client, seen] of watched) {
      const { bytesRead } = client.connection.stream;
      if (client.readyForQuery || bytesRead !== seen.bytesRead) watched.set(client, { bytesRead, since: now });
    }
    const silent = [...watched].filter(([, seen]) => now - seen.since > SILENCE_MS);
    if (silent.length === 0 || looking) return;
    looking = true;
    const lost = await askAbout(
      silent.map(([client]) => client.processID),
      config,
    );
    looking = false;
    for (const [client, seen] of silent) {
      const isLost = lost ? lost.includes(client.processID) : now - seen.since > UNREACHABLE_MS;
      const isStillSilent = watched.get(client) === seen;
      if (isLost && isStillSilent) client.connection.stream.destroy(lostError());
    }
  };

  pool.on('connect', (connected) => {
    const client = connected as unknown as ClientInside;
    watched.set(client, { bytesRead: 0, since: performance.now() });
    timer ??= setInterval(() => void look(), LOOK_MS).unref();
  });
  pool.on('remove', (removed) => {
    watched.delete(removed as unknown as ClientInside);
    if (watched.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  });
}

/**
 * Ends the server's half of those that it is not at work on.
 *
 * @param pids of the server's processes, one a connection
 * @returns which are not at work any more, or not there; undefined when the server cannot be asked
 */
async function askAbout(pids: readonly number[], config: pg.PoolConfig): Promise<number[] | undefined> {
  const client = new pg.Client({ ...config, connectionTimeoutMillis: LOOK_MS, query_timeout: LOOK_MS });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ own: number; busy: number[] }>(
      `with ended as (
         select pg_terminate_backend(pid) from pg_stat_activity
         where pid = any ($1) and state like 'idle%' and state_change < now() - make_interval(secs => $2))
       select pg_backend_pid() as own,
              array(select pid from pg_stat_activity
                    where pid = any ($1) and not (state like 'idle%' and state_change < now() - make_interval(secs => $2))) as busy,
              (select count(*) from ended) as ended`,
      [pids, ON_ITS_WAY_SECONDS],
    );
    const { own, busy } = rows[0]!;
    // A pooler in between has numbers of its own, which say nothing.
    if (own !== (client as unknown as ClientInside).processID) return [];
    return pids.filter((pid) => !busy.includes(pid));
  } catch (error) {
    // It answers, and has no place for one more.
    return (error as { code?: unknown }).code === '53300' ? [] : undefined;
  } finally {
    void client.end().catch(() => undefined);
  }
}

function lostError(): Error {
  return Object.assign(new Error('The connection to Postgres was lost without a word.'), { code: 'ETIMEDOUT' });
}
