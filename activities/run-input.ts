/**
 * What a run may be told: every field, its range and its default. The defaults are the demo on the built-in base model;
 * `preset` chooses the method's formulas (activities/method/presets.ts), the numbers here choose how much work is done.
 */
import { z } from 'zod';
import { alarmFields } from './alarms/settings.ts';
import { budgetFields, limitsOf } from './budget.ts';
import type { Budget, RunInput } from './contract.ts';
import { applyControl, CONTROL_NAMES } from './control.ts';
import { diversityFields, embeddingFields } from './diversity/settings.ts';
import { TARGET_MODULES } from './engine/lora.ts';
import { RZeroError } from './errors.ts';
import { evaluationSetList, setFields } from './evaluation-sets/settings.ts';
import { flatten, listText } from './settings.ts';
import { gatePolicy, isEmptyBand } from './gate-policy.ts';
import { LEARNING_RATE_SCHEDULES } from './method/learning-rate.ts';
import { VOTE_WEIGHTINGS } from './method/vote-weights.ts';
import { anchorFields, judgeFields, oracleFields } from './oracles/settings.ts';

const PRESETS = ['default', 'paper', 'official-code'] as const;

const count = (max: number) => z.int().min(1).max(max);
const runName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, 'letters, digits, ".", "_" and "-", at most 100');

/**
 * Sampling, per role, in the order temperature, top-k, top-p, min-p. A role is trained as the policy that it is sampled as: the loss
 * compares log-probabilities at its temperature, of the whole distribution. Votes without truncation estimate that policy.
 */
const sampling = (maxTokens: number) => ({
  maxTokens: count(65_536).default(maxTokens),
  temperature: z
    .number()
    .min(0.01, 'at least 0.01: a role learns from answers that differ, and greedy ones (0) are all the same')
    .max(10)
    .default(1),
  topK: z.int().min(0).default(0),
  topP: z.number().gt(0).max(1).default(1),
  minP: z.number().min(0).max(1).default(0),
});

const TARGETS = `must be "all-linear" or a list of ${TARGET_MODULES.join(', ')}`;

/** Low-rank adapters, with the names and meaning of `peft`'s LoraConfig; its dropout is none here. */
const lora = z.strictObject({
  r: count(1024),
  loraAlpha: z.number().gt(0).max(100_000).default(32),
  targetModules: z
    .union([z.literal('all-linear'), z.array(z.enum(TARGET_MODULES)).min(1)], TARGETS)
    .default('all-linear'),
});

const optimizer = (learningRate: number, warmupSteps: number, klCoefficient: number) => ({
  learningRate: z.number().gt(0).max(1).default(learningRate),
  /** Steps over which the learning rate rises linearly from 1/warmupSteps of its value. */
  warmupSteps: z.int().min(0).max(10_000).default(warmupSteps),
  /** After the warm-up, to the end of the phase: `constant`, or `linear` or `cosine` decay. */
  learningRateSchedule: z.enum(LEARNING_RATE_SCHEDULES).default('constant'),
  /** Share of the learning rate that a decay ends at. */
  minimumLearningRateRatio: z.number().min(0).max(1).default(0),
  beta1: z.number().min(0).lt(1).default(0.9),
  beta2: z.number().min(0).lt(1).default(0.99),
  weightDecay: z.number().min(0).max(1).default(0),
  /** Weight of the k3 KL term to the model that the phase started with. */
  klCoefficient: z.number().min(0).max(10).default(klCoefficient),
  gradientClip: z.number().gt(0).default(1),
  /** Optimizer updates a step; the step's rollouts are split evenly over them. */
  updatesPerStep: count(1024).default(1),
  /** Trains adapters and leaves the weights as they are, which wants a learning rate about ten times as high; all weights when omitted. */
  lora: lora.optional(),
});

const challenger = z.strictObject({
  steps: z.int().min(0).max(10_000).default(8),
  /** Questions a step, all groups together. 8,192 take up to 15 s and half a gigabyte to cluster. */
  rollouts: count(8192).default(128),
  groupSize: z.int().min(2).max(1024).default(8),
  /** Solver answers per question, m. */
  votes: count(1024).default(8),
  /** Weight of the repetition penalty, lambda; the preset's when omitted. */
  repetitionWeight: z.number().min(0).max(100).optional(),
  ...sampling(26),
  ...optimizer(3e-4, 2, 0.02),
});

const labelling = z.strictObject({
  /** Questions generated an iteration. */
  questions: count(1_000_000).default(384),
  /** Questions a shard: the unit of loss of generation and labelling. */
  shardSize: count(10_000).default(96),
  /** Solver answers per question, m. */
  votes: count(1024).default(8),
  /**
   * How answers count when the label is chosen: `none` all the same, as in the paper, `length` by their tokens, `confidence` by how
   * probable the Solver finds them (activities/method/vote-weights.ts). The preset's when omitted; p̂ is the share of answers that agree.
   */
  weighting: z.enum(VOTE_WEIGHTINGS).optional(),
});

