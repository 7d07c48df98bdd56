import { insertRows } from '../../db/bulk.ts';
import { finishedUnits } from '../../db/queries/recomputations.ts';
import type { FinishedUnit } from '../../db/queries/recomputations.ts';
import { rewards } from '../../db/schema.ts';
import { methodOf, stamp } from './context.ts';
import type { RecomputeContext } from './context.ts';
import { challengerStepRewards } from './method.ts';
import { recomputeQuestions } from './questions.ts';

/** Votes and rewards of every step of Challenger training. */
export async function recomputeChallenger(context: RecomputeContext): Promise<void> {
  const phase = 'challenger_training';
  for (const step of await finishedUnits(context.client, context.run.runId, phase)) {
    context.signal?.throwIfAborted();
    await recomputeStep(context, step);
    const { iteration, unit } = step;
    context.onProgress(`iteration ${iteration}, Challenger step ${unit + 1}`);
  }
}

async function recomputeStep(context: RecomputeContext, step: FinishedUnit): Promise<void> {
  const { iteration, unit, take } = step;
  const place = { runId: context.run.runId, iteration, unit, take, phase: 'challenger_training' as const };
  const questions = await recomputeQuestions(context, place);
  if (questions.length === 0) return;
  const rows = challengerStepRewards(methodOf(context, step), place, questions).filter((row) => row !== null);
  await insertRows(
    context.client,
    rewards,
    rows.map((row) => ({ ...place, ...row, ...stamp(context) })),
  );
}
