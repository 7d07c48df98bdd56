/**
 * The three ways to compute R-Zero's arithmetic. `paper` follows arXiv 2508.05004, `official-code` follows the public code
 * `Chengsong-Huang/R-Zero` at commit 5699329 with its quirks. `default` is ours: the paper's formulas, and these departures:
 *
 * - parsing: the answer is the last balanced `\boxed{}` after the question block; a missing or empty box is invalid, in training as
 *   in generation (the paper checks the tags only; the code lets a missing box pass in training and refuses it in generation).
 * - equivalence: canonical forms in exact arithmetic (2/4 = 1/2, sqrt(16) = 4), an equivalence relation; the public grader is neither
 *   symmetric nor transitive and can run without limit. A percentage is its number, or a fraction where the question asks for a
 *   probability, fraction or decimal (`percent-sense.ts`): 50 % is 50 or 1/2, never both for one question.
 * - voting: independent of the order of the answers, ties included; a completion without a box never votes, yet counts in m
 *   (in the code it votes for the string "None").
 * - labels: an answer counts by how probable the Solver finds it (`vote-weights.ts`); paper and code count all the same. On the
 *   built-in domain more labels are true in every iteration and every seed (test/experiments). p̂ stays a share of answers, that of the
 *   label; the Challenger is rewarded for uncertainty as it is counted.
 * - repetition: letters-runs, single digits and signs are the tokens, so that `3+7` is not one opaque word; identical texts
 *   always share a cluster (with BLEU alone one- and two-token copies do not); a cluster of one costs nothing: (|C| - 1) / B;
 *   invalid items are in B and in no cluster.
 * - gate: the paper's band, no text filters; duplicates are dropped, exact and near ones, within the iteration and of what the Solver
 *   was trained on in earlier iterations (paper and code drop none). A copy within the iteration would be another chance to fall
 *   into the band, and weigh double. A question of an earlier iteration was trained on several times already, with the label of
 *   a weaker Solver; kept again it would look like yield and bring little that is new. On the built-in base (66,420 sums) that is
 *   at most 4 % of the questions of iteration 3.
 * - clipping 0.2 / 0.3 with dual clip 3 and token mean, as the public trainer's defaults; the paper does not print its values,
 *   so `paper` uses the same.
 *
 * One thing holds in all three and is in neither paper nor code: questions of the run's own evaluation set, and near duplicates of
 * them, are never trained on.
 */
import { RZeroError } from '../errors.ts';
import type { VoteWeighting } from './vote-weights.ts';

export type PresetName = 'paper' | 'official-code' | 'default';
export type GraderName = 'official' | 'default';
/** Where a Challenger completion is parsed: the public code is laxer in training than in data-set generation. */
export type ParsingStage = 'training' | 'generation';
export type ParsingVariant = 'official-training' | 'official-generation' | 'tags-only' | 'strict';
/** `official-server` scores the Challenger (m = 10), `official-builder` labels the data set (m = 9). */
export type VoteVariant = 'official-server' | 'official-builder' | 'default';
/** `tent` = 1 - 2|p - 1/2|, 0 to 1 (paper, section 3.2); `min` = min(p, 1 - p), 0 to 1/2 (caller_penalty.py:141). */
export type UncertaintyShape = 'tent' | 'min';

export interface RepetitionOptions {
  /** `whitespace` = Python's `str.split()`; `symbols` = runs of letters, single digits, single other characters. */
  tokenizer: 'whitespace' | 'symbols';
  /** Texts with the same tokens are at distance 0, whatever BLEU says of short texts. */
  mergeIdentical: boolean;
  /** True: |C| / B. False: (|C| - 1) / B. */
  countSelf: boolean;
  /** Invalid items: clusters of one that pay like any other, or outside of every cluster and free. Both count in B. */
  invalidItems: 'singletons' | 'excluded';
  /**
   * Equal distances make some partitions depend on the order of merging. True: decide them as SciPy does, on the whole distance
   * matrix (8 B² / 2 bytes). False: decide them inside the group of near questions, which needs less memory in a diverse batch.
   */
  referenceTies: boolean;
  /** Two clusters merge while their average distance is below this. */
  distanceThreshold: number;
}