const duplicateRule = z.enum(['none', 'exact', 'near']);

/** Which repeated questions are dropped; the preset's rules where omitted. */
const duplicates = z.strictObject({
  withinIteration: duplicateRule.optional(),
  /** Against the questions that the Solver was trained on in earlier iterations. */
  earlierIterations: duplicateRule.optional(),
  /** Least share of words that near duplicates have in common; their numbers and symbols are the same anyway. */
  similarity: z.number().min(0.5).max(1).multipleOf(0.01).optional(),
});

const gate = z.strictObject({
  /** Bounds of the share of votes that the majority must have; the preset's when omitted. Both inclusive. */
  lower: z.number().min(0).max(1).optional(),
  upper: z.number().min(0).max(1).optional(),
  duplicates: duplicates.prefault({}),
  /** Fewest kept questions the Solver is trained on: training on next to nothing would look like a run and be none. */
  minimumQuestions: count(1_000_000).default(8),
  /**
   * With fewer, the run parks and waits for a person, or skips the iteration's Solver training, which is noted with each
   * step. `park` when omitted; `skip` in control runs, where a Challenger that finds nothing is a result.
   */
  onTooFew: z.enum(['park', 'skip']).optional(),
});

const solver = z.strictObject({
  steps: z.int().min(0).max(10_000).default(24),
  /** Questions a step. */
  questions: count(65_536).default(48),
  /** Rollouts per question. */
  groupSize: z.int().min(2).max(1024).default(8),
  ...sampling(36),
  ...optimizer(3e-5, 5, 0.2),
});

const evaluation = z.strictObject({
  /** Held-out questions, from the front of the model's `held-out.jsonl`. */
  questions: count(1_000_000).default(400),
  /** Samples per question, at temperature 1 whatever the Solver's: numbers of different runs can be compared. */
  samples: count(1024).default(8),
  /** Named question sets beside them, published ones or your own files (activities/evaluation-sets/settings.ts). */
  sets: evaluationSetList.optional(),
  /** Answers a shard of a named set, about: the unit of loss. @default 512 */
  shardSize: count(100_000).optional(),
});

const checkpoints = z.strictObject({
  /**
   * What a finished iteration leaves of its checkpoints: `all` of them, the policies at the `iterations`' ends, or none but those of
   * the `last` one. Whatever the run needs to go on stays in any case, and each deletion is a row of `checkpoint_prunings`.
   */
  keep: z.enum(['all', 'iterations', 'last']).default('iterations'),
});

const runInput = z.strictObject({
  runId: runName.optional(),
  iterations: count(1000).default(3),
  seed: z.int().min(0).max(Number.MAX_SAFE_INTEGER).default(1),
  preset: z.enum(PRESETS).default('default'),
  /** Takes one part of the method away, or replaces it, and leaves everything else as it is (activities/control.ts). */
  control: z.enum(CONTROL_NAMES).default('none'),
  /** `builtin`; or on the worker a model folder, a .gguf file, a name (`r-zero model get`) or an imported hub id. */
  model: z.string().min(1).max(4096).default('builtin'),
  /**
   * How the roles are asked: `official` (the public code's words) or `few-shot` (examples, for small models), or the path of a
   * file on the worker; the model folder's `r-zero.json` when omitted, and `official` when it has none.
   */
  prompts: z.string().min(1).max(4096).optional(),
  /**
   * Threads inside one operation of the engine. Results are the same bit by bit for a fixed number only: name one for a run that
   * moves between machines. When omitted, 1 for a model of up to a million parameters, otherwise all of the engine's machine.
   */
  threads: count(1024).optional(),
  /** Sequences decoded together. */
  batchSize: count(4096).default(256),
  /** Sequences a forward and backward pass. */
  microBatch: count(4096).default(128),
  /**
   * Whether backward passes compute each layer's activations anew instead of keeping them: less memory, a quarter to a third more work, the
   * same training. `auto`: where a micro-batch would keep more than 1 GiB, by its shapes (activities/engine/recompute.ts).
   */
  recompute: z.enum(['auto', 'always', 'never']).default('auto'),
  challenger: challenger.prefault({}),
  labelling: labelling.prefault({}),
  gate: gate.prefault({}),
  solver: solver.prefault({}),
  evaluation: evaluation.prefault({}),
  checkpoints: checkpoints.prefault({}),
  /** What the run watches itself for, and what it does about it: thresholds and actions in activities/alarms/settings.ts. */
  alarms: alarmFields.prefault({}),
  /** Who audits labels beside exact arithmetic; never seen by training. */
  oracles: oracleFields.optional(),
  /** How diverse the questions are in meaning, beside their words. */
  diversity: diversityFields.optional(),
  /** Of this start alone: no setting of the run, so that each start may have another. */
  budget: budgetFields.optional(),
});

export type RunConfig = Omit<z.output<typeof runInput>, 'runId' | 'iterations' | 'budget'>;

