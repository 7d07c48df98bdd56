/** The base model's domain: sums of single digits, written `5+3+3`, whose truth can be computed. */
export const MIN_TERMS = 2;
export const MAX_TERMS = 5;
/** What a question must look like, as the profile `r-zero.json` states it. */
export const QUESTION_PATTERN = '^[1-9](\\+[1-9]){1,4}$';

export const terms = (question: string): number[] => question.split('+').map(Number);

export const sum = (question: string): number => terms(question).reduce((total, term) => total + term, 0);

/** The sums after the second, third, … term in two digits each: `5+3+3` gives `08,11,`. */
export function runningSums(question: string): string {
  let total = 0;
  return terms(question)
    .map((term) => String((total += term)).padStart(2, '0'))
    .slice(1)
    .map((partial) => `${partial},`)
    .join('');
}

/**
 * True for about one sum in five of those with three terms or more. The corpus never holds such a question, whoever
 * asks it, so whatever is drawn from here is unseen by the base model. Sums of two terms are too few to spare any.
 */
export function isReserved(question: string): boolean {
  if (terms(question).length <= MIN_TERMS) return false;
  let hash = 0;
  for (const character of question) hash = (hash * 31 + character.charCodeAt(0)) % 1_000_003;
  return hash % 5 === 0;
}
