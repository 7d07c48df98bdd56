/** What a percent sign means in the answers to a question. */

/**
 * `number`: 50 % is written for 50, as when the question asks "what percent …"; `fraction`: 50 % is 1/2. Never both for one question,
 * so that equivalence stays transitive.
 */
export type PercentSense = 'number' | 'fraction';

const ASKS_FOR_PERCENT =
  /\b(?:what|which|how many|as an?|in|nearest|whole|(?:tenth|hundredth) of an?|(?:find|give|express|determine|calculate|compute|estimate) the)\s+(?:\w+\s+)?per\s?cent(?:age)?s?\b/i;
const ASKS_FOR_FRACTION =
  /\b(?:probabilit(?:y|ies)|chances?|likelihood|odds|fractions?|proportions?|decimals?|ratios?)\b/i;

/**
 * How the question wants percentages read: `fraction` when it asks for a probability, fraction, proportion or decimal and does not ask
 * for a percentage; `number` otherwise. A percentage among its data ("a 20% discount") does not count as asking for one.
 */
export function percentSense(question: string): PercentSense {
  return !ASKS_FOR_PERCENT.test(question) && ASKS_FOR_FRACTION.test(question) ? 'fraction' : 'number';
}
