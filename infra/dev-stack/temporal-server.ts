import { dirname, join } from 'node:path';
import { RZeroError } from '../../activities/errors.ts';
import { SEARCH_ATTRIBUTES } from '../../workflows/search-attributes.ts';
import { isAlive } from '../setup/process-identity.ts';
import type { ProcessIdentity } from '../setup/process-identity.ts';
import { runCommand } from '../setup/run-command.ts';
import { ensureTemporalCli } from '../setup/temporal-cli.ts';
import { choosePort, mayStay } from './ports.ts';
import { endProcess, startServer, waitUntil } from './server-process.ts';
import type { OnStackEvent } from './stack-events.ts';
import type { StackPaths, TemporalState } from './stack-state.ts';
import { extendRetention, temporalAnswers } from './temporal-connection.ts';

export interface TemporalRequest {
  paths: StackPaths;
  remembered: TemporalState | undefined;
  env: NodeJS.ProcessEnv;
  onEvent: OnStackEvent;
  remember: (state: TemporalState) => void;
}

export interface RunningTemporal {
  address: string;
  namespace: string;
  uiUrl: string;
  process: ProcessIdentity;
  stop(): Promise<void>;
}

const NAMESPACE = 'default';
const START_TIMEOUT_MS = 60_000;

/** A running Temporal dev server with UI on the data directory's database file: the one that runs already, or a new one. */
export async function ensureTemporalServer(request: TemporalRequest): Promise<RunningTemporal> {
  const { remembered, onEvent, env } = request;
  if (remembered?.process && isAlive(remembered.process)) {
    const { port, uiPort, process } = remembered;
    const stays =
      (await mayStay('R_ZERO_TEMPORAL_PORT', env, port)) && (await mayStay('R_ZERO_TEMPORAL_UI_PORT', env, uiPort));
    const answers = () => temporalAnswers(`127.0.0.1:${port}`, NAMESPACE);
    if (stays && (await waitUntil(answers, { timeoutMs: 10_000, stopWhen: () => !isAlive(process) }))) {
      onEvent({ component: 'temporal', state: 'reused', message: `Temporal is already running on port ${port}.` });
      return running(request, { port, uiPort, process });
    }
    const why = stays ? 'does not answer' : 'is to use another port';
    onEvent({
      component: 'temporal',
      state: 'restarting',
      message: `Temporal (process ${process.pid}) ${why}; restarting it.`,
    });
    await stopTemporal(process);
  }
  return launch(request);
}

async function launch(request: TemporalRequest): Promise<RunningTemporal> {
  const { paths, env, onEvent, remember } = request;
  const cli = await ensureTemporalCli({ env, report: onEvent });
  const supported = await supportedFlags(cli.path, env);
  const logFile = join(paths.logs, 'temporal.log');
  const deadline = Date.now() + START_TIMEOUT_MS;
  let remembered = request.remembered;
  for (;;) {
    const onMoved = (what: string) => (from: number, to: number) =>
      onEvent({
        component: 'temporal',
        state: 'moved',
        message: `Port ${from} is in use by another program; ${what} moves to port ${to}.`,
      });
    const port = await choosePort({
      variable: 'R_ZERO_TEMPORAL_PORT',
      env,
      remembered: remembered?.port,
      taken: [],
      onMoved: onMoved('Temporal'),
    });
    const uiPort = await choosePort({
      variable: 'R_ZERO_TEMPORAL_UI_PORT',
      env,
      remembered: remembered?.uiPort,
      taken: [port],
      onMoved: onMoved('the Temporal UI'),
    });
    onEvent({ component: 'temporal', state: 'starting', message: `Starting Temporal ${cli.version} on port ${port}.` });
    const server = await startServer({
      program: cli.path,
      args: serverArguments(paths.temporalDatabase, port, uiPort, supported),
      env: serverEnvironment(env),
      cwd: dirname(paths.temporalDatabase),
      logFile,
    });
    remember({ port, uiPort, process: server.identity });
    const ready = await waitUntil(() => temporalAnswers(`127.0.0.1:${port}`, NAMESPACE), {
      timeoutMs: Math.max(1_000, deadline - Date.now()),
      stopWhen: () => server.ended() !== undefined,
      onSlow: (seconds) =>
        onEvent({ component: 'temporal', state: 'waiting', message: `Still waiting for Temporal (${seconds} s).` }),
    });
    // A port taken by someone else between choice and start may answer in our server's stead.
    if (ready && server.ended() === undefined) {
      await extendRetention(`127.0.0.1:${port}`, NAMESPACE);
      onEvent({
        component: 'temporal',
        state: 'ready',
        message: `Temporal is ready on port ${port}, its UI on http://127.0.0.1:${uiPort}.`,
      });
      return running(request, { port, uiPort, process: server.identity });
    }
    const log = server.log();
    if (
      server.ended() !== undefined &&
      Date.now() < deadline &&
      /address already in use|port \d+ .*(in use|not free)|can't set frontend/i.test(log)
    ) {
      remembered = undefined;
      continue;
    }
    await stopTemporal(server.identity);
    throw startFailure(log, server.ended(), logFile);
  }
}

