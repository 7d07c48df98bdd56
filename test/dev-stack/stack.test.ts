import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { Connection } from '@temporalio/client';
import { Client } from 'pg';
import { RZeroError } from '../../activities/errors.ts';
import { connectionString, destroyStack, isSetupEvent, startStack, stopStack } from '../../infra/dev-stack/index.ts';
import type { Stack, StackEvent } from '../../infra/dev-stack/index.ts';
import { findFreePort } from '../../infra/dev-stack/ports.ts';
import { readStackState, stackPaths } from '../../infra/dev-stack/stack-state.ts';
import { isAlive } from '../../infra/setup/process-identity.ts';

const LAUNCHER = fileURLToPath(new URL('./launcher.ts', import.meta.url));

/** The stack's own environment: none of the servers that the developer's shell may name. */
const env: NodeJS.ProcessEnv = { ...process.env, TEMPORAL_CONFIG_FILE: '/nonexistent/temporal.toml' };
for (const name of Object.keys(env))
  if (/^(DATABASE_URL|TEMPORAL_ADDRESS|TEMPORAL_PROFILE|R_ZERO_.*_PORT)$/.test(name)) delete env[name];

async function query<T>(databaseUrl: string, sql: string): Promise<T[]> {
  const client = new Client({ connectionString: databaseUrl });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query(sql)).rows as T[];
  } finally {
    await client.end();
  }
}

function recorder(): {
  events: StackEvent[];
  onEvent: (event: Parameters<NonNullable<Parameters<typeof startStack>[0]['onEvent']>>[0]) => void;
} {
  const events: StackEvent[] = [];
  return { events, onEvent: (event) => (isSetupEvent(event) ? undefined : void events.push(event)) };
}

function pids(dataDir: string): { postgres: number; temporal: number } {
  const { postgres, temporal } = readStackState(stackPaths(dataDir));
  assert.ok(postgres?.process && temporal?.process);
  return { postgres: postgres.process.pid, temporal: temporal.process.pid };
}

async function occupy(port: number): Promise<() => void> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return () => server.close();
}

