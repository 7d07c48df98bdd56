/** `r-zero run …`: starting, listing and steering runs on a running stack. */
import type { RunInput, RunStatus } from '../../activities/contract.ts';
import { RZeroError } from '../../activities/errors.ts';
import { getRun as getRunRow } from '../../db/queries/runs.ts';
import { extendRun, pauseRun, resumeRun, startRun, workflowIdOf } from '../client.ts';
import type { RunStatusView } from '../client.ts';
import { describeEngine } from './engine-text.ts';
import { count, percent, points } from './numbers.ts';
import { PHASE_WORDS } from './phase-text.ts';
import { describeStored } from './progress-lines.ts';
import { runPage, withRunningStack } from './run-client.ts';
import type { RunAccess } from './run-client.ts';
import { listStoredRuns } from './run-list.ts';
import type { StoredRun } from './run-list.ts';
import { currentPhase, readSnapshot } from './run-snapshot.ts';
import { countWorkers, describeWorkflow } from './run-workflow.ts';
import type { WorkflowState } from './run-workflow.ts';
import { renderSummary } from './summary.ts';
import { plainTable } from './tables.ts';
import { printable } from './terminal.ts';
import type { Terminal } from './terminal.ts';

export interface RunCommandOptions {
  dataDir: string;
  json: boolean;
}

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

export async function listRunsCommand(options: RunCommandOptions, terminal: Terminal): Promise<void> {
  await withRunningStack(options.dataDir, async ({ client, pool }) => {
    const stored = await listStoredRuns(pool);
    const runs = await Promise.all(
      stored.map(async (run) => ({
        ...run,
        status: effectiveStatus(run.status, await describeWorkflow(client, run.runId)),
      })),
    );
    if (options.json) {
      terminal.out(JSON.stringify(runs));
    } else if (runs.length === 0) {
      terminal.out('There are no runs yet. Start one with: npx r-zero run start');
    } else {
      terminal.out(renderRunList(runs));
    }
  });
}

export type ShownRun = Omit<StoredRun, 'status'> & { status: ShownStatus };
type ShownStatus = RunStatus | 'stopped';

/** A row says "running" until its workflow says otherwise; without an open workflow nothing runs. */
export function effectiveStatus(status: RunStatus, workflow: WorkflowState | undefined): ShownStatus {
  if (status !== 'running' && status !== 'paused' && status !== 'parked') return status;
  if (workflow?.open === true) return workflow.status ?? status;
  return 'stopped';
}

export function renderRunList(runs: readonly ShownRun[]): string {
  return plainTable(
    ['run', 'status', 'iterations', 'seed', 'preset', 'control', 'greedy', 'gain', 'updated'],
    runs.map((run) => [
      printable(run.runId),
      run.status,
      `${run.iterationsDone}/${run.iterations}`,
      String(run.seed),
      run.preset,
      run.control,
      percent(run.finalGreedy),
      points(run.finalGreedy, run.baseGreedy),
      run.updatedAt.toISOString().slice(0, 16).replace('T', ' '),
    ]),
    2,
  );
}

export async function runStatusCommand(options: RunCommandOptions, runId: string, terminal: Terminal): Promise<void> {
  await withRunningStack(options.dataDir, async (access) => {
    const { client, pool, namespace, uiUrl } = access;
    await getRunRow(pool, runId);
    const snapshot = await readSnapshot(pool, runId);
    if (!snapshot) return;
    const workflow = await describeWorkflow(client, runId);
    const status = effectiveStatus(snapshot.run.status as RunStatus, workflow);
    const phase = currentPhase(snapshot);
    const page = workflow ? runPage(uiUrl, namespace, workflowIdOf(runId)) : undefined;
    if (options.json) {
      const { config: _config, ...run } = snapshot.run;
      terminal.out(
        JSON.stringify({
          ...run,
          status,
          page: page ?? null,
          phases: snapshot.phases,
          iterations: snapshot.summaries,
          planned: run.iterations,
        }),
      );
      return;
    }
    const { run } = snapshot;
    const settings = [
      `seed ${run.seed}`,
      `preset ${run.preset}`,
      ...(run.control === 'none' ? [] : [`control ${run.control}`]),
    ];
    const engine = describeEngine(run.engine);
    terminal.out(
      `${terminal.style('bold', `Run ${run.runId}`)} is ${status}${run.statusReason ? `: ${printable(run.statusReason)}` : ''}`,
    );
    terminal.out(`  ${count(run.iterations)} iterations planned, ${settings.join(', ')}${engine ? `, ${engine}` : ''}`);
    const stored = describeStored(snapshot);
    if (stored) terminal.out(`  ${stored}`);
    if (phase && status === 'running')
      terminal.out(`  At work: ${PHASE_WORDS[phase.phase].title}, ${phase.unitsDone} of ${phase.units}`);
    if (page) terminal.out(`  Temporal UI: ${page}`);
    const advice = adviceFor(status, runId);
    if (advice) terminal.out(`  ${advice}`);
    const summary = renderSummary(snapshot, terminal.style);
    if (summary) terminal.out(`\n${summary}`);
    if (status === 'running') await warnWithoutWorker(access, terminal);
  });
}

function adviceFor(status: ShownStatus, runId: string): string | undefined {
  switch (status) {
    case 'paused':
    case 'parked':
      return `Go on with: npx r-zero run resume ${runId}`;
    case 'stopped':
    case 'failed':
    case 'cancelled':
      return `Continue it with: npx r-zero run start --run-id ${runId}`;
    case 'completed':
      return `Plan more with: npx r-zero run extend ${runId}`;
    default:
      return undefined;
  }
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

async function warnWithoutWorker({ client, namespace }: RunAccess, terminal: Terminal): Promise<void> {
  if ((await countWorkers(client, namespace)) > 0) return;
  process.stderr.write(
    `${terminal.style('yellow', 'note')}: no worker polls the task queue r-zero now; start one with: npx r-zero worker\n`,
  );
}
