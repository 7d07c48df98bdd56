import { insertRows } from '../../db/bulk.ts';
import { finishedUnits } from '../../db/queries/recomputations.ts';
import type { FinishedUnit } from '../../db/queries/recomputations.ts';
import { gateDecisions } from '../../db/schema.ts';
import { methodOf, stamp } from './context.ts';
import type { RecomputeContext } from './context.ts';
import { iterationDecisions } from './method.ts';
import { recomputeQuestions } from './questions.ts';
import type { RecomputedQuestion } from './questions.ts';

/** Labels and gate decisions of every iteration, in order: what one keeps, the next may not keep again. */
export async function recomputeDataset(context: RecomputeContext): Promise<void> {
  const { client, run } = context;
  const labelled = await finishedUnits(client, run.runId, 'labelling');
  const gated = new Map((await finishedUnits(client, run.runId, 'gating')).map((unit) => [unit.iteration, unit]));
  const earlier: { id: number; question: string }[] = [];
  for (const iteration of new Set(labelled.map((unit) => unit.iteration))) {
    const questions: RecomputedQuestion[] = [];
    for (const shard of labelled.filter((each) => each.iteration === iteration)) {
      context.signal?.throwIfAborted();
      const { unit, take } = shard;
      const place = { iteration, phase: 'dataset_generation' as const, unit, take };
      questions.push(...(await recomputeQuestions({ ...context, ...methodOf(context, shard) }, place)));
      context.onProgress(`iteration ${iteration}, label shard ${unit + 1}`);
    }
    const gate = gated.get(iteration);
    if (gate) earlier.push(...(await decideAgain(context, gate, questions, earlier)));
  }
}

/** @returns the kept questions */
async function decideAgain(
  context: RecomputeContext,
  gate: FinishedUnit,
  questions: readonly RecomputedQuestion[],
  earlier: readonly { id: number; question: string }[],
): Promise<{ id: number; question: string }[]> {
  // What the run asked is decided again, also when this preset takes it for no question. Without answers there is nothing to decide.
  const decidable = questions.filter(({ asked, question, vote }) => asked && (question === null || vote !== null));
  const { iteration, unit, take } = gate;
  const place = { runId: context.run.runId, iteration, phase: 'gating' as const, unit, take };
  const rows = iterationDecisions(methodOf(context, gate), decidable, earlier);
  await insertRows(
    context.client,
    gateDecisions,
    rows.map((row) => ({ ...place, ...row, ...stamp(context) })),
  );
  return decidable.flatMap(({ questionId, question }, index) =>
    rows[index]!.kept && question !== null ? [{ id: questionId, question }] : [],
  );
}