describe('dev stack', () => {
  let dataDir: string;
  let stack: Stack;

  before(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'r-zero-stack-'));
    stack = await startStack({ dataDir, env });
  });
  after(() => destroyStack(dataDir));

  test('a first start gives a database r_zero, a Temporal namespace and a UI page', async () => {
    assert.deepEqual(await query(stack.databaseUrl, 'select current_database() as name'), [{ name: 'r_zero' }]);
    const connection = await Connection.connect({ address: stack.temporalAddress });
    const { config } = await connection.workflowService.describeNamespace({ namespace: stack.temporalNamespace });
    assert.equal(Number(config?.workflowExecutionRetentionTtl?.seconds), 90 * 86_400);
    const { customAttributes } = await connection.operatorService.listSearchAttributes({
      namespace: stack.temporalNamespace,
    });
    assert.deepEqual(
      ['RZeroIteration', 'RZeroPhase', 'RZeroRunId', 'RZeroStatus'].filter(
        (name) => !(name in (customAttributes ?? {})),
      ),
      [],
    );
    await connection.close();
    assert.ok(stack.uiUrl);
    assert.equal((await fetch(stack.uiUrl)).status, 200);
  });

  test('the servers listen on loopback only', () => {
    const { postgres, temporal } = readStackState(stackPaths(dataDir));
    const ports = new Set([postgres?.port, temporal?.port, temporal?.uiPort]);
    const listening = ['/proc/net/tcp', '/proc/net/tcp6']
      .flatMap((table) => readFileSync(table, 'utf8').split('\n').slice(1))
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , , state]) => state === '0A')
      .map(([, local = '']) => ({ address: local.split(':')[0], port: Number.parseInt(local.split(':')[1] ?? '', 16) }))
      .filter(({ port }) => ports.has(port));
    assert.equal(listening.length, 3);
    for (const { address } of listening) assert.equal(address, '0100007F');
  });

  test('the password is generated, required, kept in a private file and in no log', async () => {
    const { password, port } = new URL(stack.databaseUrl);
    assert.ok(password.length >= 32);
    assert.equal(statSync(join(dataDir, 'postgres.password')).mode & 0o777, 0o600);
    await assert.rejects(query(`postgresql://r_zero:wrong@127.0.0.1:${port}/r_zero`, 'select 1'), { code: '28P01' });
    assert.equal(connectionString(dataDir, {}), stack.databaseUrl);
    for (const log of ['postgres.log', 'temporal.log'])
      assert.ok(!readFileSync(join(dataDir, 'logs', log), 'utf8').includes(password));
    assert.ok(!readFileSync(join(dataDir, 'stack.json'), 'utf8').includes(password));
  });

  test('a second start reuses the running servers', async () => {
    const former = pids(dataDir);
    const { events, onEvent } = recorder();
    const again = await startStack({ dataDir, env, onEvent });
    assert.deepEqual(pids(dataDir), former);
    assert.equal(again.databaseUrl, stack.databaseUrl);
    assert.equal(again.temporalAddress, stack.temporalAddress);
    assert.deepEqual(
      events.map(({ state }) => state),
      ['reused', 'reused'],
    );
  });

  test('servers killed with SIGKILL come back on the same ports with the same rows', async () => {
    await query(stack.databaseUrl, 'create table kept (value int)');
    await query(stack.databaseUrl, 'insert into kept select generate_series(1, 1000)');
    const former = pids(dataDir);
    process.kill(former.postgres, 'SIGKILL');
    process.kill(former.temporal, 'SIGKILL');
    const again = await startStack({ dataDir, env });
    assert.notEqual(pids(dataDir).postgres, former.postgres);
    assert.notEqual(pids(dataDir).temporal, former.temporal);
    assert.equal(again.databaseUrl, stack.databaseUrl);
    assert.equal(again.temporalAddress, stack.temporalAddress);
    assert.deepEqual(await query(again.databaseUrl, 'select count(*)::int as n, sum(value)::int as s from kept'), [
      { n: 1000, s: 500_500 },
    ]);
  });

  test('a long query that outlives a killed Postgres does not stop the next start', async () => {
    const client = new Client({ connectionString: stack.databaseUrl });
    client.on('error', () => undefined);
    await client.connect();
    const lost = assert.rejects(client.query('select count(*) from generate_series(1, 2000000000)'));
    await new Promise((resolve) => setTimeout(resolve, 300));
    process.kill(pids(dataDir).postgres, 'SIGKILL');
    const again = await startStack({ dataDir, env });
    await lost;
    await client.end().catch(() => undefined);
    assert.deepEqual(await query(again.databaseUrl, 'select count(*)::int as n from kept'), [{ n: 1000 }]);
  });

  test('a pid file that names a foreign process is recognised as stale', async () => {
    const { postgres } = readStackState(stackPaths(dataDir));
    assert.ok(postgres?.process);
    const pidFile = join(postgres.directory, 'postmaster.pid');
    const lines = readFileSync(pidFile, 'utf8').split('\n');
    await stopStack({ dataDir });
    // A live process of the account that Postgres runs as: the case at which Postgres itself gives up.
    const { uid, gid } = statSync(postgres.directory);
    const stranger = spawn('sleep', ['60'], { uid, gid, stdio: 'ignore' });
    try {
      writeFileSync(pidFile, [stranger.pid, ...lines.slice(1)].join('\n'));
      chmodSync(pidFile, 0o644);
      const again = await startStack({ dataDir, env });
      assert.deepEqual(await query(again.databaseUrl, 'select count(*)::int as n from kept'), [{ n: 1000 }]);
    } finally {
      stranger.kill('SIGKILL');
    }
  });

  test('a remembered port that somebody else took is given up, and said so', async () => {
    await stopStack({ dataDir });
    const { postgres, temporal } = readStackState(stackPaths(dataDir));
    assert.ok(postgres && temporal);
    const release = [await occupy(postgres.port), await occupy(temporal.port)];
    const { events, onEvent } = recorder();
    stack = await startStack({ dataDir, env, onEvent });
    for (const close of release) close();
    assert.deepEqual(
      events
        .filter(({ state }) => state === 'moved')
        .map(({ component }) => component)
        .toSorted(),
      ['postgres', 'temporal'],
    );
    assert.notEqual(new URL(stack.databaseUrl).port, String(postgres.port));
    assert.deepEqual(await query(stack.databaseUrl, 'select count(*)::int as n from kept'), [{ n: 1000 }]);
  });

  test('two processes that start at once end up with the same servers', async () => {
    await stopStack({ dataDir });
    const launch = async () => {
      const child = spawn(process.execPath, [...process.execArgv, LAUNCHER, dataDir], {
        env,
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const [line] = (await once(child.stdout, 'data')) as [Buffer];
      child.kill('SIGKILL');
      return JSON.parse(line.toString()) as { databaseUrl: string; temporalAddress: string };
    };
    const [first, second] = await Promise.all([launch(), launch()]);
    assert.deepEqual(first, second);
    // Both launchers were killed: the servers must have survived them.
    assert.deepEqual(await query(first.databaseUrl, 'select count(*)::int as n from kept'), [{ n: 1000 }]);
    stack = await startStack({ dataDir, env });
    assert.equal(stack.databaseUrl, first.databaseUrl);
    assert.equal(stack.temporalAddress, first.temporalAddress);
  });

  test('stop ends both servers, and stopping again is harmless', async () => {
    const { postgres, temporal } = readStackState(stackPaths(dataDir));
    assert.ok(postgres?.process && temporal?.process);
    await stack.stop();
    assert.equal(isAlive(postgres.process), false);
    assert.equal(isAlive(temporal.process), false);
    assert.match(readFileSync(join(dataDir, 'logs', 'postgres.log'), 'utf8'), /database system is shut down\s*$/);
    await stack.stop();
  });
});

