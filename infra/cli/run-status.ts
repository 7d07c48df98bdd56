/** `r-zero run status`: one run, as Postgres and its workflow know it. */
import type { RunStatus } from '../../activities/contract.ts';
import { getRun as getRunRow } from '../../db/queries/runs.ts';
import { describeEngine } from './engine-text.ts';
import { count } from './numbers.ts';
import { PHASE_WORDS } from './phase-text.ts';
import { describeStored } from './progress-lines.ts';
import { runPage, warnWithoutWorker, withRunningStack } from './run-client.ts';
import type { RunCommandOptions } from './run-client.ts';
import { currentPhase, readSnapshot } from './run-snapshot.ts';
import { describeWorkflow, effectiveStatus } from './run-workflow.ts';
import type { ShownStatus } from './run-workflow.ts';
import { renderSummary } from './summary.ts';
import { printable } from './terminal.ts';
import type { Terminal } from './terminal.ts';

export async function runStatusCommand(options: RunCommandOptions, runId: string, terminal: Terminal): Promise<void> {
  await withRunningStack(options.dataDir, async (access) => {
    const { client, pool, namespace, uiUrl } = access;
    await getRunRow(pool, runId);
    const snapshot = await readSnapshot(pool, runId);
    if (!snapshot) return;
    const workflow = await describeWorkflow(client, runId);
    const status = effectiveStatus(snapshot.run.status as RunStatus, workflow);
    const phase = currentPhase(snapshot);
    const page = workflow ? runPage(uiUrl, namespace, workflow.workflowId) : undefined;
    if (options.json) {
      const { config: _config, ...run } = snapshot.run;
      terminal.out(
        JSON.stringify({
          ...run,
          status,
          page: page ?? null,
          phases: snapshot.phases,
          iterations: snapshot.summaries,
          labelAccuracy: snapshot.labels ?? [],
          evaluation: snapshot.evaluation ?? null,
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
    terminal.out(
      `  ${count(run.iterations)} iteration${run.iterations === 1 ? '' : 's'} planned, ${settings.join(', ')}${engine ? `, ${engine}` : ''}`,
    );
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
    case 'waiting':
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
