/**
 * The engine interface: a model is opened as a lease, sampled, scored, trained, checkpointed and closed. It speaks token
 * ids and floats only, so that a remote engine behind it is honest: nothing here says where the weights live. A lease is
 * disposable; whatever it held is rebuilt from the last checkpoint.
 */

import type { LoraOptions } from './lora.ts';
import type { StopPattern } from './stop-pattern.ts';

/**
 * Sampling parameters, applied in this order. Log-probabilities returned are those of the tempered, untruncated
 * distribution: what a policy is trained with is what it was sampled with, as in verl (workers/actor/dp_actor.py).
 */
export interface SamplingParams {
  /** Most tokens to generate per sequence, the end token included. */
  maxTokens: number;
  /** 0 = greedy, else at least 0.01. Greedy log-probabilities are those at temperature 1. */
  temperature: number;
  /** Keep the k most likely tokens; 0 = off. @default 0 */
  topK?: number;
  /** Nucleus, 0 < topP <= 1; 1 = off. @default 1 */
  topP?: number;
  /** Keep what has at least this share of the likeliest token's probability; 0 = off. @default 0 */
  minP?: number;
  /** Token ids that end a sequence; the model's end-of-sequence token when omitted. */
  stopTokens?: readonly number[];
  /** Ends a sequence, too: stop texts, as an automaton over token ids. An engine may do without; then more is generated. */
  stopPattern?: StopPattern;
}

export interface SampleItem {
  promptTokens: readonly number[];
  /** 64 bits as 16 hexadecimal digits: the whole random stream of this one sample. */
  seed: string;
}

export interface SampleRequest {
  items: readonly SampleItem[];
  params: SamplingParams;
  /** Most sequences decoded together. Part of what makes a result reproducible bit by bit. @default 256 */
  batchSize?: number;
}

export interface Completion {
  /** Generated ids, the stop token or the token that completed a stop text included when one was produced. */
  tokens: number[];
  /** Natural log-probability of each generated token at the temperature, without truncation. Same length as `tokens`. */
  logprobs: number[];
  finishReason: 'stop' | 'length';
}

export interface ScoreItem {
  promptTokens: readonly number[];
  completionTokens: readonly number[];
}

/** Of each completion token, in order, of the tempered, untruncated distribution. */
export interface CompletionScore {
  /** Natural log-probability. */
  logprobs: number[];
  /** Entropy of the distribution that the token was one outcome of, nats. */
  entropies: number[];
}

/** One rollout as the GRPO loss needs it: arrays of the length of `completionTokens`, at the temperature of the update. */
export interface TrainItem extends ScoreItem {
  /** log pi_old: from the policy that sampled the rollout. */
  behaviourLogprobs: readonly number[];
  /** log pi_ref: from the model the phase started with. */
  referenceLogprobs: readonly number[];
  /** Group-relative advantage, the same for every token. */
  advantage: number;
}

export interface TrainOptions {
  learningRate: number;
  /** What the logits are divided by, as when the rollouts were sampled: of loss, KL and entropy. @default 1 */
  temperature?: number;
  /** AdamW. @default 0.9 */
  beta1?: number;
  /** @default 0.999 */
  beta2?: number;
  /** @default 1e-8 */
  epsilon?: number;
  /** Decoupled. @default 0.01 */
  weightDecay?: number;
  /** Ratio is clipped to [1 - clipLow, 1 + clipHigh]. @default 0.2 */
  clipLow?: number;
  /** @default 0.3 */
  clipHigh?: number;
  /** Dual clip c for negative advantages; 0 = off. @default 3 */
  dualClip?: number;
  /** Weight of the k3 KL term. @default 0.01 */
  klCoefficient?: number;
  /** `token-mean` over the whole batch, or mean over sequences of the mean over their tokens. @default 'token-mean' */
  aggregation?: 'token-mean' | 'sequence-mean';
  /** Global gradient norm. @default 1 */
  gradientClip?: number;
  /** Distinct sequences per forward and backward pass; gradients accumulate. @default 64 */
  microBatch?: number;
  /**
   * Whether the backward pass computes each layer's activations anew instead of keeping them: a quarter to a third more work, a fraction of the
   * memory, the same gradients. `auto`: where a micro-batch would keep more than 1 GiB by its shapes. @default 'auto'
   */
  recompute?: 'auto' | 'always' | 'never';
}

export interface TrainMetrics {
  loss: number;
  policyLoss: number;
  /** Mean k3 estimate per token. */
  kl: number;
  /** Mean entropy per token, nats. */
  entropy: number;
  /** Share of tokens whose ratio was clipped. */
  clipFraction: number;
  /** Before clipping. */
  gradientNorm: number;
  /** Completion tokens trained on. */
  tokens: number;
  /** Pad tokens computed to make the sequences of a micro-batch equally long. */
  paddingTokens: number;
  seconds: number;
  /** Resident set of the engine process after the step, bytes. */
  memoryBytes: number;
  /** Most that was resident during the step, bytes. Host memory only: what a GPU holds is not in it. */
  peakMemoryBytes: number;
  /** True when the update was skipped, because the gradient norm was not finite. */
  skipped: boolean;
}

