/**
 * R-Zero as a Temporal plugin, the main export of the package.
 *
 * ```ts
 * const plugin = new RZeroPlugin({ database: 'postgres://user@host/r_zero' });
 * const workers = await Promise.all([
 *   Worker.create({ connection, taskQueue: 'r-zero', plugins: [plugin] }),
 *   Worker.create({ connection, taskQueue: 'r-zero-gpu', plugins: [plugin] }),
 * ]);
 * await Promise.all(workers.map((worker) => worker.run()));
 * ```
 *
 * A worker with workflows of its own adds `export * from 'temporal-r-zero/workflows'` to its workflow module.
 */
import { isAbsolute, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SimplePlugin } from '@temporalio/plugin';
import { Runtime } from '@temporalio/worker';
import type { BundleOptions, ReplayWorkerOptions, Worker, WorkerOptions } from '@temporalio/worker';
import type pg from 'pg';
import type { RZeroActivities } from '../activities/contract.ts';
import type { Engine } from '../activities/engine/types.ts';
import { RZeroError } from '../activities/errors.ts';
import { keepSecret } from '../activities/redact.ts';
import { openPool } from '../db/client.ts';
import { assertSchemaCurrent } from '../db/migrate.ts';
import { encryptedDataConverter } from './codec/encryption.ts';
import { packageVersion } from './package-info.ts';
import {
  GPU_ACTIVITY_NAMES,
  NO_ENGINE,
  ORCHESTRATION_ACTIVITY_NAMES,
  deferredActivities,
  mergeActivities,
} from './plugin-activities.ts';
import { openEngine } from './plugin-engine.ts';
import { SharedResource } from './plugin-resources.ts';
import type { Opened } from './plugin-resources.ts';
import { ensureSearchAttributes } from './search-attributes.ts';
import { traceEngine } from './telemetry/tracing/engine-spans.ts';
import { workLogs } from './telemetry/work-logs.ts';

/** Ends the name of every GPU task queue: `r-zero` has `r-zero-gpu`. */
const GPU_SUFFIX = '-gpu';
/** Heartbeats are sent at most this often; the SDK's 80 % of the time-out would hide progress for half a minute. */
const HEARTBEAT_THROTTLE = '2 seconds';

export interface RZeroPluginOptions {
  /**
   * Postgres: a connection string, a `pg` pool configuration, or a pool of your own, which stays open when the workers
   * stop. The schema must be current: run `npx r-zero migrate` first.
   */
  database: string | pg.PoolConfig | pg.Pool;
  /** Folder for checkpoints and caches; workers on several machines need one that they share. @default '.r-zero' */
  dataDir?: string;
  /**
   * `all`: each worker takes its part by the name of its task queue: `...-gpu` runs models, one activity at a time, and
   * no workflows; any other runs workflows and database work. `orchestrator` and `gpu` fix the part. @default 'all'
   */
  role?: 'all' | 'orchestrator' | 'gpu';
  /**
   * What runs the models: an engine of your own (which you close), or a function that makes one (which is closed with
   * the last worker). @default the built-in TensorFlow engine in a child process
   */
  engine?: Engine | (() => Engine | Promise<Engine>);
  /** Replaces single activities, e.g. in tests. When all of a part are replaced, no database is opened. @default {} */
  activities?: Partial<RZeroActivities>;
  /**
   * Registers the search attributes in the worker's namespace when they are missing. A refusal by the server is logged
   * with the commands for an operator. @default true
   */
  registerSearchAttributes?: boolean;
  /**
   * Encrypts inputs, results, messages and failures in Temporal's histories: `id:key` with 32 bytes in base64, the first key encrypts,
   * those behind it, separated by commas, still decrypt. Clients need the same keys: `connect`, or `encryptedDataConverter`.
   * @default payloads are readable
   */
  encryption?: string;
}

/**
 * Contributes R-Zero's workflows and activities to any Temporal worker, bundler or replayer. One instance may serve many
 * workers and connections of a process, in any combination: database and engine are opened with the first running worker
 * and closed with the last.
 *
 * @throws RZeroError `RunInputInvalid` for malformed keys; on start of a worker `DatabaseUnreachable`, `DatabaseNotMigrated`,
 *   `DatabaseNewer`
 * @experimental Temporal's plugin interface is still experimental.
 */
export class RZeroPlugin extends SimplePlugin {
  readonly #settings: RZeroPluginOptions;
  readonly #resources: SharedResource<Partial<RZeroActivities>>;
  readonly #orchestration: Partial<RZeroActivities>;
  readonly #gpu: Partial<RZeroActivities>;

  constructor(settings: RZeroPluginOptions) {
    const resources = new SharedResource(() => openResources(settings));
    super({
      name: 'r-zero.RZeroPlugin',
      runContext: (next) => resources.using(next),
      ...(settings.encryption === undefined ? {} : { dataConverter: encryptedDataConverter(settings.encryption) }),
    });
    this.#settings = settings;
    this.#resources = resources;
    this.#orchestration = deferredActivities(ORCHESTRATION_ACTIVITY_NAMES, () => this.#resources.current);
    this.#gpu = deferredActivities(GPU_ACTIVITY_NAMES, () => this.#resources.current);
  }

