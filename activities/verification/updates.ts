/** The chain of policies: every step starts where the one before it ended. */
import type { Role } from '../contract.ts';
import type { Place } from '../../db/queries/units.ts';
import type { UpdateRecord } from '../../db/queries/verification.ts';
import { isLastStep, unitId } from './context.ts';
import type { VerifyContext } from './context.ts';

const PHASE_OF: Readonly<Record<Role, Place['phase']>> = {
  challenger: 'challenger_training',
  solver: 'solver_training',
};

export function verifyUpdates({ findings, run, settingsOf, updates }: VerifyContext): void {
  for (const role of ['challenger', 'solver'] as const) {
    let before = run.baseCheckpointId;
    let reference = before;
    let last: UpdateRecord | undefined;
    for (const update of updates.filter((each) => each.role === role)) {
      const begins = update.iteration !== (last?.iteration ?? 0);
      const follows = begins ? !last || isLastStep(settingsOf, last) : update.unit === (last?.unit ?? -1) + 1;
      // A step that is missing is told of with its unit; where the next one starts is then not known otherwise.
      if (!follows || (begins && update.unit !== 0)) before = update.checkpointBefore;
      if (begins) reference = before;
      if (begins && update.unit !== 0) reference = update.referenceCheckpoint;
      last = update;
      findings.compare('policy updates', 'policy_updates', idOf(update), update, {
        phase: PHASE_OF[role],
        checkpointBefore: before,
        referenceCheckpoint: reference,
      });
      before = update.checkpointAfter;
    }
  }
}

/** @param tokens what the step's completions add up to */
export function verifyStepTokens({ findings, run, updates }: VerifyContext, place: Place, tokens: number): void {
  const update = updates.find(
    ({ iteration, phase, unit }) => iteration === place.iteration && phase === place.phase && unit === place.unit,
  );
  findings.examine('policy updates');
  if (!update) findings.missing('policy updates', 'policy_updates', { run_id: run.runId, ...unitId(place) });
  else findings.compare('policy updates', 'policy_updates', idOf(update), update, { tokens });
}

const idOf = (update: UpdateRecord) => ({ run_id: update.runId, ...unitId(update as Place) });
