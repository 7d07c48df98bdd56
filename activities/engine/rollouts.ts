/** Prompt-and-completion pairs through the full forward pass: scores of given tokens, and the GRPO step. */
import { validateAdamW } from './adamw.ts';
import type { AdamW } from './adamw.ts';
import { groupByLength } from './batch.ts';
import { equalItems } from './equal-items.ts';
import { executorOf } from './execution.ts';
import type { GrpoSettings } from './executor.ts';
import { requireTemperature, sequenceWeights, validateGrpo } from './grpo-loss.ts';
import { watchPeakMemory } from './peak-memory.ts';
import { lengthOf, packRollouts, packTraining, validateItems, validateTrainItems } from './rollout-batch.ts';
import { recomputes } from './recompute.ts';
import { breathe } from './sampler.ts';
import { planRollouts } from './shared-prompts.ts';
import type { RolloutPlan } from './shared-prompts.ts';
import type {
  CallOptions,
  CompletionScore,
  ScoreItem,
  ScoreOptions,
  TrainItem,
  TrainMetrics,
  TrainOptions,
} from './types.ts';
import type { Model } from './weights.ts';

/** Most logits held at once while scoring, as a number of floats (256 MiB). */
const SCORE_LOGITS = 2 ** 26;
const SCORE_BATCH = 128;

/**
 * @param options.batchSize as many sequences at once, or less
 * @returns one score for each item, in their order
 * @throws RZeroError `EngineRequestInvalid` naming the field, `EngineCancelled`
 */
export async function scoreCompletions(
  model: Model,
  items: readonly ScoreItem[],
  { temperature = 1, batchSize = SCORE_BATCH, signal, onProgress }: ScoreOptions = {},
): Promise<CompletionScore[]> {
  requireTemperature(temperature);
  validateItems(model.config, items);
  const executor = executorOf(model);
  const scores: CompletionScore[] = items.map(() => ({ logprobs: [], entropies: [] }));
  const equal = equalItems(items);
  const distinct = equal.map(([first]) => items[first] as ScoreItem);
  const longest = Math.max(0, ...distinct.map(lengthOf));
  const size = Math.max(
    1,
    Math.min(SCORE_BATCH, batchSize, Math.floor(SCORE_LOGITS / (model.config.vocabSize * longest))),
  );
  let done = 0;
  const { groups, shared } = planRollouts(distinct, size);
  for (const group of groups) {
    await breathe(signal);
    const members = group.map((index) => distinct[index] as ScoreItem);
    const packed = packRollouts(members, temperature, shared);
    const nothing = { logprobs: new Float32Array(), entropies: new Float32Array() };
    const { logprobs, entropies } = packed.rows.length === 0 ? nothing : executor.score(packed);
    let from = 0;
    for (const [row, index] of group.entries()) {
      const to = from + (members[row] as ScoreItem).completionTokens.length;
      const copies = equal[index] as number[];
      for (const item of copies) {
        scores[item] = {
          logprobs: Array.from(logprobs.subarray(from, to)),
          entropies: Array.from(entropies.subarray(from, to)),
        };
      }
      from = to;
      done += copies.length;
    }
    onProgress?.({ stage: 'scoring', done, total: items.length });
  }
  return scores;
}

/**
 * One AdamW update on the GRPO objective over all items.
 *
 * @throws RZeroError `EngineRequestInvalid` naming the field; `EngineCancelled`, and then nothing has changed
 */
export async function grpoStep(
  model: Model,
  optimizer: AdamW,
  items: readonly TrainItem[],
  options: TrainOptions,
  { signal, onProgress }: CallOptions = {},
): Promise<TrainMetrics> {
  const started = performance.now();
  const memory = watchPeakMemory();
  const settings = validateGrpo(options);
  validateAdamW(options);
  validateTrainItems(model.config, items);
  const weights = sequenceWeights(
    items.map((item) => item.completionTokens.length),
    settings.aggregation,
  );
  const total = { loss: 0, policyLoss: 0, kl: 0, entropy: 0, clipped: 0, padding: 0 };
  const step = executorOf(model).startStep();
  let done = 0;
  try {
    const equal = equalItems(items);
    const distinct = equal.map(([first]) => items[first] as TrainItem);
    const { groups, shared } = planTraining(model, distinct, settings);
    for (const group of groups) {
      await breathe(signal);
      const members = group.flatMap((index) => equal[index] as number[]);
      const packed = packTraining(
        members.map((index) => items[index] as TrainItem),
        members.map((index) => weights[index] as number),
        settings.temperature,
        shared,
      );
      const part = step.accumulate(packed, settings);
      for (const key of ['loss', 'policyLoss', 'kl', 'entropy', 'clipped'] as const) total[key] += part[key];
      total.padding += packed.paddingTokens;
      memory.sample();
      done += members.length;
      onProgress?.({ stage: 'training', done, total: items.length });
    }
    await breathe(signal);
    const { gradientNorm, skipped } = step.apply(optimizer, options);
    const tokens = items.reduce((sum, item) => sum + item.completionTokens.length, 0);
    return {
      loss: total.loss,
      policyLoss: total.policyLoss,
      kl: total.kl / tokens,
      entropy: total.entropy / tokens,
      clipFraction: total.clipped / tokens,
      gradientNorm,
      tokens,
      paddingTokens: total.padding,
      seconds: (performance.now() - started) / 1000,
      memoryBytes: process.memoryUsage.rss(),
      peakMemoryBytes: memory.read(),
      skipped,
    };
  } finally {
    step.dispose();
  }
}

/** Prompts are shared unless activations are to be recomputed, which is for whole sequences. */
function planTraining(
  { config }: Model,
  items: readonly TrainItem[],
  { microBatch, recompute }: GrpoSettings,
): RolloutPlan {
  const whole = groupByLength(items.map(lengthOf), microBatch);
  const recomputed = whole.some((group) =>
    recomputes(recompute, config, group.length, lengthOf(items[group[0] as number] as TrainItem) - 1),
  );
  return recomputed ? { groups: whole, shared: false } : planRollouts(items, microBatch);
}
