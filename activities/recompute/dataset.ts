import { insertRows } from '../../db/bulk.ts';
import { finishedUnits } from '../../db/queries/recomputations.ts';
import { gateDecisions } from '../../db/schema.ts';
import { stamp } from './context.ts';
import type { RecomputeContext } from './context.ts';
import { iterationDecisions } from './method.ts';
import { recomputeQuestions } from './questions.ts';
import type { RecomputedQuestion } from './questions.ts';

/** Labels and gate decisions of every iteration, in order: what one keeps, the next may not keep again. */
export async function recomputeDataset(context: RecomputeContext): Promise<void> {
  const { client, run } = context;
  const labelled = await finishedUnits(client, run.runId, 'labelling');
  const gated = new Map(
    (await finishedUnits(client, run.runId, 'gating')).map(({ iteration, take }) => [iteration, take]),
  );
  const earlier: { id: number; question: string }[] = [];
  for (const iteration of new Set(labelled.map((unit) => unit.iteration))) {
    const questions: RecomputedQuestion[] = [];
    for (const { unit, take } of labelled.filter((shard) => shard.iteration === iteration)) {
      context.signal?.throwIfAborted();
      questions.push(...(await recomputeQuestions(context, { iteration, phase: 'dataset_generation', unit, take })));
      context.onProgress(`iteration ${iteration}, label shard ${unit + 1}`);
    }
    const take = gated.get(iteration);
    if (take !== undefined) earlier.push(...(await decideAgain(context, { iteration, take }, questions, earlier)));
  }
}

/** @returns the kept questions */
async function decideAgain(
  context: RecomputeContext,
  { iteration, take }: { iteration: number; take: number },
  questions: readonly RecomputedQuestion[],
  earlier: readonly { id: number; question: string }[],
): Promise<{ id: number; question: string }[]> {
  // What the run asked is decided again, also when this preset takes it for no question. Without answers there is nothing to decide.
  const decidable = questions.filter(({ asked, question, vote }) => asked && (question === null || vote !== null));
  const place = { runId: context.run.runId, iteration, phase: 'gating' as const, unit: 0, take };
  const rows = iterationDecisions(context, decidable, earlier);
  await insertRows(
    context.client,
    gateDecisions,
    rows.map((row) => ({ ...place, ...row, ...stamp(context) })),
  );
  return decidable.flatMap(({ questionId, question }, index) =>
    rows[index]!.kept && question !== null ? [{ id: questionId, question }] : [],
  );
}
