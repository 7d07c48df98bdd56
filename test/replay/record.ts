/**
 * `npm run replay:record [-- COURSE…]`: the histories that later versions must be able to replay. Every kind of workflow goes through its telling
 * courses on a real Temporal server, with the real activities on a real Postgres; only the engine is a double that answers at once,
 * and failures are put between. Adds to `histories/<version of this package>` what is not there: a history that is recorded stays, as
 * proof that later code goes on with it. Record before a release, never after it.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import type { Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { createActivities } from '../../activities/index.ts';
import type { RZeroActivities, RunInput, UnitRef, UnitResult } from '../../activities/contract.ts';
import { openPool } from '../../db/client.ts';
import { migrate } from '../../db/migrate.ts';
import {
  cancelRun,
  cancelRunAfterPhase,
  extendRun,
  getRun,
  pauseRun,
  resetRunTo,
  resumeRun,
  startRun,
} from '../../infra/client.ts';
import { destroyStack } from '../../infra/dev-stack/index.ts';
import { startExperiment } from '../../infra/experiments.ts';
import { createSchedule, deleteSchedule, triggerSchedule } from '../../infra/schedules.ts';
import { runWorker } from '../../infra/worker.ts';
import { createEngineDouble } from '../support/engine-double.ts';
import { createGate } from '../support/fake-activities.ts';
import { startPostgres } from '../support/postgres-server.ts';
import { writeSimulatedModel } from '../support/simulated-model.ts';
import { startTestServer, until } from '../support/temporal.ts';

const INPUT: RunInput = {
  iterations: 1,
  challenger: { steps: 1, rollouts: 16, groupSize: 8, votes: 4 },
  labelling: { questions: 32, shardSize: 16, votes: 4 },
  gate: { minimumQuestions: 1 },
  solver: { steps: 1, questions: 4, groupSize: 4 },
  evaluation: { questions: 4, samples: 2 },
};

/** In this order; each takes some runs from their start to their end. */
const COURSES = [
  'finished',
  'paused',
  'parked',
  'ended',
  'spent',
  'nights',
  'experiment',
  'reset',
  'changed',
  'alarmed',
  'nightAfterNight',
] as const;

/** All of them when none is named. */
const asked = process.argv.slice(2);
const isAsked = (course: string): boolean => asked.length === 0 || asked.includes(course);

type Labelling = RZeroActivities['labelQuestions'];

/** What happens to a run, by its id, when its first shard is labelled. */
const atLabelling = new Map<string, () => Promise<void>>();

class Recorder {
  readonly client: Client;
  readonly #model: string;

  constructor(client: Client, model: string) {
    this.client = client;
    this.#model = model;
  }

