/** Starting, steering and listing runs from a program; the `r-zero` command is built on this. */
import {
  Client,
  Connection,
  WorkflowExecutionAlreadyStartedError,
  WorkflowIdConflictPolicy,
  WorkflowNotFoundError,
} from '@temporalio/client';
import type {
  WorkflowExecutionDescription,
  WorkflowExecutionInfo,
  WorkflowExecutionStatusName,
  WorkflowHandle,
} from '@temporalio/client';
import type { RunInput, RunStatus } from '../activities/contract.ts';
import { RZeroError } from '../activities/errors.ts';
import {
  cancelAfterPhaseUpdate,
  extendUpdate,
  pauseUpdate,
  resetToUpdate,
  resumeUpdate,
  statusQuery,
} from '../workflows/messages.ts';
import type {
  CancelAfterPhaseRequest,
  ExtendRequest,
  PauseRequest,
  ResetToRequest,
  ResumeRequest,
  RunResult,
  RunStatusView,
} from '../workflows/messages.ts';
import type { rZeroRun } from '../workflows/run.ts';
import {
  ITERATION_ATTRIBUTE,
  PHASE_ATTRIBUTE,
  RUN_ID_ATTRIBUTE,
  STATUS_ATTRIBUTE,
} from '../workflows/search-attributes.ts';
import { isNoWorker, isRejectedQuery, isUnknownAttribute, updateFailure } from './client-failures.ts';
import { loadedEncryption } from './codec/encryption.ts';
import { codecKeysOf } from './codec/keys.ts';
import { temporalSettings, unreachable } from './temporal-connection.ts';
import type { TemporalTarget } from './temporal-connection.ts';

export type { RunResult, RunStatusView } from '../workflows/messages.ts';

const ID_PREFIX = 'r-zero/';
/** A worker answers in milliseconds; after this long there is none. */
const ANSWER_DEADLINE_MS = 15_000;

export interface ConnectedClient {
  client: Client;
  address: string;
  namespace: string;
  close: () => Promise<void>;
}

export interface ConnectOptions extends TemporalTarget {
  /** Keys as in `R_ZERO_CODEC_KEYS`, when payloads are encrypted. @default what `R_ZERO_CODEC_KEYS` or `R_ZERO_CODEC_KEY_FILE` say */
  encryption?: string;
}

/**
 * A client by Temporal's own settings: TEMPORAL_* variables and profile file, unless the target says otherwise.
 *
 * @throws RZeroError `TemporalUnreachable`, and `RunInputInvalid` for malformed keys
 */
export async function connect(target: ConnectOptions = {}): Promise<ConnectedClient> {
  const { options, address, namespace } = temporalSettings(target);
  const keys = target.encryption ?? codecKeysOf(process.env);
  const dataConverter = loadedEncryption(keys);
  try {
    const connection = await Connection.connect(options);
    const client = new Client({ connection, namespace, dataConverter });
    return { client, address, namespace, close: () => connection.close() };
  } catch (error) {
    throw unreachable(address, error);
  }
}

export interface StartOptions {
  /** Queue of the workers that shall take the run. @default 'r-zero' */
  taskQueue?: string;
}

export interface StartedRun {
  runId: string;
  workflowId: string;
  /** Temporal's id of this execution. */
  temporalRunId: string;
  /** Waits for the end. Fails with the run's own code, e.g. `RunInputInvalid`. */
  result: () => Promise<RunResult>;
}

/**
 * Starts a run, or continues a known one from Postgres. Workflow id `r-zero/<runId>`.
 *
 * @param input see `RunInput`; `runId` is made from the time when it is missing
 * @throws RZeroError `RunConflict` when a workflow of that run is going on
 */
export async function startRun(client: Client, input: RunInput = {}, options: StartOptions = {}): Promise<StartedRun> {
  const runId = input.runId ?? defaultRunId(new Date());
  const workflowId = workflowIdOf(runId);
  try {
    const handle = await client.workflow.start<typeof rZeroRun>('rZeroRun', {
      workflowId,
      taskQueue: options.taskQueue ?? 'r-zero',
      args: [{ ...input, runId }],
      workflowIdConflictPolicy: WorkflowIdConflictPolicy.FAIL,
      staticSummary: `R-Zero run ${runId}`,
    });
    return {
      runId,
      workflowId,
      temporalRunId: handle.firstExecutionRunId,
      result: async () => {
        try {
          return await handle.result();
        } catch (error) {
          throw updateFailure(error, runId);
        }
      },
    };
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    throw new RZeroError('RunConflict', `Run "${runId}" is going on already, as workflow ${workflowId}.`, {
      field: 'runId',
      fix: `Look at it with \`r-zero run status ${runId}\`, or choose another run id.`,
      cause: error,
    });
  }
}

