/** Postgres for commands that need nothing else: the running one, or one started for as long as the command takes. */
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { RZeroError } from '../../activities/errors.ts';
import { openPool } from '../../db/client.ts';
import { acquireStackLock, connectionString } from '../dev-stack/index.ts';
import type { StackLock } from '../dev-stack/index.ts';
import { ensurePostgresServer } from '../dev-stack/postgres-server.ts';
import type { OnStackEvent } from '../dev-stack/stack-events.ts';
import { prepareDataDir, readStackState, writeStackState } from '../dev-stack/stack-state.ts';
import { waitForLock } from '../setup/file-lock.ts';
import { databaseAnswers } from './endpoints.ts';

const LOCK_WAIT_MS = 90_000;
/** How long another process that starts the stack may take until its Postgres answers. */
const OTHERS_START_MS = 60_000;

export interface DatabaseAccess {
  /** Holds the password: never logged. */
  url: string;
  pool: pg.Pool;
}

export interface DatabaseOptions {
  dataDir: string;
  onEvent: OnStackEvent;
  /** Creates the database when the data directory has none; else that is `DatabaseUnreachable`. @default false */
  create?: boolean;
  env?: NodeJS.ProcessEnv;
}

export async function withDatabase<T>(
  options: DatabaseOptions,
  work: (access: DatabaseAccess) => Promise<T>,
): Promise<T> {
  const { dataDir, env = process.env } = options;
  if (!options.create) connectionString(dataDir, env);
  const stop = (await databaseAnswers(dataDir, env)) ? undefined : await startOrAwait(options);
  const url = connectionString(dataDir, env);
  const pool = openPool(url);
  try {
    return await work({ url, pool });
  } finally {
    await pool.end();
    await stop?.();
  }
}

/** @returns how to stop what was started here; undefined when another process brought Postgres up meanwhile. */
async function startOrAwait(options: DatabaseOptions): Promise<(() => Promise<void>) | undefined> {
  let owner: StackLock;
  try {
    // As its owner nobody starts a worker on a server that is about to be stopped.
    owner = await acquireStackLock(options.dataDir);
  } catch (error) {
    if (!(error instanceof RZeroError) || error.code !== 'StackBusy') throw error;
    const deadline = Date.now() + OTHERS_START_MS;
    while (Date.now() < deadline) {
      if (await databaseAnswers(options.dataDir, options.env)) return undefined;
      await sleep(300);
    }
    throw error;
  }
  try {
    const server = await start(options);
    return async () => {
      try {
        await server.stop();
      } finally {
        owner.release();
      }
    };
  } catch (error) {
    owner.release();
    throw error;
  }
}

async function start({ dataDir, onEvent, env = process.env }: DatabaseOptions) {
  const paths = prepareDataDir(dataDir);
  const lock = await waitForLock(paths.changeLock, { waitMs: LOCK_WAIT_MS });
  try {
    const state = readStackState(paths);
    return await ensurePostgresServer({
      paths,
      remembered: state.postgres,
      env,
      onEvent,
      remember: (postgres) => writeStackState(paths, Object.assign(state, { postgres })),
    });
  } finally {
    lock.release();
  }
}
