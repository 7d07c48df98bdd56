import { randomBytes, randomUUID } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { RZeroError } from '../../activities/errors.ts';
import { asStorageError } from '../setup/file-errors.ts';
import { ensurePostgresBinaries } from '../setup/postgres-binaries.ts';
import type { PostgresBinaries } from '../setup/postgres-binaries.ts';
import { identify, isAlive, processesWorkingIn } from '../setup/process-identity.ts';
import type { ProcessIdentity } from '../setup/process-identity.ts';
import { formatBytes } from '../setup/progress.ts';
import { explainFailure, runCommand, succeeded } from '../setup/run-command.ts';
import { isReachableBy, rootOwnedStore } from '../setup/server-account.ts';
import { canConnect, ensureDatabase, USER } from './postgres-connection.ts';
import { choosePort, mayStay } from './ports.ts';
import { endProcess, startServer, waitUntil } from './server-process.ts';
import type { OnStackEvent } from './stack-events.ts';
import { readPassword, writeAtomically } from './stack-state.ts';
import type { PostgresState, StackPaths } from './stack-state.ts';

export interface PostgresRequest {
  paths: StackPaths;
  remembered: PostgresState | undefined;
  env: NodeJS.ProcessEnv;
  onEvent: OnStackEvent;
  /** Called as soon as a fact is worth remembering, so that a crash of this process loses nothing. */
  remember: (state: PostgresState) => void;
}

export interface RunningPostgres {
  databaseUrl: string;
  process: ProcessIdentity;
  stop(): Promise<void>;
}

const START_TIMEOUT_MS = 60_000;
const CLUSTER_BYTES = 200_000_000;

/** A running embedded Postgres with the database `r_zero`: the one that runs already, or a new one. */
export async function ensurePostgresServer(request: PostgresRequest): Promise<RunningPostgres> {
  const { paths, onEvent } = request;
  const password = readPassword(paths);
  const { remembered, env } = request;
  if (remembered?.process && password !== undefined && isAlive(remembered.process)) {
    const { port, process } = remembered;
    const stays = await mayStay('R_ZERO_POSTGRES_PORT', env, port);
    const answers = () => canConnect({ port, password });
    if (stays && (await waitUntil(answers, { timeoutMs: 10_000, stopWhen: () => !isAlive(process) }))) {
      onEvent({ component: 'postgres', state: 'reused', message: `Postgres is already running on port ${port}.` });
      return running(request, { port, password, process });
    }
    const why = stays ? 'does not answer' : 'is to use another port';
    onEvent({
      component: 'postgres',
      state: 'restarting',
      message: `Postgres (process ${process.pid}) ${why}; restarting it.`,
    });
    await stopPostgres(process);
  }
  const binaries = await ensurePostgresBinaries(request.env);
  const directory = locateCluster(paths, request.remembered, binaries);
  const secret = await ensureCluster(request, binaries, directory);
  await clearTheWay(request, directory);
  return launch(request, binaries, directory, secret);
}

async function launch(
  request: PostgresRequest,
  binaries: PostgresBinaries,
  directory: string,
  password: string,
): Promise<RunningPostgres> {
  const { paths, env, onEvent, remember } = request;
  const logFile = join(paths.logs, 'postgres.log');
  const deadline = Date.now() + START_TIMEOUT_MS;
  let remembered = request.remembered?.port;
  for (;;) {
    const port = await choosePort({
      variable: 'R_ZERO_POSTGRES_PORT',
      env,
      remembered,
      taken: [],
      onMoved: (from, to) =>
        onEvent({
          component: 'postgres',
          state: 'moved',
          message: `Port ${from} is in use by another program; Postgres moves to port ${to}.`,
        }),
    });
    onEvent({ component: 'postgres', state: 'starting', message: `Starting Postgres on port ${port}.` });
    const server = await startServer({
      program: binaries.postgres,
      args: [
        '-D',
        directory,
        '-c',
        `port=${port}`,
        '-c',
        'listen_addresses=127.0.0.1',
        '-c',
        'unix_socket_directories=',
      ],
      env: serverEnvironment(env),
      cwd: directory,
      logFile,
      account: binaries.account,
    });
    remember({ port, directory, process: server.identity });
    const ready = await waitUntil(() => canConnect({ port, password }), {
      timeoutMs: Math.max(1_000, deadline - Date.now()),
      stopWhen: () => server.ended() !== undefined,
      onSlow: (seconds) =>
        onEvent({
          component: 'postgres',
          state: 'waiting',
          message: `Still waiting for Postgres (${seconds} s); after a crash it repairs its files first.`,
        }),
    });
    if (ready) {
      await ensureDatabase({ port, password });
      onEvent({ component: 'postgres', state: 'ready', message: `Postgres is ready on port ${port}.` });
      return running(request, { port, password, process: server.identity });
    }
    const log = server.log();
    const retry = server.ended() !== undefined && Date.now() < deadline;
    if (retry && /could not bind|Address already in use/i.test(log)) {
      remembered = undefined;
      continue;
    }
    if (retry && /pre-existing shared memory block/.test(log)) {
      onEvent({ component: 'postgres', state: 'waiting', message: 'A query of the former Postgres is still ending.' });
      await clearTheWay(request, directory);
      continue;
    }
    await endProcess(server.identity, [
      { signal: 'SIGINT', waitMs: 5_000 },
      { signal: 'SIGQUIT', waitMs: 5_000 },
    ]);
    throw startFailure(log, server.ended(), logFile);
  }
}