export interface RunInfo {
  runId: string;
  workflowId: string;
  temporalRunId: string;
  /** Temporal's word for the execution. */
  temporalStatus: WorkflowExecutionStatusName;
  startedAt: Date;
  closedAt?: Date;
  /** What the run says of itself; absent when no worker answers. */
  view?: RunStatusView;
}

/** @throws RZeroError `RunNotFound` */
export async function getRun(client: Client, runId: string): Promise<RunInfo> {
  const handle = await findRun(client, runId);
  const { workflowId, runId: temporalRunId, status, startTime, closeTime } = await handle.describe();
  const view = await readView(client, handle);
  return {
    runId,
    workflowId,
    temporalRunId,
    temporalStatus: status.name,
    startedAt: startTime,
    ...(closeTime === undefined ? {} : { closedAt: closeTime }),
    ...(view === undefined ? {} : { view }),
  };
}

/** Pauses after the shard or step at work. @throws RZeroError `RunNotFound`, `RunInputInvalid`, `TemporalUnreachable` */
export async function pauseRun(client: Client, runId: string, request: PauseRequest = {}): Promise<RunStatusView> {
  return await update(client, runId, (handle) => handle.executeUpdate(pauseUpdate, { args: [request] }));
}

/** Goes on after a pause, or tries a failed unit again. @throws as `pauseRun` */
export async function resumeRun(client: Client, runId: string, request: ResumeRequest = {}): Promise<RunStatusView> {
  return await update(client, runId, (handle) => handle.executeUpdate(resumeUpdate, { args: [request] }));
}

/** Does everything again from a phase on. @throws as `pauseRun`, and `CheckpointPruned` */
export async function resetRunTo(client: Client, runId: string, request: ResetToRequest): Promise<RunStatusView> {
  return await update(client, runId, (handle) => handle.executeUpdate(resetToUpdate, { args: [request] }));
}

/** Plans more iterations: the new total, one more by default. @throws as `pauseRun` */
export async function extendRun(client: Client, runId: string, request: ExtendRequest = {}): Promise<RunStatusView> {
  return await update(client, runId, (handle) => handle.executeUpdate(extendUpdate, { args: [request] }));
}

/** Ends the run after its present phase. @throws as `pauseRun` */
export async function cancelRunAfterPhase(
  client: Client,
  runId: string,
  request: CancelAfterPhaseRequest = {},
): Promise<RunStatusView> {
  return await update(client, runId, (handle) => handle.executeUpdate(cancelAfterPhaseUpdate, { args: [request] }));
}

/** Cancels at once: the shard or step at work is given up. @throws RZeroError `RunNotFound` */
export async function cancelRun(client: Client, runId: string): Promise<void> {
  const handle = await findRun(client, runId);
  try {
    await handle.cancel();
  } catch (error) {
    throw updateFailure(error, runId);
  }
}

export interface RunListItem {
  runId: string;
  workflowId: string;
  temporalStatus: WorkflowExecutionStatusName;
  status?: RunStatus;
  iteration?: number;
  phase?: string;
  startedAt: Date;
  closedAt?: Date;
}

export interface ListOptions {
  /** Only runs with this status. */
  status?: RunStatus;
  /** @default 50 */
  limit?: number;
}

/** Newest first, each run once, as far as Temporal remembers; Postgres knows all runs. */
export async function listRuns(client: Client, { status, limit = 50 }: ListOptions = {}): Promise<RunListItem[]> {
  const found = new Map<string, RunListItem>();
  for await (const run of client.workflow.list({ query: "WorkflowType = 'rZeroRun'" })) {
    const runId = runIdOf(run);
    if (found.has(runId)) continue;
    const own = run.typedSearchAttributes.get(STATUS_ATTRIBUTE) as RunStatus | undefined;
    const iteration = run.typedSearchAttributes.get(ITERATION_ATTRIBUTE);
    const phase = run.typedSearchAttributes.get(PHASE_ATTRIBUTE);
    found.set(runId, {
      runId,
      workflowId: run.workflowId,
      temporalStatus: run.status.name,
      ...(own === undefined ? {} : { status: own }),
      ...(iteration === undefined ? {} : { iteration }),
      ...(phase === undefined ? {} : { phase }),
      startedAt: run.startTime,
      ...(run.closeTime === undefined ? {} : { closedAt: run.closeTime }),
    });
  }
  // The newest execution decides on a run's status, so the filter comes after the choice of executions.
  return [...found.values()].filter((run) => status === undefined || run.status === status).slice(0, limit);
}

