/** What the two training phases share: reference log-probabilities, GRPO updates, checkpoint. */
import type { Role } from './contract.ts';
import type { ActivityDependencies } from './dependencies.ts';
import type { CallOptions, CheckpointRecord, LoraSource, TrainItem, TrainMetrics } from './engine/types.ts';
import { recordUpdates } from './metrics.ts';
import { learningRateAt } from './method/learning-rate.ts';
import { getPreset } from './method/presets.ts';
import { deriveSeed } from './method/seeds.ts';
import type { SampledText } from './sampling.ts';
import { checkpointRoot, checkpointRow, refusePruned, withModel } from './store.ts';
import type { UnitContext } from './unit.ts';
import { finiteMean, standardDeviation } from './statistics.ts';
import { insertRows } from '../db/bulk.ts';
import { checkpointBefore } from '../db/queries/lineage.ts';
import { insertCheckpoint } from '../db/queries/runs.ts';
import { policyUpdates } from '../db/schema.ts';
import type pg from 'pg';
import type { ModelLease } from './engine/types.ts';

export interface StepCheckpoints {
  before: string;
  /** What the phase started from: the reference of the KL term. */
  reference: string;
}

export async function stepCheckpoints(
  deps: ActivityDependencies,
  { run, place }: UnitContext,
  role: Role,
): Promise<StepCheckpoints> {
  return {
    before: await checkpointBefore(deps.database, run.runId, role, place.iteration, place.unit),
    reference: await checkpointBefore(deps.database, run.runId, role, place.iteration, 0),
  };
}

/** How a role's policy is opened for a step of its training. New adapters are drawn once a run, in the role's first step. */
export function policyOptions(
  { run, config, place, call }: UnitContext,
  role: Role,
): { withOptimizer: boolean; threads: number | undefined; lora?: LoraSource; call: CallOptions } {
  const { lora } = config[role];
  const source = {
    runSeed: run.seed,
    iteration: 0,
    phase: place.phase,
    unit: 0,
    item: 0,
    sample: 0,
    stream: 'adapters',
  };
  const { threads } = config;
  return {
    withOptimizer: place.unit > 0,
    threads,
    call,
    ...(lora ? { lora: { ...lora, seed: deriveSeed(source) } } : {}),
  };
}

export interface Rollout extends SampledText {
  advantage: number;
}

export interface StepUpdate {
  learningRate: number;
  metrics: TrainMetrics[];
  checkpoint: CheckpointRecord;
}

/**
 * Trains the open policy on one step's rollouts, groups kept together, and writes its checkpoint.
 *
 * @param rollouts in group order; split evenly over `updatesPerStep` optimizer updates.
 */
export async function updatePolicy(
  deps: ActivityDependencies,
  { config, place, call }: UnitContext,
  role: Role,
  policy: ModelLease,
  reference: string,
  rollouts: readonly Rollout[],
): Promise<StepUpdate> {
  const settings = config[role];
  const { clipLow, clipHigh, dualClip, aggregation } = getPreset(config.preset).grpo;
  const scored = rollouts.map(({ promptTokens, tokens }) => ({ promptTokens, completionTokens: tokens }));
  // The distribution that was sampled: ratio, KL and entropy are about it.
  const { temperature } = settings;
  const referenceScores = await withModel(deps, reference, { threads: config.threads, call }, (lease) =>
    lease.score(scored, { ...call, temperature, batchSize: config.batchSize }),
  );
  const items: TrainItem[] = rollouts.map((rollout, index) => ({
    ...scored[index]!,
    behaviourLogprobs: rollout.logprobs,
    referenceLogprobs: referenceScores[index]!.logprobs,
    advantage: rollout.advantage,
  }));
  const { updatesPerStep } = settings;
  const learningRate = learningRateAt(settings, place.unit, settings.steps);
  const share = Math.ceil(items.length / updatesPerStep);
  const metrics: TrainMetrics[] = [];
  for (let start = 0; start < items.length; start += share) {
    metrics.push(
      await policy.trainStep(
        items.slice(start, start + share),
        {
          learningRate,
          temperature,
          beta1: settings.beta1,
          beta2: settings.beta2,
          weightDecay: settings.weightDecay,
          klCoefficient: settings.klCoefficient,
          gradientClip: settings.gradientClip,
          microBatch: config.microBatch,
          recompute: config.recompute,
          clipLow,
          clipHigh,
          dualClip,
          aggregation,
        },
        call,
      ),
    );
  }
  recordUpdates(place, metrics);
  await policy.publish(call);
  return { learningRate, metrics, checkpoint: await policy.checkpoint(checkpointRoot(deps), call) };
}

export async function writeUpdate(
  client: pg.PoolClient,
  { place }: UnitContext,
  role: Role,
  { before, reference }: StepCheckpoints,
  { learningRate, metrics, checkpoint }: StepUpdate,
): Promise<void> {
  await insertCheckpoint(client, checkpointRow(checkpoint));
  // An update that was skipped had no finite loss to speak of.
  const counted = metrics.filter(({ skipped }) => !skipped);
  const average = (read: (metrics: TrainMetrics) => number) => finiteMean(counted.map(read));
  const total = (read: (metrics: TrainMetrics) => number) => metrics.reduce((sum, entry) => sum + read(entry), 0);
  await insertRows(client, policyUpdates, [
    {
      ...place,
      role,
      checkpointBefore: before,
      checkpointAfter: checkpoint.id,
      referenceCheckpoint: reference,
      learningRate,
      updates: metrics.length,
      loss: average((entry) => entry.loss),
      policyLoss: average((entry) => entry.policyLoss),
      kl: average((entry) => entry.kl),
      entropy: average((entry) => entry.entropy),
      clipFraction: average((entry) => entry.clipFraction),
      gradientNorm: average((entry) => entry.gradientNorm),
      tokens: total((entry) => entry.tokens),
      paddingTokens: total((entry) => entry.paddingTokens),
      skipped: total((entry) => Number(entry.skipped)),
      seconds: total((entry) => entry.seconds),
      memoryBytes: Math.max(...metrics.map((entry) => entry.memoryBytes)),
      peakMemoryBytes: Math.max(...metrics.map((entry) => entry.peakMemoryBytes)),
    },
  ]);
  await refusePruned(checkpoint);
}

/**
 * What is shown of an update while the run goes on, the most telling first.
 *
 * @param rewards that the step was trained with
 */
export function stepMetrics({ learningRate, metrics }: StepUpdate, rewards: readonly number[]): Record<string, number> {
  const counted = metrics.filter(({ skipped }) => !skipped);
  const average = (read: (metrics: TrainMetrics) => number) => finiteMean(counted.map(read));
  const shown: Record<string, number | null> = {
    stdReward: standardDeviation(rewards),
    kl: average(({ kl }) => kl),
    entropy: average(({ entropy }) => entropy),
    clipFraction: average(({ clipFraction }) => clipFraction),
    gradientNorm: average(({ gradientNorm }) => gradientNorm),
    learningRate,
    loss: average(({ loss }) => loss),
    skippedUpdates: metrics.length - counted.length || null,
    tokens: metrics.reduce((sum, { tokens }) => sum + tokens, 0),
    peakMemoryMiB: Math.round(Math.max(...metrics.map(({ peakMemoryBytes }) => peakMemoryBytes)) / 2 ** 20),
  };
  return Object.fromEntries(Object.entries(shown).filter((entry): entry is [string, number] => entry[1] !== null));
}