function running(
  request: PostgresRequest,
  { port, password, process }: { port: number; password: string; process: ProcessIdentity },
): RunningPostgres {
  return {
    databaseUrl: `postgresql://${USER}:${password}@127.0.0.1:${port}/${USER}`,
    process,
    async stop() {
      request.onEvent({ component: 'postgres', state: 'stopping', message: 'Stopping Postgres.' });
      await stopPostgres(process);
      request.onEvent({ component: 'postgres', state: 'stopped', message: 'Postgres has stopped.' });
    },
  };
}

/** Fast shutdown (clients are disconnected, everything is written), then immediate; never SIGKILL, which skips recovery marks. */
export async function stopPostgres(process: ProcessIdentity): Promise<void> {
  const ended = await endProcess(process, [
    { signal: 'SIGINT', waitMs: 30_000 },
    { signal: 'SIGQUIT', waitMs: 10_000 },
  ]);
  if (!ended)
    throw new RZeroError('Internal', `Postgres (process ${process.pid}) does not stop.`, {
      fix: 'Look at logs/postgres.log in the data directory.',
    });
}

function locateCluster(
  paths: StackPaths,
  remembered: PostgresState | undefined,
  { account }: PostgresBinaries,
): string {
  if (remembered && existsSync(join(remembered.directory, 'PG_VERSION'))) return remembered.directory;
  if (existsSync(join(paths.cluster, 'PG_VERSION'))) return paths.cluster;
  if (!account) return paths.cluster;
  // The data directory is ours, so it may be opened for passing through; folders above it are the user's.
  chmodSync(paths.dataDir, statSync(paths.dataDir).mode | 0o011);
  if (isReachableBy(paths.dataDir, account)) return paths.cluster;
  return join(rootOwnedStore(), `cluster-${randomUUID()}`);
}

/** Creates the cluster with a generated password, complete or not at all, and returns the password. */
async function ensureCluster(request: PostgresRequest, binaries: PostgresBinaries, directory: string): Promise<string> {
  const { paths, onEvent, env } = request;
  const known = readPassword(paths);
  if (existsSync(join(directory, 'PG_VERSION'))) {
    if (known !== undefined) return known;
    throw new RZeroError(
      'SetupFailed',
      `${paths.password} is missing, but the Postgres cluster it belongs to exists.`,
      {
        fix: 'Restore the file, or use another data directory (--data-dir).',
      },
    );
  }
  requireSpace(dirname(directory));
  onEvent({ component: 'postgres', state: 'starting', message: 'Creating the Postgres database files (once).' });
  const password = randomBytes(24).toString('base64url');
  const draft = `${directory}.part-${randomUUID()}`;
  const passwordFile = `${draft}.password`;
  try {
    for (const name of readdirSync(dirname(directory))) {
      if (name.startsWith(`${directory.slice(dirname(directory).length + 1)}.part-`))
        rmSync(join(dirname(directory), name), { recursive: true, force: true });
    }
    mkdirSync(draft, { mode: 0o700 });
    writeFileSync(passwordFile, password, { mode: 0o600 });
    if (binaries.account)
      for (const path of [draft, passwordFile]) chownSync(path, binaries.account.uid, binaries.account.gid);
    const result = await runCommand(
      binaries.initdb,
      ['-D', draft, '-U', USER, '-E', 'UTF8', '--locale=C', '--auth=scram-sha-256', `--pwfile=${passwordFile}`],
      { env: serverEnvironment(env), cwd: draft, timeoutMs: 120_000, account: binaries.account },
    );
    if (!succeeded(result)) {
      const full = /No space left/.test(result.stderr + result.stdout);
      throw new RZeroError(
        full ? 'DiskFull' : 'SetupFailed',
        `Creating the Postgres cluster in ${directory} failed (${explainFailure(result)}).`,
        {
          fix: full
            ? 'Free some space and start again.'
            : 'Start again, or set DATABASE_URL to use a Postgres of your own.',
        },
      );
    }
    // Password first: a cluster whose password is lost cannot be opened, a password without a cluster is replaced.
    writeAtomically(paths.password, `${password}\n`, 0o600);
    renameSync(draft, directory);
  } catch (error) {
    throw asStorageError(error, directory);
  } finally {
    rmSync(draft, { recursive: true, force: true });
    rmSync(passwordFile, { force: true });
  }
  return password;
}

