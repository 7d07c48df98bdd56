/** A Temporal dev server for tests, and workers made from the plugin with fake activities. */
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, Worker, makeTelemetryFilterString } from '@temporalio/worker';
import type { NativeConnection, WorkerOptions } from '@temporalio/worker';
import { RZeroPlugin } from '../../infra/plugin.ts';
import { ensureTemporalCli } from '../../infra/setup/temporal-cli.ts';
import { loadWorkflowBundle } from '../../infra/workflow-bundle.ts';
import { SEARCH_ATTRIBUTES } from '../../workflows/search-attributes.ts';
import type { FakeActivities } from './fake-activities.ts';

export interface TestServerOptions {
  /** Registers our search attributes when the server starts. @default true */
  searchAttributes?: boolean;
  /** Dynamic configuration of the server. @default {} */
  dynamicConfig?: Readonly<Record<string, number | boolean>>;
  /** Serves the UI there, too. @default no UI */
  uiPort?: number;
}

/** Quiet: the SDK's warnings about failures that a test provokes would hide the test's own output. */
export async function startTestServer({
  searchAttributes = true,
  dynamicConfig = {},
  uiPort,
}: TestServerOptions = {}): Promise<TestWorkflowEnvironment> {
  installQuietRuntime();
  const { path } = await ensureTemporalCli();
  return await TestWorkflowEnvironment.createLocal({
    server: {
      executable: { type: 'existing-path', path },
      ...(uiPort === undefined ? {} : { uiPort }),
      extraArgs: Object.entries(dynamicConfig).flatMap(([key, value]) => ['--dynamic-config-value', `${key}=${value}`]),
      ...(searchAttributes ? { searchAttributes: [...SEARCH_ATTRIBUTES] } : {}),
    },
  });
}

let isQuiet = false;

/** Once a process: a test file with two servers comes here twice. */
export function installQuietRuntime(): void {
  if (isQuiet) return;
  isQuiet = true;
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: {
      logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) },
    },
  });
}

export function uniqueName(prefix: string): string {
  return `${prefix}-${randomUUID().slice(0, 8)}`;
}

/** Built once for all test files and kept in the temporary folder. */
export async function testBundle(): Promise<{ code: string }> {
  return await loadWorkflowBundle({ cacheDir: join(tmpdir(), 'r-zero-test-cache') });
}

export interface WorkersOptions {
  taskQueue: string;
  fake: FakeActivities;
  /** Overrides for the worker of workflows. */
  workflowWorker?: Partial<WorkerOptions>;
}

/**
 * Runs the workers of both queues while `use` runs; fails when the workflow misuses the fake activities. Workflows run in this
 * thread: a thread of their own costs half a second for each test. The tests of whole runs have it, as users do.
 */
export async function withWorkers<T>(
  connection: NativeConnection,
  { taskQueue, fake, workflowWorker = {} }: WorkersOptions,
  use: () => Promise<T>,
): Promise<T> {
  const plugin = new RZeroPlugin({ database: 'postgres://not-opened', activities: fake.activities });
  const common = { connection, plugins: [plugin] };
  const workflows = await Worker.create({
    ...common,
    taskQueue,
    workflowBundle: await testBundle(),
    debugMode: true,
    ...workflowWorker,
  });
  const gpu = await Worker.create({ ...common, taskQueue: `${taskQueue}-gpu` });
  return await workflows.runUntil(() => gpu.runUntil(() => Promise.race([use(), fake.faulted])));
}

/** Asks until the answer is right. @throws after so many seconds, with the last answer */
export async function until<T>(ask: () => Promise<T>, isRight: (answer: T) => boolean, seconds = 20): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await ask();
    if (isRight(answer)) return answer;
    if (Date.now() > deadline) throw new Error(`Still ${JSON.stringify(answer)} after ${seconds} seconds.`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