export function workflowIdOf(runId: string): string {
  return `${ID_PREFIX}${runId}`;
}

/** The run of a listed workflow: its search attribute, else the workflow's own id. */
export function runIdOf({ workflowId, typedSearchAttributes }: WorkflowExecutionInfo): string {
  return typedSearchAttributes.get(RUN_ID_ATTRIBUTE) ?? workflowId.replace(ID_PREFIX, '');
}

/** e.g. `run-20260823-141502`: sorts by time and reads aloud. */
function defaultRunId(now: Date): string {
  const [date = '', time = ''] = now.toISOString().split('T');
  return `run-${date.replaceAll('-', '')}-${time.slice(0, 8).replaceAll(':', '')}`;
}

export interface FoundWorkflow {
  handle: WorkflowHandle<typeof rZeroRun>;
  description: WorkflowExecutionDescription;
}

/**
 * The workflow of a run: the open one, else the one that was started last. Ours is `r-zero/<runId>`; one that was started
 * in the UI or by a schedule under an id of its own is found by its search attribute.
 *
 * @returns undefined when Temporal has none (never started, or its data is gone)
 */
export async function findWorkflow(client: Client, runId: string): Promise<FoundWorkflow | undefined> {
  const own = await describeOwn(client, runId);
  if (own && isOpen(own.description.status.name)) return own;
  const other = await findOther(client, runId, own?.description.startTime);
  return (other === undefined ? undefined : await describe(client, other)) ?? own;
}

/** The workflow `r-zero/<runId>`, without a look at others: exact at any moment, where a list lags behind. */
export async function describeOwn(client: Client, runId: string): Promise<FoundWorkflow | undefined> {
  return await describe(client, workflowIdOf(runId));
}

/** @returns id of the run's open workflow, else of the newest that was started after `since`; ours is left out. */
async function findOther(client: Client, runId: string, since: Date | undefined): Promise<string | undefined> {
  const query = `WorkflowType = 'rZeroRun' AND ${RUN_ID_ATTRIBUTE.name} = "${runId.replace(/["\\]/g, '')}"`;
  let newest: { workflowId: string; startTime: Date } | undefined;
  try {
    for await (const { workflowId, startTime, status } of client.workflow.list({ query })) {
      if (workflowId === workflowIdOf(runId)) continue;
      if (isOpen(status.name)) return workflowId;
      if (startTime > (newest?.startTime ?? since ?? new Date(0))) newest = { workflowId, startTime };
    }
  } catch (error) {
    if (!isUnknownAttribute(error)) throw error;
  }
  return newest?.workflowId;
}

export function isOpen(status: WorkflowExecutionStatusName): boolean {
  return status === 'RUNNING' || status === 'PAUSED';
}

async function describe(client: Client, workflowId: string): Promise<FoundWorkflow | undefined> {
  const handle = client.workflow.getHandle<typeof rZeroRun>(workflowId);
  try {
    return { handle, description: await handle.describe() };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

async function findRun(client: Client, runId: string): Promise<WorkflowHandle<typeof rZeroRun>> {
  const found = await findWorkflow(client, runId);
  if (found) return found.handle;
  throw new RZeroError('RunNotFound', `Temporal knows no run "${runId}".`, {
    field: 'runId',
    fix: 'See `r-zero run list`; start it with the same run id to continue it from Postgres.',
  });
}

async function readView(client: Client, handle: WorkflowHandle<typeof rZeroRun>): Promise<RunStatusView | undefined> {
  try {
    return await client.withDeadline(Date.now() + ANSWER_DEADLINE_MS, () => handle.query(statusQuery));
  } catch (error) {
    if (isNoWorker(error) || isRejectedQuery(error)) return undefined;
    throw error;
  }
}

async function update(
  client: Client,
  runId: string,
  send: (handle: WorkflowHandle<typeof rZeroRun>) => Promise<RunStatusView>,
): Promise<RunStatusView> {
  const handle = await findRun(client, runId);
  try {
    return await client.withDeadline(Date.now() + ANSWER_DEADLINE_MS, () => send(handle));
  } catch (error) {
    throw updateFailure(error, runId);
  }
}
