/** Servers, worker and engine as real processes, to be killed. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { RunInput } from '../../activities/contract.ts';
import { openPool } from '../../db/client.ts';
import { migrate } from '../../db/migrate.ts';
import { startWorkerProcess } from '../../infra/cli/worker-process.ts';
import type { WorkerProcess } from '../../infra/cli/worker-process.ts';
import { connect, startRun } from '../../infra/client.ts';
import type { ConnectedClient } from '../../infra/client.ts';
import { destroyStack, startStack } from '../../infra/dev-stack/index.ts';
import type { Stack } from '../../infra/dev-stack/index.ts';

export type Victim = 'worker' | 'engine' | 'everything';

export class Cluster {
  readonly dataDir: string;
  #stack!: Stack;
  #worker!: WorkerProcess;
  #pool!: pg.Pool;
  #temporal!: ConnectedClient;

  constructor(dataDir: string) {
    this.dataDir = dataDir;
  }

  get pool(): pg.Pool {
    return this.#pool;
  }

  /** @param settings more variables for the worker */
  async start(settings: NodeJS.ProcessEnv = {}): Promise<void> {
    this.#stack = await startStack({ dataDir: this.dataDir, env: {} });
    const { databaseUrl, temporalAddress, temporalNamespace } = this.#stack;
    this.#pool = openPool(databaseUrl);
    await migrate(this.#pool);
    const env = {
      ...process.env,
      DATABASE_URL: databaseUrl,
      TEMPORAL_ADDRESS: temporalAddress,
      TEMPORAL_NAMESPACE: temporalNamespace,
      R_ZERO_DATA_DIR: this.dataDir,
      ...settings,
    };
    this.#worker = startWorkerProcess({
      env,
      logFile: join(this.dataDir, 'logs', 'worker.log'),
      onNotice: () => undefined,
      backoffMs: 100,
      // These workers are killed on purpose, and often.
      mostQuickDeaths: 1000,
    });
    await this.#worker.ready;
    this.#temporal = await connect({ address: temporalAddress, namespace: temporalNamespace });
  }

  async startRun(input: RunInput): Promise<void> {
    await startRun(this.#temporal.client, input);
  }

  async runStatus(runId: string): Promise<string | undefined> {
    const result = await this.#pool.query<{ status: string }>('select status from r_zero.runs where run_id = $1', [
      runId,
    ]);
    return result.rows[0]?.status;
  }

  /** SIGKILL, and then what a person would do: nothing for worker and engine, a new start for everything. */
  async kill(victim: Victim): Promise<void> {
    // The supervisor may be between two workers.
    while (this.#worker.pid === undefined) await sleep(20);
    const worker = this.#worker.pid;
    const engines = childrenOf(worker);
    if (victim === 'engine') {
      engines.forEach(killHard);
      return;
    }
    if (victim === 'worker') {
      killHard(worker);
      return;
    }
    const servers = JSON.parse(readFileSync(join(this.dataDir, 'stack.json'), 'utf8')) as Record<
      'postgres' | 'temporal',
      { process?: { pid: number } }
    >;
    const stopping = this.#worker.stop();
    [worker, ...engines, servers.postgres.process!.pid, servers.temporal.process!.pid].forEach(killHard);
    await stopping;
    await this.#disconnect();
    await this.start();
  }

  async stop(): Promise<void> {
    await this.#worker.stop();
    await this.#disconnect();
    await destroyStack(this.dataDir);
  }

  async #disconnect(): Promise<void> {
    await this.#temporal.close();
    await this.#pool.end();
  }
}

function killHard(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    // It ended by itself in the meantime.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Processes that a worker has forked and that name themselves an engine. */
function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const [, fields] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(/\) /);
        return (
          Number(fields?.split(' ')[1]) === parent &&
          readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('r-zero-engine')
        );
      } catch {
        return false;
      }
    })
    .map(Number);
}
