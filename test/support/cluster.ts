/** Servers, workers and engines as real processes, to be killed; the workers reach Postgres through a proxy that can fall silent. */
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { Client } from '@temporalio/client';
import type pg from 'pg';
import type { RunInput } from '../../activities/contract.ts';
import { openPool } from '../../db/client.ts';
import { migrate } from '../../db/migrate.ts';
import { startWorkerProcess } from '../../infra/cli/worker-process.ts';
import type { WorkerProcess } from '../../infra/cli/worker-process.ts';
import { connect, startRun } from '../../infra/client.ts';
import type { ConnectedClient } from '../../infra/client.ts';
import { destroyStack, startStack, stopStack } from '../../infra/dev-stack/index.ts';
import { stopPostgres } from '../../infra/dev-stack/postgres-server.ts';
import type { StackState } from '../../infra/dev-stack/stack-state.ts';
import { serverAccount } from '../../infra/setup/server-account.ts';
import { putBack, takeBackup } from './base-backup.ts';
import { mountMemoryDisk } from './memory-disk.ts';
import type { MemoryDisk } from './memory-disk.ts';
import { enginesOf, signal } from './processes.ts';
import { startTcpProxy } from './tcp-proxy.ts';
import type { TcpProxy } from './tcp-proxy.ts';

export type Victim = 'worker' | 'engine' | 'postgres' | 'temporal';

export interface ClusterOptions {
  /** Module of the worker. @default the product's own */
  workerEntry?: string;
  /** Checkpoints and tables lie on small disks of their own, which can be filled; needs the right to mount. @default false */
  smallDisks?: boolean;
}

const CLOCK = pathToFileURL(join(import.meta.dirname, 'shifted-clock.mjs')).href;

const running = new Set<Cluster>();

/** For a program that is told to end: no server, worker or mounted disk is left behind. */
export async function stopAllClusters(): Promise<void> {
  await Promise.all([...running].map((cluster) => cluster.stop()));
}

export class Cluster {
  /** Made for it, and removed with it. */
  readonly dataDir = mkdtempSync(join(tmpdir(), 'r-zero-test-'));
  readonly #options: ClusterOptions;
  readonly #workers: WorkerProcess[] = [];
  #disks: { checkpoints: MemoryDisk; tables: MemoryDisk } | undefined;
  #databaseUrl!: string;
  #temporalSettings!: { address: string; namespace: string };
  #proxy!: TcpProxy;
  #pool!: pg.Pool;
  #temporal!: ConnectedClient;

  #settings: NodeJS.ProcessEnv = {};

  constructor(options: ClusterOptions = {}) {
    this.#options = options;
  }

  /** Past the proxy. */
  get pool(): pg.Pool {
    return this.#pool;
  }

  get client(): Client {
    return this.#temporal.client;
  }

  get proxy(): TcpProxy {
    return this.#proxy;
  }

