/** Every step of Solver training of an iteration: which questions it took, how they were answered and rewarded. */
import { trainingLabels } from '../control.ts';
import { groupsOf, judgeGroup } from '../recompute/method.ts';
import type { JudgedRollout } from '../recompute/method.ts';
import type { RewardRow } from '../reward-rows.ts';
import { stepQuestions } from '../solver-training.ts';
import { unitRollouts } from '../../db/queries/verification.ts';
import type { RolloutRecord } from '../../db/queries/verification.ts';
import type { Place } from '../../db/queries/units.ts';
import { checkMetrics, checkpointColumn, policyBefore, seedOf, unitId } from './context.ts';
import type { VerifyContext } from './context.ts';
import type { LabelledQuestion } from './dataset.ts';
import { verifyRewards } from './rewards.ts';
import { checkText } from './texts.ts';
import { verifyStepTokens } from './updates.ts';

export async function verifySolverSteps(
  context: VerifyContext,
  iteration: number,
  units: readonly number[],
  dataset: readonly LabelledQuestion[],
): Promise<void> {
  const labelled = trainingLabels(context.run, iteration, dataset);
  for (const unit of units) {
    const place = { runId: context.run.runId, iteration, phase: 'solver_training' as const, unit };
    // A step that was skipped, because too little was kept, has no rollouts.
    const isSkipped = (context.metricsOf(place)['skipped'] ?? 0) > 0 || dataset.length === 0;
    await verifyStep(
      context,
      place,
      isSkipped ? [] : stepQuestions(labelled, { run: context.run, place }, context.config.solver.questions),
    );
    context.onProgress(`iteration ${iteration}, Solver step ${unit + 1}`);
  }
}

async function verifyStep(context: VerifyContext, place: Place, batch: readonly LabelledQuestion[]): Promise<void> {
  const { client, config } = context;
  const { groupSize } = config.solver;
  const policy = policyBefore(context, 'solver', place.iteration, place.unit);
  const found = new Set<string>();
  let tokens = 0;
  for await (const portion of unitRollouts(client, place, groupSize)) {
    context.signal?.throwIfAborted();
    const rewards = new Map<number, RewardRow | null | undefined>();
    for (const group of groupsOf(portion)) {
      const judged = verifyGroup(context, { place, policy, source: batch[group[0]!.item] }, group);
      for (const [index, rollout] of group.entries()) {
        found.add(`${rollout.item}/${rollout.sample}`);
        tokens += rollout.tokens.length;
        rewards.set(rollout.rolloutId, judged?.[index]?.reward);
      }
    }
    await verifyRewards(context, place, 'rollout_id', rewards);
  }
  const isWhole = reportGaps(context, place, batch.length, found);
  if (!isWhole || batch.length === 0) return;
  verifyStepTokens(context, place, tokens);
  checkMetrics(context, place, { rollouts: batch.length * groupSize });
}

function reportGaps(
  { findings, config }: VerifyContext,
  place: Place,
  items: number,
  found: ReadonlySet<string>,
): boolean {
  let missing = 0;
  for (let item = 0; item < items; item++) {
    for (let sample = 0; sample < config.solver.groupSize; sample++) {
      findings.examine('rollouts');
      if (found.has(`${item}/${sample}`)) continue;
      missing++;
      findings.missing('rollouts', 'rollouts', { ...unitId(place), item, sample });
    }
  }
  return missing === 0;
}

/** @returns undefined when the rewards of the group cannot be made again */
function verifyGroup(
  context: VerifyContext,
  { place, policy, source }: { place: Place; policy: string | undefined; source: LabelledQuestion | undefined },
  group: readonly RolloutRecord[],
): JudgedRollout[] | undefined {
  const { findings, config } = context;
  if (!source) {
    for (const { rolloutId } of group) findings.unexpected('rollouts', 'rollouts', { rollout_id: rolloutId });
    return undefined;
  }
  const { questionId, question, label } = source;
  const texts = group.map((record) => {
    const row = { rollout_id: record.rolloutId };
    const { item, sample } = record;
    findings.compare('seeds', 'rollouts', row, record, {
      seed: seedOf(context, place, { item, sample, stream: 'rollout' }),
    });
    findings.compare('rollouts', 'rollouts', row, record, { questionId, label, ...checkpointColumn(policy) });
    return checkText(context, 'solver', 'rollouts', row, record);
  });
  if (group.length !== config.solver.groupSize) {
    const samples = new Set(group.map(({ sample }) => sample));
    for (const { sample, rolloutId } of group) {
      const isExtra = sample < 0 || sample >= config.solver.groupSize;
      if (isExtra && samples.delete(sample)) findings.unexpected('rollouts', 'rollouts', { rollout_id: rolloutId });
    }
    return undefined;
  }
  const judged = judgeGroup(
    context,
    place,
    group.map((record) => ({ ...record, question })),
    label,
  );
  for (const [index, record] of group.entries()) {
    if (!texts[index]) continue;
    findings.compare('rollouts', 'rollouts', { rollout_id: record.rolloutId }, record, {
      extracted: judged[index]!.extracted,
    });
  }
  return texts.every(Boolean) ? judged : undefined;
}
