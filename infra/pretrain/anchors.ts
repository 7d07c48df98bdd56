import { drawSum } from './corpus.ts';
import { HELD_OUT_MIN_TERMS, heldOutQuestions } from './held-out.ts';
import type { HeldOutQuestion } from './held-out.ts';
import { seededRandom } from './seeded-random.ts';
import { isReserved, MAX_TERMS, MIN_TERMS, sum } from './sums.ts';

export const ANCHOR_COUNT = 120;
const ANCHOR_SEED = 20260131;

/**
 * Sums of two to five terms in turn, in a fixed order: reserved ones that are not held out, and of two terms, of which none are
 * reserved, any.
 */
export function anchorQuestions(count: number = ANCHOR_COUNT): HeldOutQuestion[] {
  const random = seededRandom(ANCHOR_SEED);
  const heldOut = new Set(heldOutQuestions().map(({ question }) => question));
  const found = new Map<string, HeldOutQuestion>();
  while (found.size < count) {
    const terms = MIN_TERMS + (found.size % (MAX_TERMS - MIN_TERMS + 1));
    const question = drawSum(random, terms);
    const isOpen = terms >= HELD_OUT_MIN_TERMS && !isReserved(question);
    if (!isOpen && !heldOut.has(question)) found.set(question, { question, answer: String(sum(question)), terms });
  }
  return [...found.values()];
}