  override configureWorker(options: WorkerOptions): WorkerOptions {
    const configured = super.configureWorker(options);
    configured.maxHeartbeatThrottleInterval ??= HEARTBEAT_THROTTLE;
    // Once, however often a plugin is given.
    const activity = (configured.interceptors?.activity ?? []).filter((factory) => factory !== workLogs);
    configured.interceptors = { ...configured.interceptors, activity: [...activity, workLogs] };
    if (this.#partOf(options.taskQueue) === 'gpu') {
      configured.activities = mergeActivities(options.activities, this.#gpu);
      if (options.tuner === undefined) configured.maxConcurrentActivityTaskExecutions ??= 1;
      return configured;
    }
    configured.activities = mergeActivities(options.activities, this.#orchestration);
    return withWorkflows(configured);
  }

  override configureReplayWorker(options: ReplayWorkerOptions): ReplayWorkerOptions {
    return withWorkflows(super.configureReplayWorker(options));
  }

  override configureBundler(options: BundleOptions): BundleOptions {
    const configured = super.configureBundler(options);
    return { ...configured, workflowsPath: configured.workflowsPath ?? workflowsPath() };
  }

  override async runWorker(worker: Worker, next: (worker: Worker) => Promise<void>): Promise<void> {
    await this.#registerSearchAttributes(worker);
    await super.runWorker(worker, next);
  }

  #partOf(taskQueue: string): 'orchestrator' | 'gpu' {
    const role = this.#settings.role ?? 'all';
    if (role !== 'all') return role;
    return taskQueue.endsWith(GPU_SUFFIX) ? 'gpu' : 'orchestrator';
  }

  async #registerSearchAttributes(worker: Worker): Promise<void> {
    const { connection, options } = worker;
    if (this.#settings.registerSearchAttributes === false || connection === undefined) return;
    if (this.#partOf(options.taskQueue) === 'gpu') return;
    try {
      await ensureSearchAttributes(connection, options.namespace);
    } catch (error) {
      if (!(error instanceof RZeroError)) throw error;
      // They may exist although this worker may not list them; if not, the run's first task says so and is retried.
      Runtime.instance().logger.warn(error.message, { code: error.code });
    }
  }
}

/** The workflow module for Temporal's bundler; TypeScript sources when this file is one. */
export function workflowsPath(): string {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return fileURLToPath(new URL(`../workflows/index.${extension}`, import.meta.url));
}

/** A ready bundle, and workflows of the user's own, are left alone. */
function withWorkflows<O extends WorkerOptions | ReplayWorkerOptions>(options: O): O {
  if (options.workflowBundle !== undefined || options.workflowsPath !== undefined) return options;
  return { ...options, workflowsPath: workflowsPath() };
}

async function openResources(settings: RZeroPluginOptions): Promise<Opened<Partial<RZeroActivities>>> {
  const { role = 'all', activities: replaced = {} } = settings;
  const needed = [
    ...(role === 'gpu' ? [] : ORCHESTRATION_ACTIVITY_NAMES),
    ...(role === 'orchestrator' ? [] : GPU_ACTIVITY_NAMES),
  ];
  if (needed.every((name) => replaced[name] !== undefined)) {
    return { value: replaced, close: () => Promise.resolve() };
  }
  const database = openDatabase(settings.database);
  const closers = [database.close];
  try {
    await assertSchemaCurrent(database.value);
    const engine = await openEngine(role === 'orchestrator' ? NO_ENGINE : settings.engine);
    closers.unshift(engine.close);
    // Loaded only where activities run, so that clients and bundlers stay light.
    const { createActivities } = await import('../activities/index.ts');
    const activities = createActivities({
      database: database.value,
      engine: await traceEngine(engine.value),
      dataDir: dataDirOf(settings.dataDir),
      codeVersion: packageVersion(),
    });
    return { value: { ...activities, ...replaced }, close: () => closeAll(closers) };
  } catch (error) {
    await closeAll(closers);
    throw error;
  }
}

function openDatabase(database: RZeroPluginOptions['database']): Opened<pg.Pool> {
  if (isPool(database)) {
    return { value: database, close: () => Promise.resolve() };
  }
  keepSecret(typeof database === 'string' ? database : database.connectionString);
  if (typeof database === 'object') keepSecret(database.password);
  const pool = openPool(database);
  return { value: pool, close: () => pool.end() };
}

/** By its shape: a pool from another copy of `pg` in the tree is a pool all the same. */
function isPool(database: string | pg.PoolConfig | pg.Pool): database is pg.Pool {
  return typeof database === 'object' && 'connect' in database && typeof database.connect === 'function';
}

/** Closes all, even when one of them fails; the first failure is thrown. */
async function closeAll(closers: readonly (() => Promise<void>)[]): Promise<void> {
  const outcomes = await Promise.allSettled(closers.map((close) => close()));
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed) throw failed.reason;
}

/** @default '.r-zero' in the working directory */
export function dataDirOf(dataDir: string | undefined): string {
  const folder = dataDir ?? '.r-zero';
  return isAbsolute(folder) ? folder : resolve(folder);
}
