/**
 * Whole runs at any size through real servers, workers, workflows and activities, with an engine that answers at once: what
 * is left is the cost of orchestration and storage.
 */
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Client } from '@temporalio/client';
import type pg from 'pg';
import type { RunInput } from '../../activities/contract.ts';
import type { Engine } from '../../activities/engine/types.ts';
import { openPool } from '../../db/client.ts';
import { migrate } from '../../db/migrate.ts';
import { connect, startRun } from '../../infra/client.ts';
import { destroyStack, startStack } from '../../infra/dev-stack/index.ts';
import { runWorker } from '../../infra/worker.ts';
import { createEngineDouble } from './engine-double.ts';
import type { DoubleOptions } from './engine-double.ts';
import { measureHistories } from './history-size.ts';
import type { HistorySizes } from './history-size.ts';
import { writeSimulatedModel } from './simulated-model.ts';

export interface SimulatedStackOptions extends Omit<DoubleOptions, 'modelDir'> {
  /** Empty folder for servers, model and logs; it is deleted in the end. */
  dataDir: string;
  /** With the real engine in place of the double. @default false */
  real?: boolean;
  /** What stands before the double, e.g. failures. @default nothing */
  before?: (engine: Engine) => Engine;
}

export interface SimulationOptions extends SimulatedStackOptions {
  /** Of every run; `model` is the simulated one. */
  input: RunInput;
  /** How many run at the same time. @default 1 */
  runs?: number;
  /** How often that many run, one wave after the other: what is kept of a wave shows in the next. @default 1 */
  waves?: number;
  onProgress?: (line: string) => void;
}

export interface Simulation {
  /** From the start of the runs to the end of the last. */
  seconds: number;
  /** Processor time of this process: workers, activities, engine double. */
  processorSeconds: number;
  rows: number;
  /** By table. */
  tables: Record<string, number>;
  databaseBytes: number;
  histories: HistorySizes;
  /** Longest wait for a lock that was seen, by samples five times a second. */
  longestLockWaitSeconds: number;
  /** Most units by which one run was ahead of another while both worked. */
  largestLead: number;
  /** End of the last run of a wave by end of its first, both from the wave's start. 1 for one run. */
  spread: number;
  peakMemoryBytes: number;
  /** JavaScript heap after each wave, garbage collected. */
  heapBytes: number[];
  /** Longest time that this process was deaf to everything, heartbeats included. */
  longestBlockSeconds: number;
  /** Working time by phase, in seconds. */
  phases: Record<string, number>;
}

/** @throws when a run does not end as completed */
export async function simulate(options: SimulationOptions): Promise<Simulation> {
  const { runs = 1, waves = 1, input, onProgress = () => undefined, ...stack } = options;
  return await withSimulatedStack(stack, async (parts) => {
    onProgress('Servers and worker are ready.');
    const ids = Array.from({ length: waves }, (_, wave) =>
      Array.from({ length: runs }, (_run, index) => `simulated-${wave * runs + index + 1}`),
    );
    return await measureRuns({ ...parts, waves: ids, input, onProgress });
  });
}

export interface SimulatedStack {
  client: Client;
  pool: pg.Pool;
  /** Of the Temporal server. */
  uiUrl: string;
  /** Of every run: `model` of its input. */
  modelDir: string;
}

/** Servers of their own and a worker of this process, whose engine answers at once. */
export async function withSimulatedStack<T>(
  { dataDir, real = false, before = (engine) => engine, ...double }: SimulatedStackOptions,
  use: (parts: SimulatedStack) => Promise<T>,
): Promise<T> {
  const modelDir = join(dataDir, 'simulated-model');
  writeSimulatedModel(modelDir);
  const engine = real ? {} : { engine: before(await createEngineDouble({ modelDir, ...double })) };
  const stack = await startStack({ dataDir, env: {} });
  const target = { address: stack.temporalAddress, namespace: stack.temporalNamespace };
  const pool = openPool(stack.databaseUrl);
  const connected = await connect(target);
  const stopping = new AbortController();
  let working: Promise<void> = Promise.resolve();
  try {
    await migrate(pool);
    await new Promise<void>((onReady, fail) => {
      const { signal } = stopping;
      const database = stack.databaseUrl;
      working = runWorker({ ...target, database, dataDir, ...engine, signal, onReady: () => onReady() });
      working.catch(fail);
    });
    return await use({ client: connected.client, pool, modelDir, uiUrl: stack.uiUrl ?? '' });
  } finally {
    stopping.abort();
    await working.catch(() => undefined);
    await connected.close();
    await pool.end();
    await destroyStack(dataDir);
  }
}

interface Measured extends SimulatedStack {
  /** Run ids. */
  waves: readonly (readonly string[])[];
  input: RunInput;
  onProgress: (line: string) => void;
}