/** A fraction of integers, so that the band is compared without rounding. */
export interface RationalBound {
  numerator: number;
  denominator: number;
}

/** Which copies are dropped: none, those with the same text up to white space, or near duplicates as well. */
export type DuplicateRule = 'none' | 'exact' | 'near';

export interface GatePolicy {
  name: string;
  /**
   * Raised whenever a decision may change. 2: near duplicates and earlier iterations (`default`); held-out questions are
   * found up to white space and nearly (all three); blank questions pass as in the public code (`official-code`).
   */
  version: number;
  /** Inclusive bounds of p̂ = votes / total. */
  lower: RationalBound;
  upper: RationalBound;
  /** Drop questions that mention `证明` or `box`, and labels that contain `text` (evaluate.py:169). */
  textFilters: boolean;
  /** Drop blank questions; the public code lets them pass. */
  dropBlank: boolean;
  duplicates: {
    /** Against questions before it in the same iteration: a copy is judged once, by its first. */
    withinIteration: DuplicateRule;
    /** Against what the Solver was trained on in earlier iterations of the run. */
    earlierIterations: DuplicateRule;
    /** Against the questions that the run is evaluated on. */
    heldOut: DuplicateRule;
    /** Least share of words in common of near duplicates, whose numbers and symbols are the same (near-duplicates.ts). */
    similarity: RationalBound;
  };
  /** Drop questions whose two largest classes are equally large. */
  dropTies: boolean;
}

export interface SolverRewardOptions {
  accuracyWeight: number;
  /** Weight of the `<think>` format; 0 = not part of the reward. */
  formatWeight: number;
}

export type Aggregation = 'token-mean' | 'sequence-mean';

export interface GrpoOptions {
  clipLow: number;
  clipHigh: number;
  /** Bound c of the dual clip for negative advantages; 0 = off. */
  dualClip: number;
  aggregation: Aggregation;
}

export interface MethodPreset {
  name: PresetName;
  /** Raised whenever a number computed under this preset may change. */
  version: number;
  parsing: { training: ParsingVariant; generation: ParsingVariant };
  grader: GraderName;
  /** `training` scores the Challenger's questions, `labelling` makes pseudo-labels, from answers that count as `weighting` says. */
  vote: { training: VoteVariant; labelling: VoteVariant; weighting: VoteWeighting };
  uncertainty: UncertaintyShape;
  /** Stands in for the uncertainty of an item that could not be parsed. */
  invalidReward: number;
  /** Reward never below zero. */
  floorAtZero: boolean;
  /** λ of the repetition penalty. */
  repetitionWeight: number;
  repetition: RepetitionOptions;
  gate: GatePolicy;
  solverReward: SolverRewardOptions;
  grpo: GrpoOptions;
}

type DeepReadonly<T> = { readonly [K in keyof T]: T[K] extends object ? DeepReadonly<T[K]> : T[K] };

const GRPO_DEFAULTS: GrpoOptions = { clipLow: 0.2, clipHigh: 0.3, dualClip: 3, aggregation: 'token-mean' };
const QUARTER: RationalBound = { numerator: 1, denominator: 4 };
const THREE_QUARTERS: RationalBound = { numerator: 3, denominator: 4 };
const FOUR_FIFTHS: RationalBound = { numerator: 4, denominator: 5 };

