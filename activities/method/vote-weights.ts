/**
 * Which of the answers to believe when the label is chosen. The paper counts them. Two rules of the literature weigh them:
 * `length` by the tokens of the answer, after complexity-based voting (arXiv 2210.00720), and `confidence` by how probable
 * the Solver found its own words, after CISC (arXiv 2502.06233): the softmax, over the answers to a question, of the mean
 * log-probability of a token. Neither looks at what an answer says, so they know no more of the truth than the Solver does.
 */
import type { VoteResult } from './voting.ts';

export const VOTE_WEIGHTINGS = ['none', 'length', 'confidence'] as const;
export type VoteWeighting = (typeof VOTE_WEIGHTINGS)[number];

/** Of the softmax: a tenth of a nat a token makes an answer e times as heavy. Length in tokens is taken out by the mean. */
export const CONFIDENCE_TEMPERATURE = 0.1;

/** What is stored of an answer and may weigh it. */
export interface WeighableAnswer {
  tokens: number;
  /** Mean natural log-probability of its tokens; null for answers from before it was stored. */
  meanLogprob: number | null;
}

/** Mean natural log-probability of a token; null without tokens. */
export function meanLogprob(logprobs: readonly number[]): number | null {
  return logprobs.length === 0 ? null : logprobs.reduce((sum, value) => sum + value, 0) / logprobs.length;
}

/**
 * The vote with the label of the heaviest class in place of the largest. `classes` are ordered by weight and have it; `votes` counts the
 * answers that agree with the label, so that p̂ stays their share. Counts of a class decide between equal weights, and its place
 * in `result` between equal counts. An answer whose confidence is not known leaves the vote as it was counted.
 *
 * @param answers those that `result` was counted from
 */
export function weighVote(
  result: VoteResult,
  answers: readonly WeighableAnswer[],
  weighting: VoteWeighting,
): VoteResult {
  if (weighting === 'none' || result.classes.length === 0) return result;
  const voters = result.classes.flatMap(({ members }) => members);
  const weights = weighting === 'length' ? lengths(answers, voters) : confidences(answers, voters);
  if (weights === undefined) return result;
  const classes = result.classes
    .map((each) => ({ ...each, weight: sum(each.members.map((index) => weights.get(index)!)) }))
    .sort((a, b) => b.weight - a.weight || b.count - a.count);
  const [first, second] = classes;
  return {
    ...result,
    classes,
    label: first!.representative,
    votes: first!.count,
    margin: first!.count - (second?.count ?? 0),
    tie: second !== undefined && second.weight === first!.weight,
  };
}

function lengths(answers: readonly WeighableAnswer[], voters: readonly number[]): Map<number, number> {
  return shares(voters.map((index) => [index, answers[index]!.tokens]));
}

function confidences(answers: readonly WeighableAnswer[], voters: readonly number[]): Map<number, number> | undefined {
  const scores = voters.map((index) => answers[index]!.meanLogprob);
  if (scores.some((score) => score === null)) return undefined;
  const highest = Math.max(...(scores as number[]));
  return shares(
    voters.map((index, i) => [index, Math.exp(((scores as number[])[i]! - highest) / CONFIDENCE_TEMPERATURE)]),
  );
}

/** Weights that sum to 1 over the answers of a question. */
function shares(weights: readonly (readonly [number, number])[]): Map<number, number> {
  const total = sum(weights.map(([, weight]) => weight));
  return new Map(weights.map(([index, weight]) => [index, weight / total]));
}

/** From the smallest on, so that the last bit does not depend on the order of the answers. */
function sum(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b).reduce((total, value) => total + value, 0);
}
