/** The decisions of an iteration without holding up the worker: large evaluation sets take half a minute to compare with. */
import { inThread } from './method-threads.ts';
import { decideIteration } from './method/gate/gate-iteration.ts';
import type { IterationDecision, IterationToDecide } from './method/gate/gate-iteration.ts';

/** Up to so much text the decisions are there before a thread would have started. */
const INLINE_CHARACTERS = 500_000;

/** `decideIteration`, with the same results and errors, on another thread when there is much to compare. */
export async function decideInThread(
  input: Omit<IterationToDecide, 'heldOut'> & { heldOut: readonly string[] },
  signal?: AbortSignal,
): Promise<IterationDecision[]> {
  const { questions, earlier, heldOut, sets = [] } = input;
  const characters =
    [questions, earlier].flat().reduce((sum, { question }) => sum + (question?.length ?? 0), 0) +
    [heldOut, ...sets.map((set) => set.questions)].flat().reduce((sum, text) => sum + text.length, 0);
  return characters <= INLINE_CHARACTERS ? decideIteration(input) : inThread('gate', input, signal);
}
