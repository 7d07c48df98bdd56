import { controlledReward } from '../control.ts';
import { batchAdvantages } from '../method/advantages.ts';
import { challengerRewards } from '../method/challenger-reward.ts';
import { challengerRewardRow } from '../reward-rows.ts';
import { insertRows } from '../../db/bulk.ts';
import { finishedUnits } from '../../db/queries/recomputations.ts';
import { rewards } from '../../db/schema.ts';
import { stamp } from './context.ts';
import type { RecomputeContext } from './context.ts';
import { recomputeQuestions } from './questions.ts';

/** Votes and rewards of every step of Challenger training. */
export async function recomputeChallenger(context: RecomputeContext): Promise<void> {
  const phase = 'challenger_training';
  for (const { iteration, unit } of await finishedUnits(context.client, context.run.runId, phase)) {
    context.signal?.throwIfAborted();
    await recomputeStep(context, iteration, unit);
    context.onProgress(`iteration ${iteration}, Challenger step ${unit + 1}`);
  }
}

async function recomputeStep(context: RecomputeContext, iteration: number, unit: number): Promise<void> {
  const { client, run, config, preset } = context;
  const place = { runId: run.runId, iteration, phase: 'challenger_training' as const, unit };
  const questions = await recomputeQuestions(context, place);
  if (questions.length === 0) return;
  const { repetitionWeight, groupSize } = config.challenger;
  const computed = challengerRewards(
    // A question that nobody answered has no p̂. It counts in the batch and its cluster; its own reward is left out below.
    questions.map(({ question, vote }) => ({
      valid: question !== null,
      question: question ?? '',
      votes: vote?.votes ?? 0,
      total: vote?.total ?? 0,
    })),
    preset,
    repetitionWeight === undefined ? {} : { repetitionWeight },
  );
  const totals = computed.map((reward, item) => controlledReward(run, place, item, 0, reward.total));
  const advantages = batchAdvantages(totals, groupSize);
  await insertRows(
    client,
    rewards,
    questions.flatMap(({ questionId, question, vote }, item) => {
      if (question !== null && vote === null) return [];
      const used = { total: totals[item]!, advantage: advantages[item]! };
      return [{ ...place, ...challengerRewardRow(questionId, computed[item]!, used), ...stamp(context) }];
    }),
  );
}
