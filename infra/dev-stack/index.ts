import { rmSync } from 'node:fs';
import { RZeroError } from '../../activities/errors.ts';
import { asStorageError } from '../setup/file-errors.ts';
import { tryLock, waitForLock } from '../setup/file-lock.ts';
import type { FileLock } from '../setup/file-lock.ts';
import { checkExternalDatabase } from './postgres-connection.ts';
import { ensurePostgresServer, stopPostgres } from './postgres-server.ts';
import type { OnStackEvent } from './stack-events.ts';
import { prepareDataDir, readPassword, readStackState, stackPaths, writeStackState } from './stack-state.ts';
import type { StackPaths, StackState } from './stack-state.ts';
import { checkExternalTemporal, externalTemporal } from './temporal-connection.ts';
import { ensureTemporalServer, stopTemporal } from './temporal-server.ts';

export { redact } from './postgres-connection.ts';
export { isSetupEvent } from './stack-events.ts';
export type { OnStackEvent, StackEvent } from './stack-events.ts';

export interface StackOptions {
  /** Holds the Postgres cluster, Temporal's database file, logs and `stack.json`; created when missing. */
  dataDir: string;
  /** Told what happens, in sentences. @default silent */
  onEvent?: OnStackEvent;
  /**
   * `DATABASE_URL` and `TEMPORAL_*` name servers of the user's own; `R_ZERO_POSTGRES_PORT`, `R_ZERO_TEMPORAL_PORT` and
   * `R_ZERO_TEMPORAL_UI_PORT` fix ports. @default process.env
   */
  env?: NodeJS.ProcessEnv;
}

export interface Stack {
  /** Holds the password: pass it on, never log it (`redact`). */
  databaseUrl: string;
  /** `host:port` */
  temporalAddress: string;
  temporalNamespace: string;
  /** Undefined for a server of the user's own. */
  uiUrl: string | undefined;
  /** Which servers are the user's own; these are neither started nor stopped. */
  external: { postgres: boolean; temporal: boolean };
  /** Shuts down the servers that this data directory owns. They also keep running, and are reused, without it. */
  stop(): Promise<void>;
}

// Above the 60 s that one server may take to start, twice.
const CHANGE_WAIT_MS = 150_000;

/**
 * Brings up Postgres and Temporal, or finds them running. The servers outlive this process: the next start reuses
 * healthy ones and restarts dead ones on the same files. Safe to call from several processes at once.
 * Fails with `DatabaseUnreachable`, `TemporalUnreachable`, `PortInUse`, `DiskFull` or `SetupFailed`.
 */
export async function startStack({
  dataDir,
  onEvent = () => undefined,
  env = process.env,
}: StackOptions): Promise<Stack> {
  const paths = prepareDataDir(dataDir);
  const lock = await waitForLock(paths.changeLock, {
    waitMs: CHANGE_WAIT_MS,
    onWait: ({ owner }) =>
      onEvent({
        component: 'stack',
        state: 'waiting',
        message: `Process ${owner.pid} is starting or stopping the servers; waiting for it.`,
      }),
  });
  try {
    const state = readStackState(paths);
    const remember = (change: Partial<StackState>) => writeStackState(paths, Object.assign(state, change));
    const externalUrl = env['DATABASE_URL'];
    const externalServer = externalTemporal(env);
    // Before anything is started that would then have to be stopped again.
    if (externalUrl) await checkExternalDatabase(externalUrl);
    if (externalServer) await checkExternalTemporal(externalServer);

    const postgres = externalUrl
      ? undefined
      : ensurePostgresServer({
          paths,
          remembered: state.postgres,
          env,
          onEvent,
          remember: (postgres) => remember({ postgres }),
        });
    const temporal = externalServer
      ? undefined
      : ensureTemporalServer({
          paths,
          remembered: state.temporal,
          env,
          onEvent,
          remember: (temporal) => remember({ temporal }),
        });
    // Both are awaited before either failure is thrown: no start goes on behind the caller's back.
    const checks = await Promise.allSettled([postgres, temporal]);
    for (const check of checks) if (check.status === 'rejected') throw check.reason;

    const ownPostgres = await postgres;
    const ownTemporal = await temporal;
    return {
      databaseUrl: ownPostgres?.databaseUrl ?? externalUrl ?? '',
      temporalAddress: ownTemporal?.address ?? externalServer?.address ?? '',
      temporalNamespace: ownTemporal?.namespace ?? externalServer?.namespace ?? 'default',
      uiUrl: ownTemporal?.uiUrl,
      external: { postgres: externalUrl !== undefined && externalUrl !== '', temporal: externalServer !== undefined },
      stop: () => stopServers(paths, onEvent),
    };
  } finally {
    lock.release();
  }
}

