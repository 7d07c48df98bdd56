/**
 * Resets a run: everything from a phase of an iteration on is done again, in the run's next take. The rows of the takes before stay and
 * are marked as superseded. With the same input a reset ends with the same rows and checkpoints as before, because seeds
 * are those of a sample's place and do not know of takes.
 */
import type pg from 'pg';
import type { Phase, RunInput } from './contract.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { RZeroError } from './errors.ts';
import { changedInput } from './input-changes.ts';
import type { InputChange } from './input-changes.ts';
import { planIteration } from './iteration-plan.ts';
import { PHASE_ORDER } from './phases.ts';
import { resetPoints, samePoint } from './reset-points.ts';
import type { ResetPoint } from './reset-points.ts';
import { refuseLongTexts } from './token-room.ts';
import { transaction } from '../db/client.ts';
import { lockLease } from '../db/queries/leases.ts';
import type { Lease } from '../db/queries/leases.ts';
import { insertRunInput } from '../db/queries/run-inputs.ts';
import { readRunSets } from '../db/queries/run-sets.ts';
import { getRun, noteReset } from '../db/queries/runs.ts';
import { insertTake } from '../db/queries/takes.ts';
import { insertPhases } from '../db/queries/units.ts';

export interface ResetRequest {
  runId: string;
  iteration: number;
  phase: Phase;
  /** Shown with the take. */
  reason?: string | undefined;
  /** Who asks for it, for the record. */
  requestedBy: string;
  /** Settings with which it goes on; see `input-changes.ts`. @default those it has */
  input?: RunInput | undefined;
}

export interface ResetResult {
  runId: string;
  /** Number of the take that begins. */
  take: number;
  iteration: number;
  phase: Phase;
  /** Rows that were marked, by table. */
  superseded: Record<string, number>;
  changes: Record<string, InputChange>;
}

type ResetDependencies = Pick<ActivityDependencies, 'database' | 'dataDir' | 'codeVersion'>;

export interface ResetOptions {
  /** Asked about the workflow that has the run; true when it is over, or asks itself. */
  mayReset: (present: Lease) => Promise<boolean>;
  /** What the run's row says afterwards: `running` when the workflow that asks goes on by itself. */
  status: 'running' | 'waiting';
}

/**
 * @throws RZeroError `RunNotFound`; `RunInputInvalid` for a place that the run has not come to, or input that may not change;
 *   `CheckpointPruned` when it could not go on from there; `RunConflict` when a workflow advances it
 */
export async function resetRun(
  deps: ResetDependencies,
  request: ResetRequest,
  { mayReset, status }: ResetOptions,
): Promise<ResetResult> {
  const { runId, iteration, phase, reason, requestedBy } = request;
  const run = await getRun(deps.database, runId);
  const change = request.input === undefined ? undefined : changedInput(run, request.input, request.phase);
  const points = await resetPoints(deps, run);
  const point = points.find((each) => samePoint(each, request));
  if (!point) throw unknownPoint(request, points);
  if (point.missing.length > 0) throw missingCheckpoints(request, point, points);
  if (change) await refuseLongTexts(deps, run, change.config);
  return transaction(deps.database, async (client) => {
    await refuseWhileAdvanced(client, runId, mayReset);
    const inputVersion = change
      ? await insertRunInput(client, { runId, ...change, reason, requestedBy, codeVersion: deps.codeVersion })
      : run.inputVersion;
    const phases = PHASE_ORDER.slice(PHASE_ORDER.indexOf(phase));
    const { codeVersion } = deps;
    const begun = await insertTake(client, {
      runId,
      iteration,
      phases,
      reason,
      requestedBy,
      inputVersion,
      codeVersion,
    });
    // Planned at once: an iteration without some of its phases would look whole.
    await insertPhases(
      client,
      runId,
      iteration,
      planIteration({ ...run, config: change?.config ?? run.config }, iteration, await readRunSets(client, runId)),
    );
    const words = `Reset to iteration ${iteration}, ${phase}${reason === undefined ? '' : `: ${reason}`}. The next start goes on from there.`;
    await noteReset(client, runId, status, words);
    return { runId, iteration, phase, ...begun, changes: change?.changes ?? {} };
  });
}

/** Locks the run's lease until the transaction ends, so that nobody commits a unit or opens the run meanwhile. */
async function refuseWhileAdvanced(
  client: pg.PoolClient,
  runId: string,
  mayReset: (present: Lease) => Promise<boolean>,
): Promise<void> {
  const present = await lockLease(client, runId);
  if (!present || (await mayReset(present))) return;
  throw new RZeroError('RunConflict', `Run "${runId}" is being advanced by workflow "${present.workflowId}".`, {
    field: 'runId',
    fix: 'Pause it first, or let the reset stop it with `--stop`: the shard or step at work is then begun anew.',
  });
}

const nameOf = ({ iteration, phase }: Pick<ResetPoint, 'iteration' | 'phase'>): string =>
  `--iteration ${iteration} --phase ${phase}`;

function unknownPoint({ runId, iteration, phase }: ResetRequest, points: readonly ResetPoint[]): RZeroError {
  const last = points.at(-1);
  const phases = points.filter((point) => point.iteration === iteration).map((point) => point.phase);
  if (!last) {
    return new RZeroError('RunInputInvalid', `Run "${runId}" has done nothing yet that could be done again.`, {
      field: 'iteration',
      fix: `Start it: \`npx r-zero run resume ${runId}\`.`,
    });
  }
  if (phases.length === 0) {
    return new RZeroError('RunInputInvalid', `Run "${runId}" has not come to iteration ${iteration}.`, {
      field: 'iteration',
      fix: `Choose one from 0 to ${last.iteration}.`,
    });
  }
  return new RZeroError(
    'RunInputInvalid',
    `Iteration ${iteration} of run "${runId}" has done nothing of phase "${phase}".`,
    {
      field: 'phase',
      fix: `Choose one of ${phases.join(', ')}.`,
    },
  );
}

function missingCheckpoints(
  { runId, iteration, phase }: ResetRequest,
  point: ResetPoint,
  points: readonly ResetPoint[],
): RZeroError {
  const possible = points.filter(({ missing }) => missing.length === 0);
  const index = points.indexOf(point);
  const earlier = possible.findLast((each) => points.indexOf(each) < index);
  const later = possible.find((each) => points.indexOf(each) > index);
  const named = new Set([possible[0], earlier, later].filter((each) => each !== undefined).map(nameOf));
  const lost = point.missing.map(
    ({ role, checkpointId, state }) => `the ${role}'s ${checkpointId.slice(0, 12)} (${state})`,
  );
  return new RZeroError(
    'CheckpointPruned',
    `Run "${runId}" cannot go on from iteration ${iteration}, ${phase}: its checkpoints are gone: ${lost.join(', ')}.`,
    {
      field: 'iteration',
      fix:
        named.size > 0
          ? `Possible, the earliest first: ${[...named].join('; ')}. A run with checkpoints.keep "all" loses none.`
          : 'Restore the folders from a copy.',
    },
  );
}