function running(request: TemporalRequest, { port, uiPort, process }: Required<TemporalState>): RunningTemporal {
  return {
    address: `127.0.0.1:${port}`,
    namespace: NAMESPACE,
    uiUrl: `http://127.0.0.1:${uiPort}`,
    process,
    async stop() {
      request.onEvent({ component: 'temporal', state: 'stopping', message: 'Stopping Temporal.' });
      await stopTemporal(process);
      request.onEvent({ component: 'temporal', state: 'stopped', message: 'Temporal has stopped.' });
    },
  };
}

/** SIGKILL is safe as a last resort: the SQLite file is in write-ahead mode, and killed servers were seen to lose nothing. */
export async function stopTemporal(process: ProcessIdentity): Promise<void> {
  await endProcess(process, [
    { signal: 'SIGINT', waitMs: 15_000 },
    { signal: 'SIGTERM', waitMs: 5_000 },
    { signal: 'SIGKILL', waitMs: 5_000 },
  ]);
}

function serverArguments(
  databaseFile: string,
  port: number,
  uiPort: number,
  supported: (flag: string) => boolean,
): string[] {
  const place = ['--db-filename', databaseFile, '--namespace', NAMESPACE];
  const listen = ['--ip', '127.0.0.1', '--port', String(port), '--ui-ip', '127.0.0.1', '--ui-port', String(uiPort)];
  // Five times the throughput of SQLite's defaults; NORMAL can lose the last transactions on power loss, not on a crash.
  const pragmas = ['--sqlite-pragma', 'journal_mode=WAL', '--sqlite-pragma', 'synchronous=NORMAL'];
  const optional = supported('--ui-disable-news-fetch') ? ['--ui-disable-news-fetch'] : [];
  // `KEYWORD` is `Keyword` here. Naming attributes again at a restart is harmless.
  const attributes = SEARCH_ATTRIBUTES.flatMap(({ name, type }) => [
    '--search-attribute',
    `${name}=${type.charAt(0)}${type.slice(1).toLowerCase()}`,
  ]);
  return ['server', 'start-dev', ...place, ...listen, ...pragmas, ...optional, ...attributes];
}

/** Which flags this build knows: a `temporal` found on the PATH may be older than the one we would download. */
async function supportedFlags(program: string, env: NodeJS.ProcessEnv): Promise<(flag: string) => boolean> {
  const { stdout, stderr } = await runCommand(program, ['server', 'start-dev', '--help'], {
    env: serverEnvironment(env),
    timeoutMs: 20_000,
  });
  return (flag) => `${stdout}${stderr}`.includes(flag);
}

function startFailure(log: string, ended: string | undefined, logFile: string): RZeroError {
  if (/no space left|database or disk is full/i.test(log)) {
    return new RZeroError('DiskFull', 'Temporal cannot start: no space is left for its database file.', {
      fix: 'Free some space and start again; nothing is lost.',
    });
  }
  const reason =
    log
      .trim()
      .split('\n')
      .findLast((line) => /error|failed|unable/i.test(line)) ?? 'it does not answer';
  return new RZeroError('SetupFailed', `Temporal did not start (${ended ?? 'time-out'}): ${reason.slice(0, 300)}.`, {
    fix: `See ${logFile}, or set TEMPORAL_ADDRESS to use a server of your own.`,
  });
}

/** TEMPORAL_* variables and profiles speak about clients; the server must not read them. */
function serverEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(([name]) => !name.startsWith('TEMPORAL_') && name !== 'DATABASE_URL');
  return Object.fromEntries(kept);
}
