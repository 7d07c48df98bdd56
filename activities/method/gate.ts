/**
 * The gate between labelled questions and the training set: p̂ within a band, and what else the policy asks. arXiv 2508.05004,
 * section 3.3: |p̂ - 1/2| <= δ = 1/4. Public code: 0.3 <= score <= 0.8 with text filters (evaluate.py:169, upload.py:47).
 */
import { RZeroError } from '../errors.ts';
import type { FrozenGatePolicy, RationalBound } from './presets.ts';

export type GateReason =
  | 'kept'
  | 'invalid_question'
  | 'no_label'
  | 'held_out'
  | 'text_filter'
  | 'below_band'
  | 'above_band'
  | 'tie'
  | 'duplicate';

export interface GateInput {
  question: string | null;
  /** The pseudo-label; null when nobody voted. */
  label: string | null;
  /** p̂ = votes / total. */
  votes: number;
  total: number;
  /** Id of an earlier question with the same text. */
  duplicateOf?: string | number;
  /** The question belongs to an evaluation set. Such questions are dropped under every policy. */
  heldOut?: boolean;
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

function checkPolicy({ lower, upper }: FrozenGatePolicy): void {
  wholeNumbers({
    'gate.lower.numerator': lower.numerator,
    'gate.lower.denominator': lower.denominator,
    'gate.upper.numerator': upper.numerator,
    'gate.upper.denominator': upper.denominator,
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
}

function reasonFor(input: GateInput, policy: FrozenGatePolicy): GateReason {
  const { question, label, votes, total } = input;
  if (question === null || question.trim() === '') return 'invalid_question';
  // Unboxed answers vote as "None" in the official variants, and the public code drops that exact string (upload.py:47); a
  // boxed "none" survives. Kept, it would reward the Solver for leaving the box out.
  if (label === null || label === '' || total === 0 || label === 'None') return 'no_label';
  if (input.heldOut === true) return 'held_out';
  if (policy.textFilters && isFilteredText(question, label)) return 'text_filter';
  if (compareWithBound(votes, total, policy.lower) < 0) return 'below_band';
  if (compareWithBound(votes, total, policy.upper) > 0) return 'above_band';
  if (policy.dropTies && input.tie === true) return 'tie';
  if (policy.dropDuplicates && input.duplicateOf !== undefined) return 'duplicate';
  return 'kept';
}

function isFilteredText(question: string, label: string): boolean {
  return question.includes('证明') || question.toLowerCase().includes('box') || label.toLowerCase().includes('text');
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
      duplicateOf: input.duplicateOf ?? null,
      heldOut: input.heldOut ?? false,
      tie: input.tie ?? null,
      lower: `${policy.lower.numerator}/${policy.lower.denominator}`,
      upper: `${policy.upper.numerator}/${policy.upper.denominator}`,
      textFilters: policy.textFilters,
      dropTies: policy.dropTies,
      dropDuplicates: policy.dropDuplicates,
    },
  };
}