test(
  'root can keep its data directory where the account of Postgres may not go',
  { skip: process.geteuid?.() === 0 ? false : 'only root runs Postgres under another account' },
  async () => {
    const closed = mkdtempSync(join(tmpdir(), 'r-zero-closed-'));
    const dataDir = join(closed, 'data');
    try {
      const { databaseUrl } = await startStack({ dataDir, env });
      assert.deepEqual(await query(databaseUrl, 'select 1 as one'), [{ one: 1 }]);
      const { postgres } = readStackState(stackPaths(dataDir));
      assert.ok(postgres && !postgres.directory.startsWith(closed));
      assert.equal(statSync(closed).mode & 0o777, 0o700, 'folders of the user stay as they are');
      await stopStack({ dataDir });
      assert.deepEqual(await query((await startStack({ dataDir, env })).databaseUrl, 'select 1 as one'), [{ one: 1 }]);
      await destroyStack(dataDir);
      assert.equal(existsSync(postgres.directory), false);
    } finally {
      rmSync(closed, { recursive: true, force: true });
    }
  },
);

describe('dev stack, bad input', () => {
  let dataDir: string;
  before(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'r-zero-stack-bad-'));
  });
  after(() => destroyStack(dataDir));

  test('a port that the user fixed and another program uses is an error that names it', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const { port } = server.address() as AddressInfo;
      for (const variable of ['R_ZERO_POSTGRES_PORT', 'R_ZERO_TEMPORAL_PORT', 'R_ZERO_TEMPORAL_UI_PORT']) {
        await assert.rejects(startStack({ dataDir, env: { ...env, [variable]: String(port) } }), (error: unknown) => {
          assert.ok(error instanceof RZeroError);
          assert.equal(error.code, 'PortInUse');
          assert.equal(error.field, variable);
          assert.match(error.message, new RegExp(`Port ${port} `));
          return true;
        });
      }
    } finally {
      server.close();
    }
    const unusable = startStack({ dataDir, env: { ...env, R_ZERO_POSTGRES_PORT: 'http' } });
    await assert.rejects(unusable, { code: 'SetupFailed', field: 'R_ZERO_POSTGRES_PORT' });
    await stopStack({ dataDir });
  });

  test('running servers move to ports that the user fixes later', async () => {
    await startStack({ dataDir, env });
    const [postgresPort, temporalPort] = [await findFreePort(), await findFreePort()];
    const fixed = { ...env, R_ZERO_POSTGRES_PORT: String(postgresPort), R_ZERO_TEMPORAL_PORT: String(temporalPort) };
    const stack = await startStack({ dataDir, env: fixed });
    assert.equal(new URL(stack.databaseUrl).port, String(postgresPort));
    assert.equal(stack.temporalAddress, `127.0.0.1:${temporalPort}`);
    assert.deepEqual(await query(stack.databaseUrl, 'select 1 as one'), [{ one: 1 }]);
    await stopStack({ dataDir });
  });

  test('a data directory that cannot be made is refused with its path', async () => {
    const file = join(dataDir, 'a-file');
    writeFileSync(file, '');
    await assert.rejects(startStack({ dataDir: join(file, 'below'), env }), (error: unknown) => {
      assert.ok(error instanceof RZeroError);
      assert.equal(error.code, 'SetupFailed');
      assert.match(error.message, /a-file\/below cannot be written/);
      return true;
    });
  });

  test('servers of the user that do not answer are named, without the password', async () => {
    const databaseUrl = 'postgresql://someone:secret-word@127.0.0.1:1/db?password=secret-word';
    await assert.rejects(
      startStack({ dataDir, env: { ...env, DATABASE_URL: databaseUrl, TEMPORAL_ADDRESS: '127.0.0.1:1' } }),
      (error: unknown) => {
        assert.ok(error instanceof RZeroError);
        assert.equal(error.code, 'DatabaseUnreachable');
        assert.ok(!inspect(error, { depth: 5 }).includes('secret-word'));
        return true;
      },
    );
    await assert.rejects(startStack({ dataDir, env: { ...env, TEMPORAL_ADDRESS: '127.0.0.1:1' } }), {
      code: 'TemporalUnreachable',
    });
    const { postgres, temporal } = readStackState(stackPaths(dataDir));
    assert.deepEqual([postgres?.process, temporal?.process], [undefined, undefined], 'nothing was started for nothing');
    for (const text of ['garbage', 'mysql://someone:secret-word@host/db', 'host=localhost password=secret-word'])
      await assert.rejects(startStack({ dataDir, env: { ...env, DATABASE_URL: text } }), (error: unknown) => {
        assert.ok(error instanceof RZeroError && error.code === 'DatabaseUnreachable');
        assert.ok(!error.message.includes('secret-word'));
        return true;
      });
  });

  test('a cluster without its password file is refused, and left alone', async () => {
    const { postgres } = readStackState(stackPaths(dataDir));
    assert.ok(postgres);
    rmSync(join(dataDir, 'postgres.password'));
    await assert.rejects(startStack({ dataDir, env }), { code: 'SetupFailed' });
    assert.ok(statSync(join(postgres.directory, 'PG_VERSION')).isFile());
    await stopStack({ dataDir });
  });

  test('an unreadable stack.json is refused, not overwritten', async () => {
    const state = join(dataDir, 'stack.json');
    const former = readFileSync(state, 'utf8');
    for (const text of ['{"version": 7}', '{"version": 1, "postg', 'null']) {
      writeFileSync(state, text);
      await assert.rejects(startStack({ dataDir, env }), { code: 'SetupFailed', field: 'dataDir' });
      assert.equal(readFileSync(state, 'utf8'), text);
    }
    writeFileSync(state, former);
  });
});
