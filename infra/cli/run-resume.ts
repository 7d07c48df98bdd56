/** `r-zero run resume` and `retry`: have a run go on, whatever it stands at, and say what was done. */
import { changeStoredInput } from '../../activities/run-changes.ts';
import { RZeroError } from '../../activities/errors.ts';
import type { RunInput, RunStatus } from '../../activities/contract.ts';
import { getRun as getRunRow } from '../../db/queries/runs.ts';
import type { RunRow } from '../../db/queries/runs.ts';
import { resumeRun, startRun } from '../client.ts';
import { packageVersion } from '../package-info.ts';
import { warnWithoutWorker, withRunningStack } from './run-client.ts';
import type { RunAccess, RunCommandOptions } from './run-client.ts';
import { requester } from './run-reset.ts';
import { describeWorkflow } from './run-workflow.ts';
import type { WorkflowState } from './run-workflow.ts';
import type { Terminal } from './terminal.ts';

export interface ResumeOrder {
  order: 'resume' | 'retry';
  reason?: string;
  input?: RunInput;
}

/** What was done to have the run going. */
type Way = 'resumed' | 'restarted';

export async function resumeRunCommand(
  options: RunCommandOptions,
  runId: string,
  order: ResumeOrder,
  terminal: Terminal,
): Promise<void> {
  await withRunningStack(options.dataDir, async (access) => {
    const workflow = await describeWorkflow(access.client, runId);
    // A run that has no row yet may stand still on its way there.
    const row = workflow?.open ? undefined : await getRunRow(access.pool, runId);
    const [way, words] = row
      ? await restart(access, row, workflow, order)
      : await send(access, runId, workflow!, order);
    if (options.json) terminal.out(JSON.stringify({ runId, status: 'running', way }));
    else terminal.out(words);
    await warnWithoutWorker(access, terminal);
  });
}

async function send(
  { client }: RunAccess,
  runId: string,
  workflow: WorkflowState,
  { order, ...request }: ResumeOrder,
): Promise<[Way, string]> {
  if (order === 'retry' && workflow.status !== 'parked') throw nothingFailed(runId, workflow.status ?? 'running');
  await resumeRun(client, runId, { ...request, by: requester() });
  const changed = request.input === undefined ? '' : ' with the changed settings';
  const words =
    workflow.status === 'parked'
      ? `Run ${runId} was parked: it tries what failed again${changed}.`
      : `Run ${runId} was paused: it goes on${changed}.`;
  return ['resumed', words];
}

async function restart(
  { client, pool }: RunAccess,
  run: RunRow,
  workflow: WorkflowState | undefined,
  { order, reason, input }: ResumeOrder,
): Promise<[Way, string]> {
  const { runId, status } = run;
  if (status === 'completed') {
    throw new RZeroError('RunInputInvalid', `Run "${runId}" is complete: there is nothing to resume.`, {
      field: 'runId',
      fix: `Plan more iterations with \`npx r-zero run extend ${runId}\`, or do some again with \`npx r-zero run reset-to ${runId}\`.`,
    });
  }
  if (order === 'retry' && (status === 'waiting' || status === 'cancelled' || status === 'paused')) {
    throw nothingFailed(runId, status);
  }
  if (input !== undefined) {
    const codeVersion = packageVersion();
    await changeStoredInput({ database: pool, codeVersion }, { runId, input, reason, requestedBy: requester() });
  }
  await startRun(client, { runId });
  return ['restarted', `Run ${runId} ${whyRestarted(status, workflow)}: a new workflow continues it from Postgres.`];
}

function whyRestarted(status: RunRow['status'], workflow: WorkflowState | undefined): string {
  if (status === 'waiting') return 'was waiting';
  if (workflow === undefined) return 'has no workflow in Temporal any more';
  const words: Partial<Record<WorkflowState['temporalStatus'], string>> = {
    FAILED: 'had failed',
    TERMINATED: 'was terminated',
    CANCELLED: 'was cancelled',
    TIMED_OUT: 'had timed out',
  };
  return words[workflow.temporalStatus] ?? `had ended (${status})`;
}

function nothingFailed(runId: string, status: RunStatus): RZeroError {
  return new RZeroError(
    'RunInputInvalid',
    `Run "${runId}" is ${status}: nothing has failed that could be tried again.`,
    {
      field: 'runId',
      fix: `Have it go on with \`npx r-zero run resume ${runId}\`, or do a phase again with \`npx r-zero run reset-to ${runId}\`.`,
    },
  );
}
