/** Where a run can be reset to: every phase that it has begun, with what it would have to go on from. */
import type { Phase, Role } from './contract.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { exists } from './engine/staging.ts';
import { byPhase, PHASE_ORDER } from './phases.ts';
import { lookAt } from './retention/disk.ts';
import type { DiskState } from './retention/disk.ts';
import { checkpointPath, checkpointRoot } from './store.ts';
import { readCheckpoints, readUpdates } from '../db/queries/checkpoints.ts';
import type { UpdateRef } from '../db/queries/checkpoints.ts';
import type { RunRow } from '../db/queries/runs.ts';
import { readProgress } from '../db/queries/units.ts';

export interface ResetPoint {
  iteration: number;
  phase: Phase;
  /** Checkpoints that it would go on from and cannot. */
  missing: { role: Role; checkpointId: string; state: DiskState }[];
}

/** Training phases move one role each; everything before them finds it as the iteration began. */
const TRAINS: Readonly<Record<Role, Phase>> = { challenger: 'challenger_training', solver: 'solver_training' };

export const samePoint = (a: Pick<ResetPoint, 'iteration' | 'phase'>, b: Pick<ResetPoint, 'iteration' | 'phase'>) =>
  a.iteration === b.iteration && a.phase === b.phase;

/** In the order of the run; the last is where it stands. */
export async function resetPoints(
  deps: Pick<ActivityDependencies, 'database' | 'dataDir'>,
  run: RunRow,
): Promise<ResetPoint[]> {
  const planned = (await readProgress(deps.database, run.runId)).toSorted(
    (a, b) => a.iteration - b.iteration || byPhase(a, b),
  );
  const stands = planned.findIndex(({ units, done }) => done < units);
  const begun = stands === -1 ? planned : planned.slice(0, stands + 1);
  const updates = await readUpdates(deps.database, run.runId);
  const states = new Map<string, DiskState>();
  // Asked on a machine that has none of the checkpoints, the rows have to do.
  const isElsewhere = !(await exists(checkpointRoot(deps)));
  for (const checkpoint of await readCheckpoints(deps.database, run.runId)) {
    const { checkpointId, prunings } = checkpoint;
    const isPruned = prunings.some(({ what }) => what === 'weights');
    const state = isElsewhere
      ? isPruned
        ? 'pruned'
        : 'present'
      : (await lookAt(checkpointPath(deps, checkpointId), checkpoint)).state;
    states.set(checkpointId, state);
  }
  return begun.map(({ iteration, phase }) => {
    const missing = (['challenger', 'solver'] as const).flatMap((role) => {
      const checkpointId = policyAt(run.baseCheckpointId, updates, role, iteration, phase);
      const state = states.get(checkpointId) ?? 'missing';
      // A phase begins with fresh moments.
      return state === 'present' || state === 'optimizer pruned' ? [] : [{ role, checkpointId, state }];
    });
    return { iteration, phase, missing };
  });
}

/** What a role stands at when a phase begins. */
function policyAt(base: string, updates: readonly UpdateRef[], role: Role, iteration: number, phase: Phase): string {
  const isTrained = PHASE_ORDER.indexOf(phase) > PHASE_ORDER.indexOf(TRAINS[role]);
  const before = updates.filter(
    (update) => update.role === role && (update.iteration < iteration || (isTrained && update.iteration === iteration)),
  );
  const newest = before.toSorted((a, b) => a.iteration - b.iteration || a.step - b.step).at(-1);
  return newest?.after ?? base;
}