  get disks(): { checkpoints: MemoryDisk; tables: MemoryDisk } {
    if (!this.#disks) throw new Error('This cluster has no small disks.');
    return this.#disks;
  }

  /** @param settings more variables for the workers */
  async start(settings: NodeJS.ProcessEnv = {}): Promise<void> {
    this.#settings = settings;
    running.add(this);
    if (this.#options.smallDisks) this.#mountDisks();
    await this.revive();
    this.#proxy = await startTcpProxy(targetOf(this.#databaseUrl));
    this.#pool = openPool(this.#databaseUrl);
    if (this.#disks) await this.#moveTables(this.#disks.tables);
    await migrate(this.#pool);
    this.#temporal = await connect(this.#temporalSettings);
    await this.addWorker();
  }

  /** Starts those of the servers that are not running, on the ports that they had. */
  async revive(): Promise<void> {
    const stack = await startStack({ dataDir: this.dataDir, env: {} });
    this.#databaseUrl = stack.databaseUrl;
    this.#temporalSettings = { address: stack.temporalAddress, namespace: stack.temporalNamespace };
    if (this.#proxy) this.#proxy.target = targetOf(stack.databaseUrl);
  }

  /** Another worker beside those that run. */
  async addWorker(): Promise<void> {
    const url = new URL(this.#databaseUrl);
    url.port = String(this.#proxy.port);
    const { workerEntry } = this.#options;
    const worker = startWorkerProcess({
      env: {
        ...process.env,
        DATABASE_URL: url.href,
        TEMPORAL_ADDRESS: this.#temporalSettings.address,
        TEMPORAL_NAMESPACE: this.#temporalSettings.namespace,
        R_ZERO_DATA_DIR: this.dataDir,
        R_ZERO_TEST_CLOCK: join(this.dataDir, 'clock'),
        NODE_OPTIONS: `${process.env['NODE_OPTIONS'] ?? ''} --import ${CLOCK}`,
        ...this.#settings,
      },
      logFile: join(this.dataDir, 'logs', `worker-${this.#workers.length}.log`),
      onNotice: () => undefined,
      backoffMs: 100,
      // These workers are killed on purpose, and often.
      mostQuickDeaths: 1000,
      ...(workerEntry === undefined ? {} : { entry: workerEntry }),
    });
    this.#workers.push(worker);
    await worker.ready;
  }

  /** Ends all workers but the first, the way a supervisor does. */
  async removeOtherWorkers(): Promise<void> {
    await Promise.all(this.#workers.splice(1).map((worker) => worker.stop()));
  }

  /** Pid of the first worker; waits while its supervisor is between two of them. */
  async workerPid(): Promise<number> {
    for (;;) {
      const { pid } = this.#workers[0]!;
      if (pid !== undefined) return pid;
      await sleep(20);
    }
  }

  async enginePids(): Promise<number[]> {
    return enginesOf(await this.workerPid());
  }

  async startRun(input: RunInput): Promise<void> {
    await startRun(this.client, input);
  }

  async runStatus(runId: string): Promise<string | undefined> {
    const statement = 'select status from r_zero.runs where run_id = $1';
    const result = await this.#pool.query<{ status: string }>(statement, [runId]);
    return result.rows[0]?.status;
  }

  /** SIGKILL. The supervisor starts a worker again, the worker an engine; servers stay away until `revive`. */
  async kill(victim: Victim): Promise<void> {
    if (victim === 'engine') for (const pid of await this.enginePids()) signal(pid, 'SIGKILL');
    else signal(victim === 'worker' ? await this.workerPid() : this.#serverPid(victim), 'SIGKILL');
  }

  /** What a loss of power does, and a new start after it. */
  async killEverything(): Promise<void> {
    const worker = await this.workerPid();
    const pids = [worker, ...enginesOf(worker), this.#serverPid('postgres'), this.#serverPid('temporal')];
    const stopping = this.#workers.map((running) => running.stop());
    pids.forEach((pid) => signal(pid, 'SIGKILL'));
    await Promise.all(stopping);
    this.#workers.length = 0;
    await this.revive();
    await this.addWorker();
  }

  /** The next run writes every one of its checkpoints, instead of finding it there. */
  forgetCheckpoints(): void {
    const root = join(this.dataDir, 'checkpoints');
    for (const name of readdirSync(root)) rmSync(join(root, name), { recursive: true });
  }

  /** Copies what Postgres has, without anybody noticing. */
  async backUpPostgres(): Promise<void> {
    await takeBackup(this.#pool, this.#databaseFolders(), join(this.dataDir, 'backup'));
  }

  /** Puts Postgres back to the copy, and starts it again. */
  async restorePostgres(): Promise<void> {
    await stopPostgres(this.#state().postgres.process!);
    await putBack(join(this.dataDir, 'backup'), this.#databaseFolders());
    await this.revive();
  }

  /** While the Temporal server is away. */
  loseTemporalData(): void {
    rmSync(join(this.dataDir, 'temporal'), { recursive: true });
  }

  /** The wall clock of workers and engines. */
  shiftClock(milliseconds: number): void {
    writeFileSync(join(this.dataDir, 'clock'), String(milliseconds));
  }

  async stop(): Promise<void> {
    running.delete(this);
    await Promise.all(this.#workers.map((worker) => worker.stop()));
    await this.#temporal?.close();
    await this.#pool?.end();
    await this.#proxy?.close();
    await stopStack({ dataDir: this.dataDir });
    if (this.#disks) Object.values(this.#disks).forEach((disk) => disk.unmount());
    await destroyStack(this.dataDir);
  }

  #serverPid(server: 'postgres' | 'temporal'): number {
    return this.#state()[server].process!.pid;
  }

  #state(): Required<Pick<StackState, 'postgres' | 'temporal'>> {
    const text = readFileSync(join(this.dataDir, 'stack.json'), 'utf8');
    return JSON.parse(text) as Required<Pick<StackState, 'postgres' | 'temporal'>>;
  }

  #databaseFolders(): string[] {
    return [this.#state().postgres.directory, ...(this.#disks ? [this.#disks.tables.path] : [])];
  }

  #mountDisks(): void {
    const checkpoints = mountMemoryDisk(join(this.dataDir, 'checkpoints'), 128);
    const tables = mountMemoryDisk(join(this.dataDir, 'tables'), 256, serverAccount());
    this.#disks = { checkpoints, tables };
  }

  /** Only the tables: when what Postgres writes first is on a full disk, it is the server that ends and not a statement. */
  async #moveTables({ path }: MemoryDisk): Promise<void> {
    await this.#pool.query(`create tablespace small_disk location '${path}'`);
    await this.#pool.query('alter database r_zero set default_tablespace = small_disk');
    await this.#pool.end();
    this.#pool = openPool(this.#databaseUrl);
  }
}

function targetOf(databaseUrl: string): { host: string; port: number } {
  const { hostname, port } = new URL(databaseUrl);
  return { host: hostname, port: Number(port) };
}