export interface ResolvedRunInput {
  runId: string | undefined;
  iterations: number;
  /** Undefined when nothing is limited. */
  budget: Budget | undefined;
  config: RunConfig;
  /** The fields the caller named, as paths: a continued run may not change them. */
  given: ReadonlyMap<string, unknown>;
}

/**
 * Validates a run's input and fills in every default.
 *
 * @throws RZeroError `RunInputInvalid`, which names the first field at fault and what it accepts.
 */
export function resolveRunInput(input: RunInput | undefined | null): ResolvedRunInput {
  const parsed = runInput.safeParse(input ?? {});
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    const unknown = issue.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
    const field = [...issue.path, ...(unknown ? [unknown] : [])].join('.') || 'input';
    const others = parsed.error.issues.length - 1;
    throw new RZeroError(
      'RunInputInvalid',
      `Run input: ${unknown ? `there is no field "${field}".` : `"${field}": ${issue.message}.`}` +
        (others > 0 ? ` (${others} more)` : ''),
      { field, fix: unknown ? `Fields here: ${fieldsAt(issue.path)}.` : 'Correct the field and start the run again.' },
    );
  }
  const { runId, iterations, budget, ...parsedConfig } = parsed.data;
  const { budget: _budget, ...settings } = input ?? {};
  const given = flatten(settings);
  const config = applyControl(parsedConfig, given);
  // As it is stored, whatever order its fields were named in.
  if (config.evaluation.sets) given.set('evaluation.sets', listText(config.evaluation.sets));
  requireMultiple(
    'challenger.rollouts',
    config.challenger.rollouts,
    'challenger.groupSize',
    config.challenger.groupSize,
  );
  requireMultiple(
    'challenger.rollouts / challenger.groupSize',
    config.challenger.rollouts / config.challenger.groupSize,
    'challenger.updatesPerStep',
    config.challenger.updatesPerStep,
  );
  requireDecay('challenger', config.challenger);
  requireDecay('solver', config.solver);
  requireMultiple('solver.questions', config.solver.questions, 'solver.updatesPerStep', config.solver.updatesPerStep);
  if (isEmptyBand(gatePolicy(config))) {
    throw new RZeroError('RunInputInvalid', 'Run input: "gate.lower" is above "gate.upper".', {
      field: 'gate.lower',
      fix: `Choose lower <= upper; what is left out comes from preset "${config.preset}".`,
    });
  }
  return { runId, iterations, budget: limitsOf(budget), config, given };
}

/** Where the stored configuration differs from what the caller named. */
export function conflictingFields(given: ReadonlyMap<string, unknown>, config: RunConfig): string[] {
  const stored = flatten(config);
  return [...given]
    .filter(([field]) => field !== 'runId' && field !== 'iterations')
    .filter(([field, value]) => stored.get(field) !== value)
    .map(([field]) => field);
}

/** A decay that the warm-up leaves no step to, and a minimum that nothing decays to, would be ignored in silence. */
function requireDecay(role: 'challenger' | 'solver', settings: RunConfig['challenger' | 'solver']): void {
  const { steps, warmupSteps, learningRateSchedule, minimumLearningRateRatio } = settings;
  const refuse = (name: keyof typeof settings, message: string, fix: string): never => {
    const field = `${role}.${name}`;
    throw new RZeroError('RunInputInvalid', `Run input: "${field}" ${message}.`, { field, fix });
  };
  if (learningRateSchedule === 'constant') {
    if (minimumLearningRateRatio === 0) return;
    refuse(
      'minimumLearningRateRatio',
      `(${minimumLearningRateRatio}) has no effect on a constant learning rate`,
      `Leave it out, or set "${role}.learningRateSchedule" to "linear" or "cosine".`,
    );
  }
  if (steps > 0 && warmupSteps >= steps) {
    refuse(
      'warmupSteps',
      `(${warmupSteps}) leaves the ${learningRateSchedule} schedule no step of ${steps} to decay in`,
      `Choose fewer than "${role}.steps".`,
    );
  }
}

function requireMultiple(field: string, value: number, of: string, divisor: number): void {
  if (value % divisor === 0) return;
  throw new RZeroError(
    'RunInputInvalid',
    `Run input: "${field}" (${value}) is not a multiple of "${of}" (${divisor}).`,
    {
      field: field.split(' ')[0]!,
      fix: `Choose a multiple of ${divisor}.`,
    },
  );
}

function fieldsAt(path: readonly PropertyKey[]): string {
  const sections: Record<string, z.ZodObject> = {
    '': runInput,
    challenger,
    labelling,
    gate,
    'gate.duplicates': duplicates,
    solver,
    evaluation,
    'evaluation.sets': setFields,
    checkpoints,
    alarms: alarmFields,
    oracles: oracleFields,
    'oracles.anchors': anchorFields,
    'oracles.judge': judgeFields,
    diversity: diversityFields,
    'diversity.embedding': embeddingFields,
    'challenger.lora': lora,
    'solver.lora': lora,
    budget: budgetFields,
  };
  const section = sections[path.filter((name) => typeof name !== 'number').join('.')];
  return Object.keys((section ?? runInput).shape).join(', ');
}
