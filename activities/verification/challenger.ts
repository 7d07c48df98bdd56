/** Every step of Challenger training of an iteration. */
import { challengerStepRewards } from '../recompute/method.ts';
import type { Place } from '../../db/queries/units.ts';
import type { VerifyContext } from './context.ts';
import { verifyQuestions } from './questions.ts';
import { verifyRewards } from './rewards.ts';
import { verifyStepTokens } from './updates.ts';

export async function verifyChallengerSteps(
  context: VerifyContext,
  iteration: number,
  units: readonly number[],
): Promise<void> {
  const { run, config } = context;
  for (const unit of units) {
    const place = { runId: run.runId, iteration, phase: 'challenger_training' as const, unit };
    const count = config.challenger.rollouts;
    const { questions, isWhole, tokens } = await verifyQuestions(context, { place, count, answersIn: place });
    const rewards =
      isWhole && questions.length === count ? challengerStepRewards(context, place, questions) : undefined;
    const expected = new Map(questions.map(({ questionId }, index) => [questionId, rewards?.[index]]));
    await verifyRewards(context, place satisfies Place, 'question_id', expected);
    if (isWhole) verifyStepTokens(context, place, tokens);
    context.onProgress(`iteration ${iteration}, Challenger step ${unit + 1}`);
  }
}
