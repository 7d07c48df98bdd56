/**
 * A Llama decoder and the GRPO loss in plain double-precision loops, written from the formulas and not from the engine,
 * with none of its shortcuts (joined matrices, folded scales, batches, caches).
 */
import type { ModelConfig } from '../../../activities/engine/config.ts';

export type StoredWeights = ReadonlyMap<string, ArrayLike<number>>;

/** y = W x for W [out, in] row-major. */
function apply(weight: ArrayLike<number>, x: readonly number[]): number[] {
  const rows = weight.length / x.length;
  return Array.from({ length: rows }, (_, row) => {
    let sum = 0;
    for (let i = 0; i < x.length; i++) sum += weight[row * x.length + i]! * x[i]!;
    return sum;
  });
}

function rmsNorm(x: readonly number[], gain: ArrayLike<number>, epsilon: number): number[] {
  const meanSquare = x.reduce((sum, value) => sum + value * value, 0) / x.length;
  return x.map((value, i) => (value / Math.sqrt(meanSquare + epsilon)) * gain[i]!);
}

/** Rotate-half: dimension i turns with dimension i + dh/2. */
function rotate(x: readonly number[], position: number, theta: number): number[] {
  const half = x.length / 2;
  return x.map((value, i) => {
    const pair = i % half;
    const angle = position * theta ** (-(2 * pair) / x.length);
    const other = i < half ? -x[i + half]! : x[i - half]!;
    return value * Math.cos(angle) + other * Math.sin(angle);
  });
}

function softmax(x: readonly number[]): number[] {
  const top = Math.max(...x);
  const exps = x.map((value) => Math.exp(value - top));
  const sum = exps.reduce((a, b) => a + b, 0);
  return exps.map((value) => value / sum);
}

/** Logits after every token: [T][V]. */
export function referenceLogits(config: ModelConfig, weights: StoredWeights, tokens: readonly number[]): number[][] {
  const get = (name: string): ArrayLike<number> => weights.get(name)!;
  const { hiddenSize: d, headDim, heads, kvHeads } = config;
  const embedding = Array.from(get('model.embed_tokens.weight'));
  let stream = tokens.map((token) => embedding.slice(token * d, (token + 1) * d));
  for (let layer = 0; layer < config.layers; layer++) {
    const name = `model.layers.${layer}`;
    const normed = stream.map((x) => rmsNorm(x, get(`${name}.input_layernorm.weight`), config.rmsNormEps));
    const project = (which: string, count: number, turn: boolean) =>
      normed.map((x, position) => {
        const joined = apply(get(`${name}.self_attn.${which}_proj.weight`), x);
        return Array.from({ length: count }, (_, head) => {
          const part = joined.slice(head * headDim, (head + 1) * headDim);
          return turn ? rotate(part, position, config.ropeTheta) : part;
        });
      });
    const queries = project('q', heads, true);
    const keys = project('k', kvHeads, true);
    const values = project('v', kvHeads, false);
    stream = stream.map((x, position) => {
      const mixed = queries[position]!.flatMap((query, head) => {
        const shared = Math.floor(head / (heads / kvHeads));
        const scores = keys
          .slice(0, position + 1)
          .map((key) => key[shared]!.reduce((sum, k, i) => sum + k * query[i]!, 0) / Math.sqrt(headDim));
        const attention = softmax(scores);
        return query.map((_, i) => attention.reduce((sum, a, at) => sum + a * values[at]![shared]![i]!, 0));
      });
      const output = apply(get(`${name}.self_attn.o_proj.weight`), mixed);
      return x.map((value, i) => value + output[i]!);
    });
    stream = stream.map((x) => {
      const normed = rmsNorm(x, get(`${name}.post_attention_layernorm.weight`), config.rmsNormEps);
      const up = apply(get(`${name}.mlp.up_proj.weight`), normed);
      const gated = apply(get(`${name}.mlp.gate_proj.weight`), normed).map((g, i) => (g / (1 + Math.exp(-g))) * up[i]!);
      const output = apply(get(`${name}.mlp.down_proj.weight`), gated);
      return x.map((value, i) => value + output[i]!);
    });
  }
  const head = config.tieWordEmbeddings ? get('model.embed_tokens.weight') : get('lm_head.weight');
  return stream.map((x) => apply(head, rmsNorm(x, get('model.norm.weight'), config.rmsNormEps)));
}

/** Natural log-probability of each completion token, of the distribution that the logits over the temperature make. */
export function referenceLogprobs(
  config: ModelConfig,
  weights: StoredWeights,
  prompt: readonly number[],
  completion: readonly number[],
  temperature = 1,
): number[] {
  const logits = referenceLogits(config, weights, [...prompt, ...completion]);
  return completion.map((token, i) => {
    const tempered = logits[prompt.length - 1 + i]!.map((logit) => logit / temperature);
    return Math.log(softmax(tempered)[token]!);
  });
}

/** Entropy, in nats, of what each completion token was drawn from. */
export function referenceEntropies(
  config: ModelConfig,
  weights: StoredWeights,
  prompt: readonly number[],
  completion: readonly number[],
  temperature = 1,
): number[] {
  const logits = referenceLogits(config, weights, [...prompt, ...completion]);
  return completion.map((_, i) => {
    const shares = softmax(logits[prompt.length - 1 + i]!.map((logit) => logit / temperature));
    return shares.reduce((sum, share) => sum - share * Math.log(share), 0);
  });
}

export interface ReferenceTokenLoss {
  policy: number;
  kl: number;
  clipped: boolean;
}

/** One token of the clipped, dual-clipped surrogate and the k3 estimate. */
export function referenceGrpo(
  token: { logprob: number; behaviour: number; reference: number; advantage: number },
  { clipLow, clipHigh, dualClip }: { clipLow: number; clipHigh: number; dualClip: number },
): ReferenceTokenLoss {
  const clamp = (x: number, low: number, high: number): number => Math.min(high, Math.max(low, x));
  const ratio = Math.exp(clamp(token.logprob - token.behaviour, -20, 20));
  const plain = -token.advantage * ratio;
  const bounded = -token.advantage * clamp(ratio, 1 - clipLow, 1 + clipHigh);
  let policy = Math.max(plain, bounded);
  if (dualClip > 0 && token.advantage < 0) policy = Math.min(policy, -token.advantage * dualClip);
  const distance = clamp(token.reference - token.logprob, -20, 20);
  return { policy, kl: clamp(Math.exp(distance) - distance - 1, -10, 10), clipped: policy !== plain };
}
