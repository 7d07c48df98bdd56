import { controlledReward } from '../control.ts';
import { groupAdvantages } from '../method/advantages.ts';
import { solverReward } from '../method/solver-reward.ts';
import { solverRewardRow } from '../reward-rows.ts';
import { insertRows } from '../../db/bulk.ts';
import { finishedUnits, readRollouts } from '../../db/queries/recomputations.ts';
import type { StoredRollout } from '../../db/queries/recomputations.ts';
import { rewards } from '../../db/schema.ts';
import { stamp } from './context.ts';
import type { RecomputeContext } from './context.ts';

/** Rewards of every step of Solver training, against the labels of this recomputation. */
export async function recomputeSolver(context: RecomputeContext): Promise<void> {
  const { client, run, ref } = context;
  for (const { iteration, unit } of await finishedUnits(client, run.runId, 'solver_training')) {
    context.signal?.throwIfAborted();
    const rollouts = await readRollouts(client, { runId: run.runId, iteration, unit }, ref.recomputationId);
    const rows = groupsOf(rollouts).flatMap((group) => groupRows(context, iteration, unit, group));
    await insertRows(client, rewards, rows);
    context.onProgress(`iteration ${iteration}, Solver step ${unit + 1}`);
  }
}

/** Rollouts of the same question; they come in its order. */
function groupsOf(rollouts: readonly StoredRollout[]): StoredRollout[][] {
  const groups: StoredRollout[][] = [];
  for (const rollout of rollouts) {
    const group = groups.at(-1);
    if (group?.[0]?.item === rollout.item) group.push(rollout);
    else groups.push([rollout]);
  }
  return groups;
}

/** No rows for a question that has no label under this preset: there is nothing to reward against. */
function groupRows(
  context: RecomputeContext,
  iteration: number,
  unit: number,
  group: readonly StoredRollout[],
): (typeof rewards.$inferInsert)[] {
  const { run, preset } = context;
  const place = { runId: run.runId, iteration, phase: 'solver_training' as const, unit };
  const label = group[0]?.label ?? null;
  if (label === null) return [];
  const judged = group.map(({ completion, question }) => solverReward(completion, label, preset, { question }));
  const totals = judged.map((reward, i) =>
    controlledReward(run, place, group[i]!.item, group[i]!.sample, reward.total),
  );
  const advantages = groupAdvantages(totals);
  return group.map(({ rolloutId }, i) => ({
    ...place,
    ...solverRewardRow(rolloutId, judged[i]!, { total: totals[i]!, advantage: advantages[i]! }),
    ...stamp(context),
  }));
}
