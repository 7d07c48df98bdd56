import type { UnitRef, UnitResult } from './contract.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { RZeroError } from './errors.ts';
import { decide } from './method/gate.ts';
import { gatePolicy } from './gate-policy.ts';
import { runUnit } from './unit.ts';
import { insertRows } from '../db/bulk.ts';
import { readHeldOut } from '../db/queries/evaluation-sets.ts';
import { readGeneratedQuestions, readVotes } from '../db/queries/lineage.ts';
import { gateDecisions } from '../db/schema.ts';

/** Keeps or drops every labelled question of an iteration, each with its reason. */
export function gateQuestions(deps: ActivityDependencies, ref: UnitRef): Promise<UnitResult> {
  return runUnit(deps, 'gating', ref, async ({ run, config, place }) => {
    const policy = gatePolicy(config);
    const generated = await readGeneratedQuestions(deps.database, run.runId, place.iteration);
    const votes = await readVotes(deps.database, run.runId, place.iteration);
    const heldOut = new Set((await readHeldOut(deps.database, run.heldOutHash))?.items.map(({ question }) => question));
    const firstWith = new Map<string, number>();
    let kept = 0;
    const rows = generated
      .filter(({ status }) => status === 'valid')
      .map(({ questionId, question }) => {
        const text = question ?? '';
        const vote = votes.get(questionId);
        if (!vote) {
          throw new RZeroError('Internal', `Question ${questionId} was parsed but has no vote.`, {
            fix: 'Run `npx r-zero doctor`; the labelling phase of this iteration is incomplete.',
          });
        }
        // Judged once, by its first copy: more copies must not mean more chances to fall into the band.
        const duplicateOf = firstWith.get(text);
        if (duplicateOf === undefined) firstWith.set(text, questionId);
        const decision = decide(
          {
            question: text,
            label: vote.label,
            votes: vote.majority,
            total: vote.total,
            tie: vote.tie,
            heldOut: heldOut.has(text),
            ...(duplicateOf === undefined ? {} : { duplicateOf }),
          },
          policy,
        );
        return {
          ...place,
          questionId,
          kept: decision.kept,
          reason: decision.reason,
          policy: decision.policy,
          policyVersion: decision.policyVersion,
          inputs: decision.inputs,
          datasetIndex: decision.kept ? kept++ : null,
        };
      });
    return {
      usesModel: false,
      metrics: { questions: generated.length, decided: rows.length, kept },
      write: async (client) => {
        await insertRows(client, gateDecisions, rows);
      },
    };
  });
}