const PRESETS: Record<PresetName, MethodPreset> = {
  paper: {
    name: 'paper',
    version: 2,
    parsing: { training: 'tags-only', generation: 'tags-only' },
    grader: 'official',
    vote: { training: 'official-server', labelling: 'official-server', weighting: 'none' },
    uncertainty: 'tent',
    invalidReward: 0,
    floorAtZero: true,
    repetitionWeight: 1,
    repetition: {
      tokenizer: 'whitespace',
      mergeIdentical: false,
      countSelf: true,
      invalidItems: 'singletons',
      referenceTies: true,
      distanceThreshold: 0.5,
    },
    gate: {
      name: 'paper',
      version: 2,
      lower: QUARTER,
      upper: THREE_QUARTERS,
      textFilters: false,
      dropBlank: true,
      duplicates: {
        withinIteration: 'none',
        earlierIterations: 'none',
        heldOut: 'near',
        similarity: FOUR_FIFTHS,
      },
      dropTies: false,
    },
    solverReward: { accuracyWeight: 1, formatWeight: 0 },
    grpo: GRPO_DEFAULTS,
  },
  'official-code': {
    name: 'official-code',
    version: 2,
    parsing: { training: 'official-training', generation: 'official-generation' },
    grader: 'official',
    vote: { training: 'official-server', labelling: 'official-builder', weighting: 'none' },
    uncertainty: 'min',
    invalidReward: -1,
    floorAtZero: false,
    repetitionWeight: 1,
    repetition: {
      tokenizer: 'whitespace',
      mergeIdentical: false,
      countSelf: true,
      invalidItems: 'singletons',
      referenceTies: true,
      distanceThreshold: 0.5,
    },
    gate: {
      name: 'official-code',
      version: 2,
      lower: { numerator: 3, denominator: 10 },
      upper: { numerator: 4, denominator: 5 },
      textFilters: true,
      dropBlank: false,
      duplicates: {
        withinIteration: 'none',
        earlierIterations: 'none',
        heldOut: 'near',
        similarity: FOUR_FIFTHS,
      },
      dropTies: false,
    },
    solverReward: { accuracyWeight: 0.9, formatWeight: 0.1 },
    // One sequence per micro-batch makes the public Solver a mean over sequences of token means (dp_actor.py:231-273).
    grpo: { ...GRPO_DEFAULTS, aggregation: 'sequence-mean' },
  },
  default: {
    name: 'default',
    version: 3,
    parsing: { training: 'strict', generation: 'strict' },
    grader: 'default',
    vote: { training: 'default', labelling: 'default', weighting: 'confidence' },
    uncertainty: 'tent',
    invalidReward: 0,
    floorAtZero: true,
    repetitionWeight: 1,
    repetition: {
      tokenizer: 'symbols',
      mergeIdentical: true,
      countSelf: false,
      invalidItems: 'excluded',
      referenceTies: false,
      distanceThreshold: 0.5,
    },
    gate: {
      name: 'default',
      version: 2,
      lower: QUARTER,
      upper: THREE_QUARTERS,
      textFilters: false,
      dropBlank: true,
      duplicates: {
        withinIteration: 'near',
        earlierIterations: 'near',
        heldOut: 'near',
        similarity: FOUR_FIFTHS,
      },
      dropTies: false,
    },
    solverReward: { accuracyWeight: 1, formatWeight: 0 },
    grpo: GRPO_DEFAULTS,
  },
};

function deepFreeze(value: object): void {
  for (const inner of Object.values(value))
    if (typeof inner === 'object' && inner !== null) deepFreeze(inner as object);
  Object.freeze(value);
}
deepFreeze(PRESETS);

export type FrozenPreset = DeepReadonly<MethodPreset>;
export type FrozenGatePolicy = DeepReadonly<GatePolicy>;

export const PRESET_NAMES: readonly PresetName[] = Object.freeze(['paper', 'official-code', 'default'] as const);

/** The frozen settings of a preset. Throws `PresetInvalid` for an unknown name. */
export function getPreset(name: PresetName): FrozenPreset {
  if (!Object.hasOwn(PRESETS, name)) {
    throw new RZeroError('PresetInvalid', `There is no method preset called ${JSON.stringify(name)}.`, {
      field: 'preset',
      fix: `Use one of: ${PRESET_NAMES.join(', ')}.`,
    });
  }
  return PRESETS[name];
}
