import type { UnitRef, UnitResult } from './contract.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { answerAnchors } from './oracles/anchors.ts';
import { mean } from './statistics.ts';
import { withModel } from './store.ts';
import { runUnit } from './unit.ts';
import { answerQuestions, answerRows, voteRows } from './voting.ts';
import { insertRows } from '../db/bulk.ts';
import { checkpointBefore, readGeneratedQuestions } from '../db/queries/lineage.ts';
import { answers, votes } from '../db/schema.ts';

/** One shard of pseudo-labels: the frozen Solver answers each parsed question of the shard m times. */
export function labelQuestions(deps: ActivityDependencies, ref: UnitRef): Promise<UnitResult> {
  return runUnit(deps, 'labelling', ref, async (context) => {
    const { run, config, place, call } = context;
    const checkpointId = await checkpointBefore(deps.database, run.runId, 'solver', place.iteration, 0);
    const shard = await readGeneratedQuestions(deps.database, run.runId, place.iteration, place.unit);
    const valid = shard.filter(({ status }) => status === 'valid');
    const asked = valid.map(({ item, question }) => ({ item, question: question ?? '' }));
    const { answered, anchors } = await withModel(
      deps,
      checkpointId,
      { threads: config.threads, call },
      async (solver) => ({
        answered: await answerQuestions(deps, context, solver, asked, config.labelling.votes, 'generation'),
        // Requests of their own, afterwards: what is computed together is part of the last bits of a result.
        anchors: await answerAnchors(deps, context, solver),
      }),
    );
    const ids = new Map(valid.map(({ item, questionId }) => [item, questionId]));
    return {
      usesModel: true,
      metrics: {
        questions: answered.length,
        answers: answered.length * config.labelling.votes,
        meanPHat: mean(
          answered.filter(({ vote: { total } }) => total > 0).map(({ vote: { votes: n, total } }) => n / total),
        ),
        ...anchors?.metrics,
      },
      write: async (client) => {
        await insertRows(client, answers, answerRows(context, checkpointId, answered, ids));
        await insertRows(client, votes, voteRows(context, answered, ids));
        await anchors?.write(client, checkpointId);
      },
    };
  });
}
