import { adamWStep, validateAdamW } from '../adamw.ts';
import { reportOf } from '../executor.ts';
import type { Executor, GrpoSettings, TrainingStep } from '../executor.ts';
import { grpoBounds } from '../grpo-loss.ts';
import type { RolloutBatch } from '../rollout-batch.ts';
import { recomputes } from '../recompute.ts';
import { ropeRows } from '../rope.ts';
import { countUp, placeBehind } from '../shared-prompts.ts';
import type { Model } from '../weights.ts';
import type { ProgramState } from './program-state.ts';
import { tracedDecoder } from './traced-decoder.ts';
import type { Feed } from './session.ts';

/** The model's functions as entry points of a traced graph, one native call each. */
export function tracedExecutor(model: Model, state: ProgramState): Executor {
  return {
    score: (batch) => {
      state.useWeights(model);
      const [logprobs, entropies] = state.session.fetch(
        `score/${batch.prompts ? 'shared' : 'whole'}`,
        sequences(model, batch),
      ) as [Float32Array, Float32Array];
      return { logprobs, entropies };
    },
    startDecoding: (request) => tracedDecoder(model, state, request),
    startStep: () => startStep(model, state),
  };
}

function startStep(model: Model, state: ProgramState): TrainingStep {
  const { session } = state;
  let started = false;
  /** Starts a sum of gradients or adds to it. @returns what the loss reports */
  const add = (loss: string, feeds: readonly Feed[]): Float32Array => {
    const entry = `${started ? 'moreGradients' : 'gradients'}/${loss}`;
    started = true;
    return session.fetch(entry, feeds)[0] as Float32Array;
  };
  const drop = (): void => {
    if (started) session.fetch('dropGradients', []);
    started = false;
  };
  return {
    accumulate: (batch, settings) => {
      state.useWeights(model);
      const { lower, upper, dualClip } = grpoBounds(settings);
      const vectors = [batch.predictions, batch.behaviour, batch.reference, batch.advantages, batch.weights].map(
        vector,
      );
      const feeds = [
        ...sequences(model, batch),
        ...vectors,
        ...[lower, upper, dualClip, settings.klCoefficient].map(scalar),
      ];
      return reportOf(add(gradientForm(model, batch, settings), feeds));
    },
    accumulateLabels: (batch) => {
      state.useWeights(model);
      return add('labels', [...sequences(model, batch), vector(batch.weights)])[0] as number;
    },
    apply: (optimizer, options) => {
      const settings = validateAdamW(options);
      const halves = session.fetch('squares', [])[0] as Float32Array;
      const gradientNorm = Math.sqrt(2 * halves.reduce((sum, half) => sum + half, 0));
      if (!Number.isFinite(gradientNorm)) {
        drop();
        return { gradientNorm, skipped: true };
      }
      const { scale, stepSize, secondCorrection } = adamWStep(settings, optimizer.step + 1, gradientNorm);
      const decay = 1 - settings.learningRate * settings.weightDecay;
      const { beta1, beta2, epsilon } = settings;
      // The kernel divides by sqrt(v) + epsilon, without the correction of v.
      const numbers = [scale, decay, stepSize / secondCorrection, beta1, beta2, epsilon / secondCorrection];
      state.apply(model, optimizer, numbers.map(scalar));
      started = false;
      optimizer.step += 1;
      return { gradientNorm, skipped: false };
    },
    dispose: drop,
  };
}

/** As the entry points take them that have the same ending. */
function sequences(model: Model, batched: RolloutBatch): Feed[] {
  const { batch, length, tokens, rows, labels, temperature, prompts } = batched;
  const { config, rope } = model;
  const rotary = (positions: Int32Array, shape: readonly number[]): Feed[] => {
    const { cos, sin } = ropeRows(config, rope, positions);
    const full = [...shape, config.headDim];
    return [
      { shape: full, values: cos },
      { shape: full, values: sin },
    ];
  };
  const whole: Feed = { shape: [batch, length], values: tokens };
  if (!prompts) {
    return [whole, ...rotary(countUp(length), [length]), vector(rows), vector(labels), scalar(temperature)];
  }
  const { positions, pads, order } = placeBehind(prompts, length, config.maxPositions);
  return [
    whole,
    ...rotary(positions, [batch, 1, length]),
    vector(rows),
    vector(labels),
    scalar(temperature),
    { shape: [prompts.count, prompts.length], values: prompts.tokens },
    ...rotary(countUp(prompts.length), [prompts.length]),
    vector(prompts.promptOf),
    { shape: [batch, order.length], values: pads },
    vector(order),
  ];
}

/** Which of the entry points that do the same. */
function gradientForm(
  { config }: Model,
  { prompts, batch, length }: RolloutBatch,
  { recompute }: GrpoSettings,
): string {
  if (prompts) return 'shared';
  return recomputes(recompute, config, batch, length) ? 'recomputed' : 'kept';
}

function vector(values: Float32Array | Int32Array): Feed {
  return { shape: [values.length], values };
}

function scalar(value: number): Feed {
  return { shape: [], values: Float32Array.of(value) };
}
