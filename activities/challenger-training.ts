import type { UnitRef, UnitResult } from './contract.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { controlledReward } from './control.ts';
import { questionRows, writeQuestions } from './generation.ts';
import { batchAdvantages } from './method/advantages.ts';
import { getPreset } from './method/presets.ts';
import { computeChallengerRewards } from './reward-threads.ts';
import { challengerRewardRow } from './reward-rows.ts';
import { withModel } from './store.ts';
import { policyOptions, stepCheckpoints, stepMetrics, updatePolicy, writeUpdate } from './training-step.ts';
import { runUnit } from './unit.ts';
import { mean } from './statistics.ts';
import { answerQuestions, answerRows, voteRows } from './voting.ts';
import { insertRows } from '../db/bulk.ts';
import { checkpointBefore } from '../db/queries/lineage.ts';
import { answers, questions, rewards, votes } from '../db/schema.ts';

/**
 * One GRPO step of the Challenger: groups of questions, each answered m times by the frozen Solver; the reward is the
 * Solver's uncertainty less the share of the batch that asks the same (arXiv 2508.05004, section 3.2).
 */
export function trainChallengerStep(deps: ActivityDependencies, ref: UnitRef): Promise<UnitResult> {
  return runUnit(deps, 'challenger_training', ref, async (context) => {
    const { run, config, place, call } = context;
    const settings = config.challenger;
    const preset = getPreset(config.preset);
    const checkpoints = await stepCheckpoints(deps, context, 'challenger');
    const solverCheckpoint = await checkpointBefore(deps.database, run.runId, 'solver', place.iteration, 0);
    return withModel(deps, checkpoints.before, policyOptions(context, 'challenger'), async (policy) => {
      const written = await writeQuestions(deps, context, policy, settings.rollouts, 'training');
      const asked = written
        .filter(({ parsed }) => parsed.status === 'valid')
        .map(({ item, parsed }) => ({ item, question: parsed.question ?? '' }));
      const answered = await withModel(deps, solverCheckpoint, { threads: config.threads, call }, (solver) =>
        answerQuestions(deps, context, solver, asked, settings.votes, 'training'),
      );
      const voteOf = new Map(answered.map(({ item, vote }) => [item, vote]));
      const computed = await computeChallengerRewards(
        written.map(({ item, parsed }) => ({
          valid: parsed.status === 'valid',
          question: parsed.status === 'valid' ? (parsed.question ?? '') : '',
          votes: voteOf.get(item)?.votes ?? 0,
          total: voteOf.get(item)?.total ?? 0,
        })),
        preset,
        settings.repetitionWeight === undefined ? {} : { repetitionWeight: settings.repetitionWeight },
        { signal: call.signal },
      );
      const totals = computed.map((reward, item) => controlledReward(run, place, item, 0, reward.total));
      const advantages = batchAdvantages(totals, settings.groupSize);
      const rollouts = written.map((sample, item) => ({ ...sample, advantage: advantages[item]! }));
      const update = await updatePolicy(deps, context, 'challenger', policy, checkpoints.reference, rollouts);
      return {
        usesModel: true,
        metrics: {
          rollouts: written.length,
          parsed: asked.length,
          distinct: new Set(asked.map(({ question }) => question)).size,
          meanReward: mean(totals),
          meanPHat: mean(answered.filter(({ vote }) => vote.total > 0).map(({ vote }) => vote.votes / vote.total)),
          ...stepMetrics(update, totals),
        },
        checkpoint: { role: 'challenger', id: update.checkpoint.id },
        write: async (client) => {
          const rows = questionRows(context, checkpoints.before, written, settings.groupSize);
          const inserted = await insertRows(client, questions, rows, { returning: ['question_id', 'item'] });
          const ids = new Map(inserted.map((row) => [Number(row.item), Number(row.question_id)]));
          await insertRows(client, answers, answerRows(context, solverCheckpoint, answered, ids));
          await insertRows(client, votes, voteRows(context, answered, ids));
          await insertRows(
            client,
            rewards,
            computed.map((reward, item) => ({
              ...place,
              ...challengerRewardRow(ids.get(item)!, reward, { total: totals[item]!, advantage: advantages[item]! }),
            })),
          );
          await writeUpdate(client, context, 'challenger', checkpoints, update);
        },
      };
    });
  });
}
