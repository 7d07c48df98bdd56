/** `r-zero run start`, `pause`, `resume` and `extend`. */
import type { RunInput } from '../../activities/contract.ts';
import { RZeroError } from '../../activities/errors.ts';
import { getRun as getRunRow } from '../../db/queries/runs.ts';
import { extendRun, pauseRun, resumeRun, startRun } from '../client.ts';
import type { RunStatusView } from '../client.ts';
import { runPage, warnWithoutWorker, withRunningStack } from './run-client.ts';
import type { RunAccess, RunCommandOptions } from './run-client.ts';
import { describeWorkflow } from './run-workflow.ts';
import type { Terminal } from './terminal.ts';

export async function startRunCommand(options: RunCommandOptions, input: RunInput, terminal: Terminal): Promise<void> {
  await withRunningStack(options.dataDir, async (access) => {
    const { client, namespace, uiUrl } = access;
    const { runId, workflowId } = await startRun(client, input);
    const page = runPage(uiUrl, namespace, workflowId);
    if (options.json) {
      terminal.out(JSON.stringify({ runId, workflowId, page: page ?? null }));
    } else {
      terminal.out(`Run ${runId} is started (workflow ${workflowId}).`);
      if (page) terminal.out(`  Temporal UI: ${page}`);
      terminal.out(`  Progress:    npx r-zero run status ${runId}`);
    }
    await warnWithoutWorker(access, terminal);
  });
}

export type Steering = { order: 'pause' | 'resume'; reason?: string } | { order: 'extend'; iterations?: number };

export async function steerRunCommand(
  options: RunCommandOptions,
  runId: string,
  steering: Steering,
  terminal: Terminal,
): Promise<void> {
  await withRunningStack(options.dataDir, async (access) => {
    const workflow = await describeWorkflow(access.client, runId);
    const view = workflow?.open ? await send(access, runId, steering) : await reopen(access, runId, steering);
    if (options.json) terminal.out(JSON.stringify(view));
    else terminal.out(describeSteering(runId, steering, view));
    await warnWithoutWorker(access, terminal);
  });
}

type SteeredRun = Pick<RunStatusView, 'status' | 'iterations'>;

function send({ client }: RunAccess, runId: string, steering: Steering): Promise<SteeredRun> {
  if (steering.order === 'extend') {
    return extendRun(client, runId, steering.iterations === undefined ? {} : { iterations: steering.iterations });
  }
  const request = steering.reason === undefined ? {} : { reason: steering.reason };
  return steering.order === 'pause' ? pauseRun(client, runId, request) : resumeRun(client, runId, request);
}

/** A run without an open workflow is continued by a new one; only a pause has nothing to act on. */
async function reopen({ client, pool }: RunAccess, runId: string, steering: Steering): Promise<SteeredRun> {
  const run = await getRunRow(pool, runId);
  if (steering.order === 'pause') {
    throw new RZeroError('RunNotFound', `Run "${runId}" is not going on (${run.status}).`, {
      field: 'runId',
      fix: 'There is nothing to pause.',
    });
  }
  const planned = steering.order === 'extend' ? (steering.iterations ?? run.iterations + 1) : run.iterations;
  if (steering.order === 'extend' && planned <= run.iterations) {
    throw new RZeroError('RunInputInvalid', `Run "${runId}" has ${run.iterations} iterations planned already.`, {
      field: '--iterations',
      fix: `Give a new total above ${run.iterations}.`,
    });
  }
  if (steering.order === 'resume' && run.status === 'completed') {
    throw new RZeroError('RunInputInvalid', `Run "${runId}" is complete: there is nothing to resume.`, {
      field: 'runId',
      fix: `Plan more iterations with \`npx r-zero run extend ${runId}\`.`,
    });
  }
  await startRun(client, { runId, iterations: planned });
  return { status: 'running', iterations: planned };
}

function describeSteering(runId: string, steering: Steering, view: SteeredRun): string {
  switch (steering.order) {
    case 'pause':
      return `Run ${runId} pauses after the shard or step at work. Go on with: npx r-zero run resume ${runId}`;
    case 'resume':
      return `Run ${runId} goes on.`;
    default:
      return `Run ${runId} now has ${view.iterations} iterations planned.`;
  }
}
