/** `r-zero run reset-to`: through the workflow of the run when it has one, else on the database, and then a new workflow. */
import { userInfo, hostname } from 'node:os';
import { resolve } from 'node:path';
import type { Phase, RunInput } from '../../activities/contract.ts';
import { resetRun } from '../../activities/reset.ts';
import { isOpen, resetRunTo, startRun } from '../client.ts';
import { packageVersion } from '../package-info.ts';
import { warnWithoutWorker, withRunningStack } from './run-client.ts';
import type { RunAccess, RunCommandOptions } from './run-client.ts';
import { describeWorkflow } from './run-workflow.ts';
import type { Terminal } from './terminal.ts';

export interface ResetOptions extends RunCommandOptions {
  iteration: number;
  phase: Phase;
  reason?: string;
  input?: RunInput;
  /** The shard or step at work may be given up. */
  stop: boolean;
  /** Start a workflow afterwards. */
  start: boolean;
}

export async function resetRunCommand(options: ResetOptions, runId: string, terminal: Terminal): Promise<void> {
  await withRunningStack(options.dataDir, async (access) => {
    const workflow = await describeWorkflow(access.client, runId);
    const done = workflow?.open ? await resetLive(access, options, runId) : await resetStored(access, options, runId);
    if (options.json) terminal.out(JSON.stringify({ runId, ...done }));
    else terminal.out(describeReset(runId, options, done));
    if (done.goesOn) await warnWithoutWorker(access, terminal);
  });
}

interface Done {
  iteration: number;
  phase: Phase;
  /** `workflow`: the one that has the run did it; `database`: there was none. */
  by: 'workflow' | 'database';
  goesOn: boolean;
  /** Rows marked, all tables together; the workflow does not tell. */
  superseded?: number;
}

/** Who asks, for the record. */
export function requester(): string {
  return `${userInfo().username}@${hostname()}`;
}

const requestOf = ({ iteration, phase, reason, input }: ResetOptions) => ({
  iteration,
  phase,
  ...(reason === undefined ? {} : { reason }),
  ...(input === undefined ? {} : { input }),
});

async function resetLive({ client }: RunAccess, options: ResetOptions, runId: string): Promise<Done> {
  const { iteration, phase, stop } = options;
  await resetRunTo(client, runId, { ...requestOf(options), by: requester(), stop });
  return { iteration, phase, by: 'workflow', goesOn: true };
}

async function resetStored(
  { client, namespace, pool }: RunAccess,
  options: ResetOptions,
  runId: string,
): Promise<Done> {
  const deps = { database: pool, dataDir: resolve(options.dataDir), codeVersion: packageVersion() };
  const { iteration, phase, superseded } = await resetRun(
    deps,
    { runId, ...requestOf(options), requestedBy: requester() },
    {
      // Its last workflow is closed, as `describeWorkflow` has just seen; asked again under the lock.
      mayReset: async (present) => {
        if (present.namespace !== namespace) return false;
        const now = await describeWorkflow(client, runId);
        return now === undefined || !isOpen(now.temporalStatus);
      },
      status: 'waiting',
    },
  );
  if (options.start) await startRun(client, { runId });
  const rows = Object.values(superseded).reduce((sum, count) => sum + count, 0);
  return { iteration, phase, by: 'database', goesOn: options.start, superseded: rows };
}

function describeReset(runId: string, { input }: ResetOptions, { iteration, phase, goesOn, superseded }: Done): string {
  const rows = superseded === undefined ? '' : ` (${superseded} rows are marked as superseded; none is deleted)`;
  const changed = input === undefined ? '' : ' with the changed settings';
  const next = goesOn ? `It goes on from there${changed}.` : `Go on with: npx r-zero run resume ${runId}`;
  return `Run ${runId} is reset to iteration ${iteration}, ${phase}${rows}. ${next}`;
}
