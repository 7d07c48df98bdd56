// What the package promises: whoever changes these lists changes other people's programs.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type {
  CheckpointManifest,
  Completion,
  ModelLease,
  TfjsEngineOptions,
  Tokenizer,
} from '../../activities/engine/index.ts';
import type {
  Budget,
  BudgetState,
  ConnectOptions,
  ConnectedClient,
  ListOptions,
  NightlyInput,
  NightlySchedule,
  NightResult,
  PauseRequest,
  RunInfo,
  RunListItem,
  ScheduleDetails,
  ScheduleItem,
  ScheduleTimes,
  StartedRun,
  StartOptions,
} from '../../infra/public-client.ts';
import type {
  Engine,
  ErrorCode,
  RunInput,
  RunResult,
  RunStatus,
  RunStatusView,
  RunWorkerOptions,
  RZeroActivities,
  RZeroPluginOptions,
  TemporalTarget,
  WorkerReady,
} from '../../infra/index.ts';
import type { IterationOutcome, RunParked } from '../../workflows/index.ts';

/** The types that the entry points promise: without one of them, this file does not compile. */
export type PublicTypes = [
  ...[RZeroPluginOptions, RunWorkerOptions, WorkerReady, TemporalTarget, RunInput, RunStatus, RunResult, RunStatusView],
  ...[RZeroActivities, Engine, ErrorCode],
  ...[ConnectOptions, ConnectedClient, StartOptions, StartedRun, RunInfo, RunListItem, ListOptions, PauseRequest],
  ...[ModelLease, Completion, TfjsEngineOptions, Tokenizer, CheckpointManifest],
  ...[NightlyInput, NightResult, NightlySchedule, ScheduleDetails, ScheduleItem, ScheduleTimes, Budget, BudgetState],
  ...[IterationOutcome, RunParked],
];

export const PUBLIC_NAMES: Readonly<Record<string, readonly string[]>> = {
  '.': ['RZeroError', 'RZeroPlugin', 'runWorker'],
  './workflows': [
    'cancelAfterPhaseUpdate',
    'extendUpdate',
    'iterationControlSignal',
    'iterationReportSignal',
    'pauseUpdate',
    'rZeroExperiment',
    'rZeroIteration',
    'rZeroNightly',
    'rZeroRun',
    'resetToUpdate',
    'resumeUpdate',
    'runParkedSignal',
    'statusQuery',
  ],
  './client': [
    'RZeroError',
    'backfillSchedule',
    'cancelRun',
    'cancelRunAfterPhase',
    'connect',
    'createSchedule',
    'deleteSchedule',
    'encryptedDataConverter',
    'extendRun',
    'getRun',
    'getSchedule',
    'listRuns',
    'listSchedules',
    'pauseRun',
    'pauseSchedule',
    'resetRunTo',
    'resumeRun',
    'startExperiment',
    'startRun',
    'triggerSchedule',
    'unpauseSchedule',
    'workflowIdOf',
  ],
  './db': ['assertSchemaCurrent', 'migrate', 'openPool', 'schema'],
  './engine': ['createLocalEngine', 'createTfjsEngine', 'loadTokenizer', 'readCheckpointManifest', 'verifyCheckpoint'],
};

const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  exports: Record<string, string | { types: string; default: string }>;
};

test('the package has these entry points and no others', () => {
  assert.deepEqual(Object.keys(manifest.exports).sort(), [...Object.keys(PUBLIC_NAMES), './package.json'].sort());
});

for (const [entry, names] of Object.entries(PUBLIC_NAMES)) {
  test(`temporal-r-zero${entry.slice(1)} exports exactly its public names`, async () => {
    const target = manifest.exports[entry];
    assert.ok(typeof target === 'object');
    assert.equal(target.types, target.default.replace(/\.js$/, '.d.ts'));
    const source = target.default.replace(/^\.\/dist\//, '../../').replace(/\.js$/, '.ts');
    const module = (await import(new URL(source, import.meta.url).href)) as object;
    assert.deepEqual(Object.keys(module).sort(), [...names].sort());
  });
}
