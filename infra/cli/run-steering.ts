/** `r-zero run start`, `pause`, `extend` and `cancel`. */
import type { RunInput } from '../../activities/contract.ts';
import { RZeroError } from '../../activities/errors.ts';
import { getRun as getRunRow } from '../../db/queries/runs.ts';
import { cancelRun, cancelRunAfterPhase, extendRun, pauseRun, startRun } from '../client.ts';
import type { RunStatusView } from '../client.ts';
import { isFinished } from './demo-run.ts';
import { runPage, warnWithoutWorker, withRunningStack } from './run-client.ts';
import type { RunAccess, RunCommandOptions } from './run-client.ts';
import { readSnapshot } from './run-snapshot.ts';
import { describeWorkflow } from './run-workflow.ts';
import type { Terminal } from './terminal.ts';

export async function startRunCommand(options: RunCommandOptions, input: RunInput, terminal: Terminal): Promise<void> {
  await withRunningStack(options.dataDir, async (access) => {
    const { client, namespace, uiUrl } = access;
    if (input.runId !== undefined && (await isNothingLeft(access, { ...input, runId: input.runId }))) {
      const { runId } = input;
      if (options.json) terminal.out(JSON.stringify({ runId, started: false, workflowId: null, page: null }));
      else terminal.out(`Run ${runId} is complete. Plan more with: npx r-zero run extend ${runId}`);
      return;
    }
    const { runId, workflowId } = await startRun(client, input);
    const page = runPage(uiUrl, namespace, workflowId);
    if (options.json) {
      terminal.out(JSON.stringify({ runId, started: true, workflowId, page: page ?? null }));
    } else {
      terminal.out(`Run ${runId} is started (workflow ${workflowId}).`);
      if (page) terminal.out(`  Temporal UI: ${page}`);
      terminal.out(`  Progress:    npx r-zero run status ${runId}`);
    }
    await warnWithoutWorker(access, terminal);
  });
}

/**
 * Looks at what is stored before a workflow is started that would find the same: too late for an answer here.
 *
 * @throws RZeroError `RunConflict` when the run has other settings, or goes on under whatever workflow id
 */
async function isNothingLeft({ client, pool }: RunAccess, input: RunInput & { runId: string }): Promise<boolean> {
  const stored = await readSnapshot(pool, input.runId);
  const finished = stored !== undefined && isFinished(stored, input);
  const workflow = await describeWorkflow(client, input.runId);
  if (!workflow?.open) return finished;
  throw new RZeroError('RunConflict', `Run "${input.runId}" is going on already, as workflow ${workflow.workflowId}.`, {
    field: 'runId',
    fix: `Look at it with \`npx r-zero run status ${input.runId}\`, or choose another run id.`,
  });
}

export type Steering =
  | { order: 'pause'; reason?: string }
  | { order: 'extend'; iterations?: number }
  | { order: 'cancel'; afterPhase: boolean; reason?: string };

export async function steerRunCommand(
  options: RunCommandOptions,
  runId: string,
  steering: Steering,
  terminal: Terminal,
): Promise<void> {
  await withRunningStack(options.dataDir, async (access) => {
    const workflow = await describeWorkflow(access.client, runId);
    const view = workflow?.open ? await send(access, runId, steering) : await reopen(access, runId, steering);
    if (options.json) terminal.out(JSON.stringify({ runId, ...view }));
    else terminal.out(describeSteering(runId, steering, view));
    await warnWithoutWorker(access, terminal);
  });
}

type SteeredRun = Partial<Pick<RunStatusView, 'status' | 'iterations'>>;

async function send({ client }: RunAccess, runId: string, steering: Steering): Promise<SteeredRun> {
  if (steering.order === 'extend') {
    return await extendRun(client, runId, steering.iterations === undefined ? {} : { iterations: steering.iterations });
  }
  const request = steering.reason === undefined ? {} : { reason: steering.reason };
  if (steering.order === 'pause') return await pauseRun(client, runId, request);
  if (steering.afterPhase) return await cancelRunAfterPhase(client, runId, request);
  await cancelRun(client, runId);
  // The server has taken the request; the workflow closes when the engine has put its work away.
  return {};
}

/** A run without an open workflow is continued by a new one; a pause and a cancellation have nothing to act on. */
async function reopen({ client, pool }: RunAccess, runId: string, steering: Steering): Promise<SteeredRun> {
  const run = await getRunRow(pool, runId);
  if (steering.order === 'pause' || steering.order === 'cancel') {
    throw new RZeroError('RunNotFound', `Run "${runId}" is not going on (${run.status}).`, {
      field: 'runId',
      fix: `There is nothing to ${steering.order}.`,
    });
  }
  const planned = steering.iterations ?? run.iterations + 1;
  if (planned <= run.iterations) {
    throw new RZeroError('RunInputInvalid', `Run "${runId}" has ${run.iterations} iterations planned already.`, {
      field: '--iterations',
      fix: `Give a new total above ${run.iterations}.`,
    });
  }
  await startRun(client, { runId, iterations: planned });
  return { status: 'running', iterations: planned };
}

function describeSteering(runId: string, steering: Steering, view: SteeredRun): string {
  switch (steering.order) {
    case 'pause':
      return `Run ${runId} pauses after the shard or step at work. Go on with: npx r-zero run resume ${runId}`;
    case 'cancel':
      return (
        (steering.afterPhase
          ? `Run ${runId} ends after the phase at work; at once when it is paused or parked.`
          : `Run ${runId} is being cancelled: the shard or step at work is given up, all finished ones are stored.`) +
        ` Continue it later with: npx r-zero run start --run-id ${runId}`
      );
    default:
      return `Run ${runId} now has ${view.iterations} iterations planned.`;
  }
}