async function measureRuns({ client, pool, modelDir, waves, input, onProgress }: Measured): Promise<Simulation> {
  const watch = startWatch(pool, onProgress);
  const delays = monitorEventLoopDelay();
  delays.enable();
  const cpu = process.cpuUsage();
  const started = performance.now();
  const spreads: number[] = [];
  const heapBytes: number[] = [];
  try {
    for (const runIds of waves) {
      watch.runIds = runIds;
      spreads.push(await runWave(client, runIds, { ...input, model: modelDir }));
      heapBytes.push(heapInUse());
    }
  } finally {
    delays.disable();
    await watch.stop();
  }
  const seconds = (performance.now() - started) / 1000;
  const used = process.cpuUsage(cpu);
  const tables = await countRows(pool);
  const size = await pool.query<{ bytes: string }>('select pg_database_size(current_database()) as bytes');
  return {
    seconds,
    processorSeconds: (used.user + used.system) / 1e6,
    rows: Object.values(tables).reduce((sum, rows) => sum + rows, 0),
    tables,
    databaseBytes: Number(size.rows[0]?.bytes),
    histories: await measureHistories(client, waves.flat()),
    longestLockWaitSeconds: watch.longestLockWait,
    largestLead: watch.largestLead,
    spread: Math.max(...spreads),
    heapBytes,
    peakMemoryBytes: watch.peakMemory,
    longestBlockSeconds: delays.max / 1e9,
    phases: await readPhaseSeconds(pool),
  };
}

/** @returns end of the last run by end of the first */
async function runWave(client: Client, runIds: readonly string[], input: RunInput): Promise<number> {
  const started = performance.now();
  const ends = await Promise.all(
    runIds.map(async (runId, index) => {
      const run = await startRun(client, { ...input, runId, seed: index + 1 });
      const { status } = await run.result();
      if (status !== 'completed') throw new Error(`Run ${runId} ended as ${status}.`);
      return performance.now() - started;
    }),
  );
  return Math.max(...ends) / Math.min(...ends);
}

/** After a collection of garbage, which Node offers under a flag only. */
function heapInUse(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

const SAMPLE_MS = 200;

interface Watch {
  /** Of the present wave. */
  runIds: readonly string[];
  longestLockWait: number;
  largestLead: number;
  peakMemory: number;
  stop: () => Promise<void>;
}

/** Looks at locks, progress and memory while runs go on. */
function startWatch(pool: pg.Pool, onProgress: (line: string) => void): Watch {
  const stopping = new AbortController();
  let shown = '';
  const watch: Watch = { runIds: [], longestLockWait: 0, largestLead: 0, peakMemory: 0, stop: async () => undefined };
  const look = async (): Promise<void> => {
    const locks = await pool.query<{ seconds: number }>(
      `select coalesce(max(extract(epoch from clock_timestamp() - waitstart)), 0)::float8 as seconds
       from pg_locks where not granted`,
    );
    watch.longestLockWait = Math.max(watch.longestLockWait, locks.rows[0]?.seconds ?? 0);
    const units = await pool.query<{ status: string; units: number }>(
      `select r.status, (select count(*)::int from r_zero.units u where u.run_id = r.run_id) as units
       from r_zero.runs r where r.run_id = any($1) order by r.run_id`,
      [watch.runIds],
    );
    const counts = units.rows.map((row) => row.units);
    const working = units.rows.filter(({ status }) => status === 'running').map((row) => row.units);
    if (working.length > 1) watch.largestLead = Math.max(watch.largestLead, Math.max(...counts) - Math.min(...working));
    watch.peakMemory = Math.max(watch.peakMemory, process.memoryUsage.rss());
    const line = `Units: ${counts.join(' ')}`;
    if (line !== shown) onProgress((shown = line));
  };
  const looking = (async () => {
    while (!stopping.signal.aborted) {
      await look();
      await sleep(SAMPLE_MS);
    }
  })();
  // Told of by `stop`; until then somebody may be taking the servers down.
  looking.catch(() => undefined);
  watch.stop = async () => {
    stopping.abort();
    await looking;
  };
  return watch;
}

async function countRows(pool: pg.Pool): Promise<Record<string, number>> {
  const names = await pool.query<{ schema: string; name: string }>(
    `select schemaname as schema, tablename as name from pg_tables where schemaname in ('r_zero', 'r_zero_all') order by 2`,
  );
  const counts: Record<string, number> = {};
  for (const { schema, name } of names.rows) {
    const result = await pool.query<{ n: string }>(`select count(*) as n from ${schema}."${name}"`);
    counts[name] = Number(result.rows[0]?.n);
  }
  return counts;
}

async function readPhaseSeconds(pool: pg.Pool): Promise<Record<string, number>> {
  const result = await pool.query<{ phase: string; seconds: number }>(
    `select phase, sum(extract(epoch from finished_at - started_at))::float8 as seconds
     from r_zero.attempts group by phase order by min(attempt_id)`,
  );
  return Object.fromEntries(result.rows.map(({ phase, seconds }) => [phase, seconds]));
}
