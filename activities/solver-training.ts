import type { UnitRef, UnitResult } from './contract.ts';
import { controlledReward, trainingLabels } from './control.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { batchAdvantages } from './method/advantages.ts';
import { isWorked } from './method/evaluation.ts';
import { getPreset } from './method/presets.ts';
import { deriveSeed, permutation } from './method/seeds.ts';
import { solverReward } from './method/solver-reward.ts';
import { solverPrompt } from './profile.ts';
import { solverRewardRow } from './reward-rows.ts';
import { mapInSlices } from './in-slices.ts';
import { sampleAs } from './sampling.ts';
import type { SampledText } from './sampling.ts';
import { withModel } from './store.ts';
import { policyOptions, stepCheckpoints, stepMetrics, updatePolicy, writeUpdate } from './training-step.ts';
import { runUnit } from './unit.ts';
import type { UnitContext } from './unit.ts';
import { datasetYield, judgeYield, tooFewQuestions } from './yield-guard.ts';
import { mean } from './statistics.ts';
import { insertRows } from '../db/bulk.ts';
import { readDataset, readDropReasons } from '../db/queries/lineage.ts';
import type { RunRow } from '../db/queries/runs.ts';
import type { Place } from '../db/queries/units.ts';
import { rewards, rollouts as rolloutTable } from '../db/schema.ts';

/** One GRPO step of the Solver on pseudo-labelled questions (arXiv 2508.05004, section 3.4). */
export function trainSolverStep(deps: ActivityDependencies, ref: UnitRef): Promise<UnitResult> {
  return runUnit(deps, 'solver_training', ref, async (context) => {
    const { run, config, place, call } = context;
    const { questions, groupSize } = config.solver;
    const preset = getPreset(config.preset);
    const dataset = await readDataset(deps.database, run.runId, place.iteration);
    const found = datasetYield(config, dataset.length);
    if (await isSkipped(deps, context, dataset.length)) {
      return { usesModel: false, metrics: { ...found, skipped: 1 }, write: () => Promise.resolve() };
    }
    const batch = stepQuestions(trainingLabels(run, place.iteration, dataset), context, questions);
    const checkpoints = await stepCheckpoints(deps, context, 'solver');
    return withModel(deps, checkpoints.before, policyOptions(context, 'solver'), async (policy) => {
      const prompts = batch.flatMap(({ question }, item) =>
        Array.from({ length: groupSize }, (_, sample) => ({
          prompt: solverPrompt(context.profile, question),
          seed: deriveSeed({ runSeed: run.seed, ...place, item, sample, stream: 'rollout' }),
        })),
      );
      const sampled = await sampleAs('solver', deps, context, policy, prompts);
      const judge = (rollout: SampledText, index: number) => {
        const item = Math.floor(index / groupSize);
        const sample = index % groupSize;
        const source = batch[item]!;
        const reward = solverReward(rollout.text, source.label, preset, { question: source.question });
        return {
          ...rollout,
          item,
          sample,
          source,
          reward,
          total: controlledReward(run, place, item, sample, reward.total),
        };
      };
      const judged = await mapInSlices(sampled, judge, call.signal);
      const advantages = batchAdvantages(
        judged.map(({ total }) => total),
        groupSize,
      );
      const rollouts = judged.map((rollout, index) => ({ ...rollout, advantage: advantages[index]! }));
      const update = await updatePolicy(deps, context, 'solver', policy, checkpoints.reference, rollouts);
      return {
        usesModel: true,
        metrics: {
          ...found,
          repeated: batch.length - new Set(batch).size,
          rollouts: rollouts.length,
          meanReward: mean(judged.map(({ total }) => total)),
          incomparable: judged.filter(({ reward }) => reward.incomparable).length,
          workedShare: mean(judged.map(({ text }) => Number(isWorked(text)))),
          ...stepMetrics(
            update,
            judged.map(({ total }) => total),
          ),
        },
        checkpoint: { role: 'solver', id: update.checkpoint.id },
        write: async (client) => {
          const inserted = await insertRows(
            client,
            rolloutTable,
            rollouts.map(({ item, sample, source, seed, text, tokens, logprobs, finishReason, reward }) => ({
              ...place,
              item,
              sample,
              questionId: source.questionId,
              label: source.label,
              checkpointId: checkpoints.before,
              seed,
              completion: text,
              tokens,
              logprobs,
              finishReason,
              extracted: reward.extracted,
            })),
            { returning: ['rollout_id', 'item', 'sample'] },
          );
          const ids = new Map(
            inserted.map((row) => [`${Number(row.item)}/${Number(row.sample)}`, Number(row.rollout_id)]),
          );
          await insertRows(
            client,
            rewards,
            rollouts.map(({ item, sample, reward, total, advantage }) => ({
              ...place,
              ...solverRewardRow(ids.get(`${item}/${sample}`)!, reward, { total, advantage }),
            })),
          );
          await writeUpdate(client, context, 'solver', checkpoints, update);
        },
      };
    });
  });
}

/** @returns true when the step is to be skipped; throws when the run is to park. */
async function isSkipped(deps: ActivityDependencies, context: UnitContext, kept: number): Promise<boolean> {
  const { run, config, place } = context;
  const verdict = judgeYield(config, kept);
  if (verdict !== 'park') return verdict === 'skip';
  const reasons = await readDropReasons(deps.database, run.runId, place.iteration);
  throw tooFewQuestions(config, place.iteration, kept, reasons);
}

/** Step s takes the next questions of an endless sequence of seeded permutations, so every question is used equally often. */
export function stepQuestions<T>(
  dataset: readonly T[],
  { run, place }: { run: Pick<RunRow, 'seed'>; place: Place },
  size: number,
): T[] {
  const orders = new Map<number, Int32Array>();
  return Array.from({ length: size }, (_, index) => {
    const position = place.unit * size + index;
    const epoch = Math.floor(position / dataset.length);
    let order = orders.get(epoch);
    if (!order) {
      const seed = deriveSeed({ runSeed: run.seed, ...place, unit: 0, item: epoch, sample: 0, stream: 'order' });
      order = permutation(dataset.length, seed);
      orders.set(epoch, order);
    }
    return dataset[order[position % dataset.length]!]!;
  });
}