export interface CheckpointFile {
  name: string;
  bytes: number;
  sha256: string;
}

export interface CheckpointRecord {
  /** sha-256 of the manifest, hexadecimal: the checkpoint's name everywhere. */
  id: string;
  /** Absolute folder, `<root>/<id>`. */
  path: string;
  bytes: number;
  files: CheckpointFile[];
  /** Optimizer steps behind these weights. */
  optimizerStep: number;
  /** Id of the checkpoint that these adapters lie on. */
  base?: string;
}

/** A folder with config.json, *.safetensors and tokenizer.json: a base model, or a checkpoint of ours with its manifest. */
export interface ModelSource {
  path: string;
  /** Checkpoint id that must match, or loading fails with `CheckpointCorrupt`. */
  expectId?: string;
  /** Load optimizer moments when there are any; false starts a fresh optimizer. @default false */
  withOptimizer?: boolean;
  /**
   * Threads inside one operation. Part of what makes a result reproducible bit by bit, so it belongs to a run and not to
   * whoever opened a model first. @default the engine's own
   */
  threads?: number;
  /**
   * Trains low-rank adapters in place of the weights: new ones, or those of the checkpoint when it has some, which must then be
   * of this kind. A checkpoint of adapters is opened with them whether or not this is given.
   */
  lora?: LoraSource;
}

export interface LoraSource extends LoraOptions {
  /** Of new adapters: 16 hexadecimal digits. */
  seed: string;
}

export interface EngineDescription {
  engine: 'tfjs';
  /** What runs the arithmetic. */
  backend: 'tensorflow-cuda' | 'tensorflow-cpu' | 'wasm' | 'cpu';
  /** e.g. `2.21.0` */
  backendVersion: string;
  /** `traced`: whole steps as one native call each; `eager`: operation by operation. */
  execution: 'traced' | 'eager';
  device: string;
  deterministic: boolean;
  /** Of matrix products; see `precision.ts`. */
  precision: 'float32' | 'tf32' | 'bfloat16';
  threads: number;
  /**
   * Whose kernels compute on a CPU, which is part of the last bits: TensorFlow's own, or oneDNN's where it has some (environment.ts).
   * Absent elsewhere, and in what older versions stored.
   */
  kernels?: 'tensorflow' | 'onednn';
  /** Why a slower backend runs than the one asked for. */
  fallbackReason?: string;
}

export interface EngineProgress {
  /** e.g. `sampling`, `training` */
  stage: string;
  done: number;
  total: number;
  /** Of a call that samples, so far. */
  work?: GenerationWork;
}

/** What was computed to generate, and how much of it in vain. */
export interface GenerationWork {
  /** Calls that continued every row by a token. */
  steps: number;
  /** Rows of all these calls, */
  rowSteps: number;
  /** of which those of rows whose sequence had ended. */
  idleRowSteps: number;
  /** Calls that ran prompts. */
  prefills: number;
  /** Prompt tokens run, */
  promptTokens: number;
  /** pads computed beside them to make them equally long, */
  paddingTokens: number;
  /** and prompt tokens that were not run, because a row held the same beginning. */
  sharedTokens: number;
}

export interface CallOptions {
  signal?: AbortSignal;
  onProgress?: (progress: EngineProgress) => void;
}

export interface ScoreSettings {
  /** What the logits are divided by, at least 0.01. @default 1 */
  temperature?: number;
  /** Most sequences at once; the engine may take less. */
  batchSize?: number;
}

export interface ScoreOptions extends ScoreSettings, CallOptions {}

export interface ModelLease {
  /** Content hash of the weights that are live now; changes with every train step. */
  readonly modelId: string;
  readonly maxSequenceLength: number;
  /** Results in the order of `items`. Pure: (weights, items, params, batchSize) decide every token. */
  sample(request: SampleRequest, options?: CallOptions): Promise<Completion[]>;
  /** How likely each completion token is, and how open it was, in the order of the items. */
  score(items: readonly ScoreItem[], options?: ScoreOptions): Promise<CompletionScore[]>;
  /** One optimizer update on the clipped GRPO objective with a k3 KL term. */
  trainStep(items: readonly TrainItem[], options: TrainOptions, call?: CallOptions): Promise<TrainMetrics>;
  /** Makes the present weights the ones that `sample` uses; nothing to do for a local engine. */
  publish(call?: CallOptions): Promise<void>;
  /** Writes `<root>/<id>` atomically (temporary name, fsync, rename), with optimizer state. Writing it again is harmless. */
  checkpoint(root: string, call?: CallOptions): Promise<CheckpointRecord>;
  close(): Promise<void>;
}

export interface Engine {
  /** @param call with the `threads` that models are opened with */
  describe(call?: CallOptions & Pick<ModelSource, 'threads'>): Promise<EngineDescription>;
  open(source: ModelSource, call?: CallOptions): Promise<ModelLease>;
  /** Ends the child process. The next call starts a new one. */
  close(): Promise<void>;
}
