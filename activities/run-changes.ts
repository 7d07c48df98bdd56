/** What a run's own workflow changes about it, on somebody's order: its settings, or how far it is. */
import type { RunInputChange, RunPlan, RunReset } from './contract.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { changedInput } from './input-changes.ts';
import { holdLease, leaseOwner } from './lease.ts';
import { resetRun } from './reset.ts';
import { planOf } from './runs.ts';
import { transaction } from '../db/client.ts';
import { lockLease } from '../db/queries/leases.ts';
import { insertRunInput } from '../db/queries/run-inputs.ts';
import { getRun } from '../db/queries/runs.ts';

/** @throws RZeroError `RunInputInvalid`, with the field; `RunConflict` when the run is another workflow's by now */
export async function changeRunInput(deps: ActivityDependencies, request: RunInputChange): Promise<void> {
  await holdLease(deps, request);
  await changeStoredInput(deps, request);
}

/** For a run without a workflow, too. @throws RZeroError `RunInputInvalid`, with the field; `RunNotFound` */
export async function changeStoredInput(
  deps: Pick<ActivityDependencies, 'database' | 'codeVersion'>,
  { runId, input, reason, requestedBy }: Omit<RunInputChange, 'holder' | 'reason'> & { reason?: string | undefined },
): Promise<void> {
  await transaction(deps.database, async (client) => {
    await lockLease(client, runId);
    const change = changedInput(await getRun(client, runId), input, 'resume');
    // Asked again after it was done, there is nothing to do.
    if (change) await insertRunInput(client, { runId, ...change, reason, requestedBy, codeVersion: deps.codeVersion });
  });
}

/** @throws as `resetRun` */
export async function resetOwnRun(deps: ActivityDependencies, request: RunReset): Promise<RunPlan> {
  const own = leaseOwner(request.holder);
  await resetRun(deps, request, {
    mayReset: (present) =>
      Promise.resolve(present.namespace === own.namespace && present.workflowId === own.workflowId),
    status: 'running',
  });
  return planOf(deps, request.runId, true);
}
