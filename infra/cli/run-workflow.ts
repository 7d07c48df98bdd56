/** The workflow of a run, as far as the server knows it without asking a worker. */
import type { Client, WorkflowExecutionInfo, WorkflowExecutionStatusName } from '@temporalio/client';
import type { RunInput, RunStatus } from '../../activities/contract.ts';
import { RZeroError } from '../../activities/errors.ts';
import { STATUS_ATTRIBUTE } from '../../workflows/search-attributes.ts';
import type { rZeroRun } from '../../workflows/run.ts';
import { updateFailure } from '../client-failures.ts';
import { describeOwn, extendRun, findWorkflow, isOpen, resumeRun, runIdOf, startRun, workflowIdOf } from '../client.ts';
import type { RunResult } from '../client.ts';

export interface WorkflowState {
  workflowId: string;
  temporalStatus: WorkflowExecutionStatusName;
  /** True while the execution is open. */
  open: boolean;
  /** What the run says of itself; undefined until its first task is done. */
  status: RunStatus | undefined;
}

/** @returns undefined when Temporal has no such workflow (never started, or its data is gone). */
export async function describeWorkflow(client: Client, runId: string): Promise<WorkflowState | undefined> {
  const found = await findWorkflow(client, runId);
  return found && stateOf(found.description);
}

/**
 * Looks up the workflows of many runs with one list query for all that are going on. The list lags by about a second, so
 * a run that is missing in it is asked about by its id.
 *
 * @returns what `describeWorkflow` would, but `undefined` also for most closed workflows
 */
export async function openWorkflows(client: Client): Promise<(runId: string) => Promise<WorkflowState | undefined>> {
  const open = new Map<string, WorkflowState>();
  const query = "WorkflowType = 'rZeroRun' AND ExecutionStatus = 'Running'";
  for await (const workflow of client.workflow.list({ query })) open.set(runIdOf(workflow), stateOf(workflow));
  return async (runId) => {
    const listed = open.get(runId);
    if (listed) return listed;
    const own = await describeOwn(client, runId);
    return own && stateOf(own.description);
  };
}

function stateOf({ workflowId, status, typedSearchAttributes }: Omit<WorkflowExecutionInfo, 'raw'>): WorkflowState {
  return {
    workflowId,
    temporalStatus: status.name,
    open: isOpen(status.name),
    status: typedSearchAttributes.get(STATUS_ATTRIBUTE) as RunStatus | undefined,
  };
}

/** What was done to have the run going. */
export type Begun = 'started' | 'continued' | 'restarted' | 'resumed-paused' | 'resumed-parked';

/**
 * Starts the run, or has it go on: an open workflow is resumed when it stands still and extended when more iterations
 * are asked for; one that ended before its run did is started again under the same id and continues from Postgres.
 *
 * @param known true when Postgres has the run already
 * @throws RZeroError as `startRun`, `resumeRun` and `extendRun`
 */
export async function beginRun(client: Client, input: RunInput & { runId: string }, known: boolean): Promise<Begun> {
  const { runId, iterations } = input;
  const workflow = await describeWorkflow(client, runId);
  if (!workflow?.open) {
    await startRun(client, input);
    return known ? 'restarted' : 'started';
  }
  let begun: Begun = 'continued';
  if (workflow.status === 'paused' || workflow.status === 'parked') {
    await resumeByCommand(client, runId);
    begun = workflow.status === 'paused' ? 'resumed-paused' : 'resumed-parked';
  }
  if (iterations !== undefined) await extendTo(client, runId, iterations);
  return begun;
}

/** @throws RZeroError as `resumeRun` */
export async function resumeByCommand(client: Client, runId: string): Promise<void> {
  await resumeRun(client, runId, { reason: 'Resumed by the command line.' });
}

/** Extends an open run to a total; harmless when it plans that many already. */
async function extendTo(client: Client, runId: string, iterations: number): Promise<void> {
  try {
    await extendRun(client, runId, { iterations });
  } catch (error) {
    // The workflow refuses a total that is not above its plan, which is no news to the caller.
    if (error instanceof RZeroError && error.code === 'RunInputInvalid') return;
    throw error;
  }
}

/** Result of the newest execution, waiting for its end. Fails with the run's own code. */
export async function readResult(client: Client, runId: string): Promise<RunResult> {
  try {
    const found = await findWorkflow(client, runId);
    return await (found?.handle ?? client.workflow.getHandle<typeof rZeroRun>(workflowIdOf(runId))).result();
  } catch (error) {
    throw updateFailure(error, runId);
  }
}

/** Fails when the server does not answer. */
export async function describeNamespace(client: Client, namespace: string): Promise<void> {
  await client.withDeadline(Date.now() + 3_000, () => client.workflowService.describeNamespace({ namespace }));
}

/** How many workers poll a task queue for workflows now; a run started without one waits until there is. */
export async function countWorkers(client: Client, namespace: string, taskQueue = 'r-zero'): Promise<number> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace,
    taskQueue: { name: taskQueue },
  });
  // The server remembers pollers for minutes; a live one asks again every minute at the latest.
  const fresh = Date.now() / 1000 - 70;
  return (pollers ?? []).filter(({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) > fresh).length;
}

/** A stored status, corrected by the workflow; `stopped` when no workflow is open although the run is not over. */
export type ShownStatus = RunStatus | 'stopped';

/** True for a run whose row has its last word; another start changes it. */
export function isOver(status: RunStatus): boolean {
  return status !== 'running' && status !== 'paused' && status !== 'parked';
}

/** A row says "running" until its workflow says otherwise; without an open workflow nothing runs. */
export function effectiveStatus(status: RunStatus, workflow: WorkflowState | undefined): ShownStatus {
  if (isOver(status)) return status;
  if (workflow?.open === true) return workflow.status ?? status;
  return 'stopped';
}
