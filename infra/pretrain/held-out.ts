import { drawSum } from './corpus.ts';
import { seededRandom } from './seeded-random.ts';
import { isReserved, MAX_TERMS, sum } from './sums.ts';

export interface HeldOutQuestion {
  question: string;
  answer: string;
  terms: number;
}

/** Fewest terms of a held-out question: shorter ones are never reserved. */
export const HELD_OUT_MIN_TERMS = 3;
export const HELD_OUT_COUNT = 400;
/** Apart from the corpus seed: the list stays when a base model is trained anew. */
const HELD_OUT_SEED = 20250807;

/** Distinct reserved questions of 3 to 5 terms in a fixed order. Those of 3 terms run out first, so a prefix has more of them. */
export function heldOutQuestions(count: number = HELD_OUT_COUNT): HeldOutQuestion[] {
  const random = seededRandom(HELD_OUT_SEED);
  const found = new Map<string, HeldOutQuestion>();
  while (found.size < count) {
    const terms = random.integer(HELD_OUT_MIN_TERMS, MAX_TERMS);
    const question = drawSum(random, terms);
    if (isReserved(question)) found.set(question, { question, answer: String(sum(question)), terms });
  }
  return [...found.values()];
}