  start(runId: string, change: RunInput = {}) {
    return startRun(this.client, { ...INPUT, model: this.#model, ...change, runId });
  }

  async reach(runId: string, status: string): Promise<void> {
    await until(
      () => getRun(this.client, runId),
      ({ view }) => view?.status === status,
      120,
    );
  }

  /** Holds the run at its first shard of labelling while `act` goes on. */
  async hold(runId: string, act: () => Promise<unknown>, change: RunInput = {}) {
    const gate = createGate();
    atLabelling.set(runId, gate.wait);
    const run = await this.start(runId, change);
    await gate.reached;
    await act();
    gate.open();
    return run;
  }

  async finished(): Promise<void> {
    await (await this.start('finished', { iterations: 2 })).result();
    // Once more: all is done.
    await (await this.start('finished', { iterations: 2 })).result();
  }

  async paused(): Promise<void> {
    const run = await this.hold('paused', () => pauseRun(this.client, 'paused', { reason: 'a look at the labels' }));
    await this.reach('paused', 'paused');
    await extendRun(this.client, 'paused', { iterations: 2 });
    await resumeRun(this.client, 'paused', { reason: 'they are good' });
    await run.result();
  }

  async parked(): Promise<void> {
    failLabelling('parked', 'CheckpointMissing');
    const run = await this.start('parked');
    await this.reach('parked', 'parked');
    await resumeRun(this.client, 'parked', { reason: 'it is back' });
    await run.result();
  }

  async ended(): Promise<void> {
    const after = await this.hold('ended-after-phase', () => cancelRunAfterPhase(this.client, 'ended-after-phase'));
    await after.result();
    const cancelled = await this.hold('cancelled', () => cancelRun(this.client, 'cancelled'));
    await cancelled.result().catch(() => undefined);
    const refused = await this.start('refused', { iterations: -1 });
    await refused.result().catch(() => undefined);
  }

  async spent(): Promise<void> {
    await (await this.start('budget', { budget: { tokens: 2000, minutes: 600 } })).result();
    await (await this.start('budget', { budget: { minutes: 600 } })).result();
  }

  async nights(): Promise<void> {
    const { client } = this;
    const run = this.settings();
    await createSchedule(client, {
      scheduleId: 'nightly',
      at: '03:00',
      paused: true,
      input: { runId: 'nightly', run },
    });
    await triggerSchedule(client, 'nightly');
    await this.nightsEnded(1);
    // A run that somebody else advances is left alone, and one that parks fails its night.
    const advanced = await this.hold('nightly', () => this.night('stood-aside', 'nightly'), { iterations: 2 });
    await advanced.result();
    failLabelling('parked-at-night', 'CheckpointMissing');
    await this.night('parked-night', 'parked-at-night', run).catch(() => undefined);
    await resumeRun(client, 'parked-at-night', {});
    await until(
      () => getRun(client, 'parked-at-night'),
      ({ temporalStatus }) => temporalStatus === 'COMPLETED',
      60,
    );
    await deleteSchedule(client, 'nightly');
  }

  /** Where the number of iterations is said beside them. */
  settings(): RunInput {
    const { iterations: _, ...settings } = INPUT;
    return { ...settings, model: this.#model };
  }

  night(workflowId: string, runId: string, run?: RunInput): Promise<unknown> {
    const args = [{ runId, ...(run === undefined ? {} : { run }) }];
    return this.client.workflow.execute('rZeroNightly', { workflowId, taskQueue: 'r-zero', args });
  }

  async nightsEnded(count: number): Promise<void> {
    await until(
      async () => {
        const { count: found } = await this.client.workflow.count(
          "WorkflowType = 'rZeroNightly' AND ExecutionStatus = 'Completed'",
        );
        return found;
      },
      (found) => found >= count,
      120,
    );
  }

  async experiment(): Promise<void> {
    const base = this.settings();
    const settings = { ours: {}, coin: { control: 'random-reward' } };
    const started = await startExperiment(this.client, {
      experimentId: 'two',
      iterations: 1,
      seeds: [1],
      base,
      settings,
    });
    await started.result();
  }

  /** While it is paused, while it is at work, and of an iteration that is over. */
  async reset(): Promise<void> {
    // The double leaves no checkpoints that a later phase could go on from.
    const place = { iteration: 1, phase: 'challenger_training', reason: 'once more' } as const;
    const paused = await this.hold('reset-paused', () => pauseRun(this.client, 'reset-paused'));
    await this.reach('reset-paused', 'paused');
    await resetRunTo(this.client, 'reset-paused', { ...place, input: { gate: { lower: 0.1 } } });
    await paused.result();
    const stopped = await this.hold('reset-at-work', () =>
      resetRunTo(this.client, 'reset-at-work', { ...place, stop: true }),
    );
    await stopped.result();
    failLabelling('reset-parked', 'CheckpointMissing');
    const parked = await this.start('reset-parked');
    await this.reach('reset-parked', 'parked');
    await resetRunTo(this.client, 'reset-parked', { ...place, iteration: 0, phase: 'evaluation' });
    await parked.result();
  }

  /** A parked run that goes on with other settings; some may not change. */
  async changed(): Promise<void> {
    failLabelling('changed', 'CheckpointMissing');
    const run = await this.start('changed');
    await this.reach('changed', 'parked');
    await resumeRun(this.client, 'changed', { input: { seed: 2 } }).catch(() => undefined);
    await resumeRun(this.client, 'changed', { input: { microBatch: 8, gate: { upper: 0.9 } }, reason: 'less memory' });
    await run.result();
  }

  /** By a threshold that no run keeps to. */
  async alarmed(): Promise<void> {
    const raisedBy = (action: string) => ({ rollback: { most: 1 }, solveRates: { ceiling: 0.01, action } });
    const parked = await this.start('alarm-parked', { alarms: raisedBy('pause') });
    await this.reach('alarm-parked', 'parked');
    await resumeRun(this.client, 'alarm-parked', { reason: 'known' });
    await parked.result();
    await (await this.start('alarm-stopped', { alarms: raisedBy('stop') })).result();
    await (await this.start('alarm-rolled-back', { alarms: raisedBy('rollback') })).result();
  }

  /** The second night goes on with what the first has made. */
  async nightAfterNight(): Promise<void> {
    for (const night of ['first-night', 'second-night']) await this.night(night, 'by-night', this.settings());
  }

  async renewed(): Promise<void> {
    await (
      await this.start('renewed', { iterations: 2, labelling: { questions: 96, shardSize: 4, votes: 4 } })
    ).result();
  }
}

function failLabelling(runId: string, code: string): void {
  atLabelling.set(runId, () => Promise.reject(ApplicationFailure.nonRetryable('The file is not there.', code)));
}

/** The real one, with what `atLabelling` says before it. */
function interrupted(label: Labelling): Labelling {
  return async (ref: UnitRef): Promise<UnitResult> => {
    const happens = atLabelling.get(ref.runId);
    atLabelling.delete(ref.runId);
    await happens?.();
    return await label(ref);
  };
}

/** @param suggestAfter events after which the server suggests to continue as new */
async function record(scratch: string, suggestAfter: number, courses: (recorder: Recorder) => Promise<void>) {
  const server = await startTestServer({
    dynamicConfig: { 'limit.historyCount.suggestContinueAsNew': suggestAfter },
  });
  const dataDir = mkdtempSync(join(scratch, 'data-'));
  const database = await startPostgres(dataDir);
  const pool = openPool(database);
  const model = join(scratch, 'model');
  const stopping = new AbortController();
  let working: Promise<void> = Promise.resolve();
  try {
    await migrate(pool);
    const engine = await createEngineDouble({ modelDir: model, answerTokens: 20, questions: 500 });
    const { labelQuestions } = createActivities({ database: pool, engine, dataDir, codeVersion: version });
    await new Promise<void>((onReady, fail) => {
      const { signal } = stopping;
      const connection = server.nativeConnection;
      const activities = { labelQuestions: interrupted(labelQuestions) };
      working = runWorker({ connection, database, dataDir, engine, activities, signal, onReady: () => onReady() });
      working.catch(fail);
    });
    await courses(new Recorder(server.client, model));
    return await readHistories(server.client);
  } finally {
    stopping.abort();
    await working.catch(() => undefined);
    await pool.end();
    await destroyStack(dataDir);
    await server.teardown();
  }
}

/** Every execution that the server has, by a file name: workflow id and its place among those of the id. */
async function readHistories(client: Client): Promise<Map<string, string>> {
  const executions: { workflowId: string; runId: string; startTime: Date }[] = [];
  for await (const { workflowId, runId, startTime } of client.workflow.list()) {
    // The server's own, which start what schedules ask for.
    if (!workflowId.startsWith('temporal-sys-')) executions.push({ workflowId, runId, startTime });
  }
  executions.sort((a, b) => a.startTime.getTime() - b.startTime.getTime());
  const found = new Map<string, string>();
  const counts = new Map<string, number>();
  for (const { workflowId, runId } of executions) {
    const count = (counts.get(workflowId) ?? 0) + 1;
    counts.set(workflowId, count);
    const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    const name = workflowId.replaceAll('/', '.').replace(/-\d{4}-\d\d-\d\dT[\d:]+Z$/, '-scheduled');
    found.set(`${name}.${count}`, anonymous(historyToJSON(history)));
  }
  return found;
}

/** Without who recorded it and where: neither takes part in a replay. */
function anonymous(history: string): string {
  return JSON.stringify(
    JSON.parse(history, (key, value: unknown) => {
      if (key === 'identity') return 'recorder';
      return key === 'stackTrace' ? '' : value;
    }),
  );
}

const manifest = fileURLToPath(new URL('../../package.json', import.meta.url));
const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
const target = fileURLToPath(new URL(`./histories/${version}`, import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'r-zero-replay-'));
try {
  writeSimulatedModel(join(scratch, 'model'));
  const whole = await record(scratch, 4096, async (recorder) => {
    for (const course of COURSES) if (isAsked(course)) await recorder[course]();
  });
  const renewed = isAsked('renewed') ? await record(scratch, 100, (recorder) => recorder.renewed()) : [];
  mkdirSync(target, { recursive: true });
  const recorded = [...whole, ...renewed].map(([name, history]) => [join(target, `${name}.json.gz`), history] as const);
  const added = recorded.filter(([file]) => !existsSync(file));
  for (const [file, history] of added) writeFileSync(file, gzipSync(history, { level: 9 }));
  console.log(`${added.length} of ${recorded.length} histories of version ${version} are new in ${target}.`);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
// Handles of the native runtime keep the loop alive.
process.exit(0);