/** Stops the servers of a data directory, whoever started them. Does and tells nothing when none runs. */
export async function stopStack({ dataDir, onEvent = () => undefined }: Omit<StackOptions, 'env'>): Promise<void> {
  await stopServers(stackPaths(dataDir), onEvent);
}

async function stopServers(paths: StackPaths, onEvent: OnStackEvent): Promise<void> {
  // On a full disk no lock can be written and no state; the servers must end all the same.
  const lock = await unlessStorageFails(() => waitForLock(paths.changeLock, { waitMs: CHANGE_WAIT_MS }));
  try {
    const state = readStackState(paths);
    const { postgres, temporal } = state;
    if (!postgres?.process && !temporal?.process) return;
    onEvent({ component: 'stack', state: 'stopping', message: 'Stopping the servers.' });
    await Promise.all([
      postgres?.process ? stopPostgres(postgres.process) : undefined,
      temporal?.process ? stopTemporal(temporal.process) : undefined,
    ]);
    delete postgres?.process;
    delete temporal?.process;
    await unlessStorageFails(() => writeStackState(paths, state));
    onEvent({ component: 'stack', state: 'stopped', message: 'The servers have stopped.' });
  } finally {
    lock?.release();
  }
}

/** What is left unwritten then does no harm: a process that is named but dead is recognised by its start mark. */
async function unlessStorageFails<T>(write: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await write();
  } catch (error) {
    const failure = asStorageError(error, '');
    if (failure instanceof RZeroError && (failure.code === 'DiskFull' || failure.code === 'SetupFailed'))
      return undefined;
    throw error;
  }
}

/** Stops the servers and removes every file of the data directory, a cluster kept outside it included. For tests. */
export async function destroyStack(dataDir: string): Promise<void> {
  const paths = stackPaths(dataDir);
  const { postgres } = readStackState(paths);
  await stopServers(paths, () => undefined);
  if (postgres) rmSync(postgres.directory, { recursive: true, force: true });
  rmSync(paths.dataDir, { recursive: true, force: true });
}

export interface StackLock {
  release(): void;
}

/**
 * Makes this process the one owner of a data directory. Fails with `StackBusy`, naming the other process, while that one lives;
 * the lock of a dead process is taken over. Ended by `release` or by the end of the process.
 */
export async function acquireStackLock(dataDir: string): Promise<StackLock> {
  const paths = prepareDataDir(dataDir);
  const attempt = await tryLock(paths.ownerLock);
  if ('lock' in attempt) return releasable(attempt.lock);
  const { owner, since } = attempt.heldBy;
  throw new RZeroError('StackBusy', `Another r-zero (process ${owner.pid}, started ${since}) uses ${paths.dataDir}.`, {
    fix: `Watch that one, end it with Ctrl-C or: kill ${owner.pid}, or use another folder with --data-dir.`,
    field: 'dataDir',
  });
}

function releasable(lock: FileLock): StackLock {
  const atExit = () => lock.release();
  process.once('exit', atExit);
  return {
    release() {
      process.off('exit', atExit);
      lock.release();
    },
  };
}

/**
 * The connection string for `psql`, with the password: `DATABASE_URL`, or the embedded server's of this data directory
 * (running or not). Only for the command that is asked to show it. Fails with `DatabaseUnreachable` before the first start.
 */
export function connectionString(dataDir: string, env: NodeJS.ProcessEnv = process.env): string {
  if (env['DATABASE_URL']) return env['DATABASE_URL'];
  const paths = stackPaths(dataDir);
  const { postgres } = readStackState(paths);
  const password = readPassword(paths);
  if (postgres && password !== undefined) return `postgresql://r_zero:${password}@127.0.0.1:${postgres.port}/r_zero`;
  throw new RZeroError('DatabaseUnreachable', `There is no database in ${paths.dataDir} yet.`, {
    fix: 'Start the stack once (npm start, or r-zero up), or name its folder with --data-dir.',
    field: 'dataDir',
  });
}
