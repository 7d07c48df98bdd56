/** Where the servers are, for commands that use a running stack instead of starting one. */
import { RZeroError } from '../../activities/errors.ts';
import { canConnect, checkExternalDatabase } from '../dev-stack/postgres-connection.ts';
import { connectionString } from '../dev-stack/index.ts';
import { readPassword, readStackState, stackPaths } from '../dev-stack/stack-state.ts';
import { checkExternalTemporal, externalTemporal, temporalAnswers } from '../dev-stack/temporal-connection.ts';
import type { ROLES } from '../../db/migrate.ts';
import type { TemporalTarget } from '../temporal-connection.ts';

/** The dev server's own. */
const NAMESPACE = 'default';
const START_ONE = 'Run `npx r-zero up` in another terminal, or name its data directory with --data-dir.';

export interface Endpoints {
  /** Holds the password: never logged. */
  databaseUrl: string;
  /** For `connect`; empty when TEMPORAL_* variables or a profile say where the server is. */
  temporal: TemporalTarget;
  address: string;
  /** Undefined for a server of the user's own. */
  uiUrl: string | undefined;
}

/**
 * The servers that TEMPORAL_* and DATABASE_URL name, else the running ones of the data directory. Fails with
 * `TemporalUnreachable` or `DatabaseUnreachable` when nothing answers there.
 */
export async function locateStack(dataDir: string, env: NodeJS.ProcessEnv = process.env): Promise<Endpoints> {
  const external = externalTemporal(env);
  const { temporal } = readStackState(stackPaths(dataDir));
  if (external) {
    await checkExternalTemporal(external);
  } else if (!temporal || !(await temporalAnswers(`127.0.0.1:${temporal.port}`, NAMESPACE))) {
    throw new RZeroError('TemporalUnreachable', `No Temporal server runs for ${stackPaths(dataDir).dataDir}.`, {
      fix: START_ONE,
    });
  }
  if (!(await databaseAnswers(dataDir, env))) {
    throw new RZeroError('DatabaseUnreachable', `No Postgres runs for ${stackPaths(dataDir).dataDir}.`, {
      fix: START_ONE,
    });
  }
  const databaseUrl = connectionString(dataDir, env);
  if (external) return { databaseUrl, temporal: {}, address: external.address, uiUrl: undefined };
  const address = `127.0.0.1:${temporal?.port}`;
  return {
    databaseUrl,
    temporal: { address, namespace: NAMESPACE },
    address,
    uiUrl: temporal ? `http://127.0.0.1:${temporal.uiPort}` : undefined,
  };
}

/** True when the data directory's Postgres answers. Throws for a DATABASE_URL that does not. */
export async function databaseAnswers(dataDir: string, env: NodeJS.ProcessEnv = process.env): Promise<boolean> {
  if (env['DATABASE_URL']) {
    await checkExternalDatabase(env['DATABASE_URL']);
    return true;
  }
  const paths = stackPaths(dataDir);
  const { postgres } = readStackState(paths);
  const password = readPassword(paths);
  return postgres !== undefined && password !== undefined && (await canConnect({ port: postgres.port, password }));
}

/** Environment of a worker for these servers: ours are named outright, the user's own settings are passed on. */
export function workerEnvironment(
  servers: { databaseUrl: string; dataDir: string; temporal: TemporalTarget },
  env: NodeJS.ProcessEnv = process.env,
): NodeJS.ProcessEnv {
  const { address, namespace } = servers.temporal;
  // Settings of another server (an API key switches TLS on) must not leak into a connection to ours.
  const inherited = address
    ? Object.entries(env).filter(([name]) => !name.startsWith('TEMPORAL_'))
    : Object.entries(env);
  return {
    ...Object.fromEntries(inherited),
    // A server of the user's own says itself what a worker may.
    DATABASE_URL: env['DATABASE_URL'] ? servers.databaseUrl : asRole(servers.databaseUrl, 'r_zero_app'),
    R_ZERO_DATA_DIR: stackPaths(servers.dataDir).dataDir,
    ...(address ? { TEMPORAL_ADDRESS: address } : {}),
    ...(address && namespace ? { TEMPORAL_NAMESPACE: namespace } : {}),
  };
}

/** The same connection with the rights of a role, which the user must be a member of (db/views/95-roles.sql). */
export function asRole(databaseUrl: string, role: (typeof ROLES)[number]): string {
  return `${databaseUrl}${databaseUrl.includes('?') ? '&' : '?'}options=${encodeURIComponent(`-c role=${role}`)}`;
}
