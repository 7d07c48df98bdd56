/**
 * The gate between labelled questions and the training set: p̂ within a band, and what else the policy asks. arXiv 2508.05004,
 * section 3.3: |p̂ - 1/2| <= δ = 1/4. Public code: 0.3 <= score <= 0.8 with text filters (evaluate.py:169, upload.py:47).
 */
import { RZeroError } from '../../errors.ts';
import type { TextMatch } from './copy-finder.ts';
import type { DuplicateRule, FrozenGatePolicy, RationalBound } from '../presets.ts';

export type GateReason =
  | 'kept'
  | 'invalid_question'
  | 'no_label'
  | 'held_out'
  | 'text_filter'
  | 'below_band'
  | 'above_band'
  | 'tie'
  | 'duplicate'
  | 'duplicate_earlier'
  | 'near_duplicate'
  | 'near_duplicate_earlier';

export interface GateInput {
  question: string | null;
  /** The pseudo-label; null when nobody voted. */
  label: string | null;
  /** p̂ = votes / total. */
  votes: number;
  total: number;
  /** The question of this iteration that this one repeats. */
  duplicateOf?: TextMatch | undefined;
  /** The question of an earlier iteration, kept there, that this one repeats. */
  earlierDuplicateOf?: TextMatch | undefined;
  /** The question of an evaluation set that this one repeats; its id is its place in the set. */
  heldOut?: TextMatch | undefined;
  /** The two largest classes were equally large. */
  tie?: boolean;
}

export interface GateDecision {
  kept: boolean;
  /** The first reason that applies, in the order of `GateReason`. */
  reason: GateReason;
  policy: string;
  policyVersion: number;
  /** Everything that the decision was made from, the bounds included. */
  inputs: Record<string, string | number | boolean | null>;
}

/** -1, 0 or 1 as votes / total is below, at or above the bound. Cross-multiplied integers: no rounding at the edge of the band. */
export function compareWithBound(votes: number, total: number, bound: RationalBound): number {
  const left = BigInt(votes) * BigInt(bound.denominator);
  const right = BigInt(bound.numerator) * BigInt(total);
  return left < right ? -1 : left > right ? 1 : 0;
}

function wholeNumbers(values: Record<string, number>): void {
  for (const [field, value] of Object.entries(values)) {
    if (!Number.isInteger(value) || value < 0) {
      throw new RZeroError('RunInputInvalid', `The gate was given ${field} = ${value}.`, {
        field,
        fix: 'Give a whole number, 0 or more.',
      });
    }
  }
}

function checkPolicy({ lower, upper, duplicates }: FrozenGatePolicy): void {
  wholeNumbers({
    'gate.lower.numerator': lower.numerator,
    'gate.lower.denominator': lower.denominator,
    'gate.upper.numerator': upper.numerator,
    'gate.upper.denominator': upper.denominator,
    'gate.duplicates.similarity.numerator': duplicates.similarity.numerator,
    'gate.duplicates.similarity.denominator': duplicates.similarity.denominator,
  });
  const ordered =
    lower.denominator > 0 && upper.denominator > 0 && compareWithBound(lower.numerator, lower.denominator, upper) <= 0;
  if (!ordered) {
    throw new RZeroError(
      'PresetInvalid',
      `The band ${lower.numerator}/${lower.denominator} to ${upper.numerator}/${upper.denominator} is empty.`,
      { field: 'gate.lower', fix: 'Give a lower bound that is not above the upper bound.' },
    );
  }
  const { numerator, denominator } = duplicates.similarity;
  if (numerator === 0 || numerator > denominator) {
    throw new RZeroError('PresetInvalid', `The similarity of near duplicates is ${numerator}/${denominator}.`, {
      field: 'gate.duplicates.similarity',
      fix: 'Give a number above 0 and up to 1.',
    });
  }
}