function requireSpace(path: string): void {
  const { bavail, bsize } = statfsSync(path);
  if (bavail * bsize >= CLUSTER_BYTES) return;
  throw new RZeroError(
    'DiskFull',
    `Only ${formatBytes(bavail * bsize)} are free at ${path}; the database needs ${formatBytes(CLUSTER_BYTES)} to start with.`,
    {
      fix: 'Free some space, or choose another folder with --data-dir or R_ZERO_DATA_DIR.',
    },
  );
}

/**
 * Ends what is left of a former server on this cluster. A postmaster that runs but does not answer is stopped; backends
 * that outlived a killed one are ended, because Postgres rightly refuses to start beside them. A pid file is removed only when no
 * process works in the cluster any more: then its pid can only be a reused number, at which Postgres would stop.
 */
async function clearTheWay({ onEvent }: PostgresRequest, directory: string): Promise<void> {
  const pidFile = join(directory, 'postmaster.pid');
  if (!existsSync(pidFile)) return;
  const postmaster = Number(readFileSync(pidFile, 'utf8').split('\n')[0]);
  if (process.platform !== 'linux') return;
  const survivors = () =>
    processesWorkingIn(realpathSync(directory), () => readdirSync('/proc'), readlinkSync)
      .map((pid) => identify(pid))
      .filter((identity) => identity !== undefined);
  const lead = survivors().find(({ pid }) => pid === postmaster);
  if (lead) {
    onEvent({
      component: 'postgres',
      state: 'restarting',
      message: `Postgres (process ${lead.pid}) runs but does not answer; restarting it.`,
    });
    await stopPostgres(lead);
  }
  for (const orphan of survivors())
    await endProcess(orphan, [
      { signal: 'SIGTERM', waitMs: 5_000 },
      { signal: 'SIGQUIT', waitMs: 5_000 },
    ]);
  const left = survivors().map(({ pid }) => pid);
  if (left.length > 0) {
    throw new RZeroError('SetupFailed', `Processes of a former Postgres do not end: ${left.join(', ')}.`, {
      fix: `End them with: kill -9 ${left.join(' ')}`,
    });
  }
  rmSync(pidFile, { force: true });
}

function startFailure(log: string, ended: string | undefined, logFile: string): RZeroError {
  if (/No space left on device/.test(log))
    return new RZeroError('DiskFull', 'Postgres cannot start: no space is left on its disk.', {
      fix: 'Free some space and start again; nothing is lost.',
    });
  const reason =
    log.split('\n').findLast((line) => /FATAL|PANIC|error while loading/.test(line)) ?? 'it does not answer';
  return new RZeroError('SetupFailed', `Postgres did not start (${ended ?? 'time-out'}): ${reason.trim()}.`, {
    fix: `See ${logFile}, or set DATABASE_URL to use a Postgres of your own.`,
  });
}

/** Settings of the user's own Postgres clients (PGDATA, PGPORT, PGOPTIONS, …) must not reach our server. */
function serverEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(([name]) => !name.startsWith('PG') && name !== 'DATABASE_URL');
  return { ...Object.fromEntries(kept), LC_ALL: 'C', TZ: 'UTC' };
}
