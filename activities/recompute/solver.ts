import { replacesLabels } from '../control.ts';
import { insertRows } from '../../db/bulk.ts';
import { finishedUnits, readRollouts } from '../../db/queries/recomputations.ts';
import { rewards } from '../../db/schema.ts';
import { methodOf, stamp } from './context.ts';
import type { RecomputeContext } from './context.ts';
import { groupsOf, judgeGroup } from './method.ts';

/** Rewards of every step of Solver training, against the labels of this recomputation, or those that the run's control put in their place. */
export async function recomputeSolver(context: RecomputeContext): Promise<void> {
  const { client, run, ref } = context;
  for (const step of await finishedUnits(client, run.runId, 'solver_training')) {
    const { iteration, unit, take } = step;
    context.signal?.throwIfAborted();
    const place = { runId: run.runId, iteration, phase: 'solver_training' as const, unit, take };
    const rollouts = await readRollouts(client, place, ref.recomputationId);
    const rows = groupsOf(rollouts).flatMap((group) => {
      const label = (replacesLabels(run) ? group[0]?.trainedLabel : group[0]?.label) ?? null;
      // No rows for a question that has no label under this preset: there is nothing to reward against.
      return label === null ? [] : judgeGroup(methodOf(context, step), place, group, label);
    });
    await insertRows(
      client,
      rewards,
      rows.map(({ reward }) => ({ ...place, ...reward, ...stamp(context) })),
    );
    context.onProgress(`iteration ${iteration}, Solver step ${unit + 1}`);
  }
}
