/** Which workflow has a run: asked before anything is written in its name. */
import { Context } from '@temporalio/activity';
import { WorkflowNotFoundError } from '@temporalio/client';
import { behind } from './behind.ts';
import type { IterationRef } from './contract.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { RZeroError } from './errors.ts';
import { findLease, renewLease } from '../db/queries/leases.ts';
import type { LeaseHolder, LeaseOwner } from '../db/queries/leases.ts';

/** A workflow of another namespace cannot be asked about; it counts as alive for this long after its last sign of life. */
const LEASE_GRACE_MS = 10 * 60_000;

/** A workflow of the namespace that this activity was asked from. */
export function leaseOwner(workflowId: string): LeaseOwner {
  return { namespace: Context.current().info.workflowNamespace ?? 'default', workflowId };
}

type Held = Pick<IterationRef, 'runId' | 'holder'>;

/**
 * Renews the run's lease in the name of the workflow that asked for the work.
 *
 * @throws RZeroError as `leaseLost` has it
 */
export async function holdLease(deps: Pick<ActivityDependencies, 'database'>, ref: Held): Promise<LeaseOwner> {
  const owner = leaseOwner(ref.holder);
  if (await renewLease(deps.database, ref.runId, owner)) return owner;
  throw await leaseLost(deps, ref);
}

/**
 * Why a workflow has the lease no more: `RunConflict` when another one has taken the run over since; `DatabaseBehind` when nobody has it,
 * or one whose time is over, as in a copy that is older than the workflow.
 */
export async function leaseLost({ database }: Pick<ActivityDependencies, 'database'>, ref: Held): Promise<RZeroError> {
  const present = await findLease(database, ref.runId);
  if (!present || (await isOver(present))) return behind(`The start of run "${ref.runId}"`);
  return new RZeroError('RunConflict', `Another workflow has taken over run "${ref.runId}" from "${ref.holder}".`, {
    field: 'runId',
    fix: `Follow "${present.workflowId}" instead; this one stops writing.`,
  });
}

/** Asks Temporal whether the workflow that holds the lease is over; when Temporal cannot say, the activity is tried again. */
export async function isOver(present: LeaseHolder & { renewedAt: Date }): Promise<boolean> {
  const { client, info } = Context.current();
  if (present.namespace !== info.workflowNamespace) return Date.now() - present.renewedAt.getTime() > LEASE_GRACE_MS;
  try {
    const { status } = await client.workflow.getHandle(present.workflowId, present.temporalRunId).describe();
    return status.name !== 'RUNNING' && status.name !== 'PAUSED';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return true;
    throw new RZeroError('TemporalUnreachable', `Temporal could not be asked about workflow "${present.workflowId}".`, {
      fix: 'Check the connection; the run opens as soon as Temporal answers.',
      cause: error,
    });
  }
}