function reasonFor(input: GateInput, policy: FrozenGatePolicy): GateReason {
  const { question, label, votes, total, duplicateOf, earlierDuplicateOf } = input;
  const { withinIteration, earlierIterations, heldOut } = policy.duplicates;
  if (question === null || (policy.dropBlank && question.trim() === '')) return 'invalid_question';
  // Unboxed answers vote as "None" in the official variants, and the public code drops that exact string (upload.py:47); a
  // boxed "none" survives. Kept, it would reward the Solver for leaving the box out.
  if (label === null || label === '' || total === 0 || label === 'None') return 'no_label';
  if (isDropped(heldOut, input.heldOut)) return 'held_out';
  if (policy.textFilters && isFilteredText(question, label)) return 'text_filter';
  if (compareWithBound(votes, total, policy.lower) < 0) return 'below_band';
  if (compareWithBound(votes, total, policy.upper) > 0) return 'above_band';
  if (policy.dropTies && input.tie === true) return 'tie';
  const within = isDropped(withinIteration, duplicateOf) ? duplicateOf?.kind : undefined;
  const before = isDropped(earlierIterations, earlierDuplicateOf) ? earlierDuplicateOf?.kind : undefined;
  if (within === 'exact') return 'duplicate';
  if (before === 'exact') return 'duplicate_earlier';
  if (within === 'near') return 'near_duplicate';
  if (before === 'near') return 'near_duplicate_earlier';
  return 'kept';
}

/** `near` drops whatever is alike, `exact` the same text only. */
function isDropped(rule: DuplicateRule, match: TextMatch | undefined): boolean {
  return match !== undefined && (rule === 'near' || rule === match.kind);
}

function isFilteredText(question: string, label: string): boolean {
  return question.includes('证明') || question.toLowerCase().includes('box') || label.toLowerCase().includes('text');
}

const fraction = ({ numerator, denominator }: RationalBound): string => `${numerator}/${denominator}`;

/** `duplicateOf`, `duplicateOfKind`, `duplicateOfSimilarity`: flat, so that SQL reaches them with one arrow. */
function matchInputs(name: string, match: TextMatch | undefined): GateDecision['inputs'] {
  return {
    [name]: match?.id ?? null,
    [`${name}Kind`]: match?.kind ?? null,
    [`${name}Similarity`]: match?.similarity ?? null,
  };
}

/** Keeps or drops one labelled question. Throws for counts that are not whole numbers and for an empty band. */
export function decide(input: GateInput, policy: FrozenGatePolicy): GateDecision {
  checkPolicy(policy);
  wholeNumbers({ votes: input.votes, total: input.total });
  if (input.votes > input.total) {
    throw new RZeroError('RunInputInvalid', `The gate was given ${input.votes} votes of ${input.total}.`, {
      field: 'votes',
      fix: 'Give votes that do not exceed the total.',
    });
  }
  const reason = reasonFor(input, policy);
  return {
    kept: reason === 'kept',
    reason,
    policy: policy.name,
    policyVersion: policy.version,
    inputs: {
      label: input.label,
      votes: input.votes,
      total: input.total,
      tie: input.tie ?? null,
      ...matchInputs('duplicateOf', input.duplicateOf),
      ...matchInputs('earlierDuplicateOf', input.earlierDuplicateOf),
      ...matchInputs('heldOut', input.heldOut),
      // Of the model's held-out questions nothing says so.
      ...(input.heldOut?.set === undefined ? {} : { heldOutSet: input.heldOut.set }),
      lower: fraction(policy.lower),
      upper: fraction(policy.upper),
      textFilters: policy.textFilters,
      dropBlank: policy.dropBlank,
      dropTies: policy.dropTies,
      withinIteration: policy.duplicates.withinIteration,
      earlierIterations: policy.duplicates.earlierIterations,
      heldOutRule: policy.duplicates.heldOut,
      similarity: fraction(policy.duplicates.similarity),
    },
  };
}
