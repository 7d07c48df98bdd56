import type { UnitRef, UnitResult } from './contract.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { RZeroError } from './errors.ts';
import { readEvaluated } from './evaluation-sets/evaluated.ts';
import { decideInThread } from './gate-thread.ts';
import type { GateReason } from './method/gate/gate.ts';
import { gatePolicy } from './gate-policy.ts';
import { runUnit } from './unit.ts';
import { datasetYield } from './yield-guard.ts';
import { insertRows } from '../db/bulk.ts';
import { readGeneratedQuestions, readTrainedBefore, readVotes } from '../db/queries/lineage.ts';
import { gateDecisions } from '../db/schema.ts';

const DUPLICATES: ReadonlySet<GateReason> = new Set<GateReason>([
  'duplicate',
  'duplicate_earlier',
  'near_duplicate',
  'near_duplicate_earlier',
]);

/** Keeps or drops every labelled question of an iteration, each with its reason. */
export function gateQuestions(deps: ActivityDependencies, ref: UnitRef): Promise<UnitResult> {
  return runUnit(deps, 'gating', ref, async ({ run, config, place, call }) => {
    const generated = await readGeneratedQuestions(deps.database, run.runId, place.iteration);
    const votes = await readVotes(deps.database, run.runId, place.iteration);
    const decisions = await decideInThread(
      {
        questions: generated
          .filter(({ status }) => status === 'valid')
          .map(({ questionId, question }) => {
            const vote = votes.get(questionId);
            if (!vote) {
              throw new RZeroError('Internal', `Question ${questionId} was parsed but has no vote.`, {
                fix: 'Run `npx r-zero doctor`; the labelling phase of this iteration is incomplete.',
              });
            }
            const { label, majority, total, tie } = vote;
            return { id: questionId, question, label, votes: majority, total, tie };
          }),
        earlier: await readTrainedBefore(deps.database, run.runId, place.iteration),
        ...(await readEvaluated(deps.database, run)),
        policy: gatePolicy(config),
      },
      call.signal,
    );
    let kept = 0;
    const rows = decisions.map(({ id, ...decision }) => ({
      ...place,
      questionId: id,
      ...decision,
      datasetIndex: decision.kept ? kept++ : null,
    }));
    const dropped = (isCounted: (reason: GateReason) => boolean): number =>
      rows.filter(({ reason }) => isCounted(reason)).length;
    return {
      usesModel: false,
      metrics: {
        questions: generated.length,
        decided: rows.length,
        ...datasetYield(config, kept),
        duplicates: dropped((reason) => DUPLICATES.has(reason)),
        heldOut: dropped((reason) => reason === 'held_out'),
      },
      decisions: countBy(rows.map(({ reason }) => reason)),
      write: async (client) => {
        await insertRows(client, gateDecisions, rows);
      },
    };
  });
}

function countBy(reasons: readonly GateReason[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const reason of reasons) counts[reason] = (counts[reason] ?? 0) + 1;
  return counts;
}
