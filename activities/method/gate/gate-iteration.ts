/**
 * All gate decisions of one iteration: which questions copy each other, an earlier iteration or the held-out set, and what
 * the policy makes of it. A function of its arguments alone, so that stored rows can be decided again under any policy.
 */
import { CopyFinder } from './copy-finder.ts';
import { decide, type GateDecision } from './gate.ts';
import { WordRanks } from './near-duplicates.ts';
import type { FrozenGatePolicy } from '../presets.ts';
import { questionForm } from './question-form.ts';

export interface LabelledQuestion {
  id: number;
  question: string | null;
  /** The pseudo-label; null when nobody voted. */
  label: string | null;
  /** p̂ = votes / total. */
  votes: number;
  total: number;
  /** The two largest classes were equally large. */
  tie?: boolean;
}

export interface IterationToDecide {
  /** In natural order (shard, item): the first of several copies is the one that is judged. */
  questions: readonly LabelledQuestion[];
  /** What the Solver was trained on before: the kept questions of earlier iterations, oldest first. */
  earlier: readonly { id: number; question: string }[];
  /** Questions of the run's evaluation set, in its order. */
  heldOut: Iterable<string>;
  policy: FrozenGatePolicy;
}

export interface IterationDecision extends GateDecision {
  id: number;
}

/**
 * One decision a question, in the order given. A copy is judged once, by its first: more copies must not mean more chances
 * to fall into the band. A question counts as near to an earlier one only if that one is no copy itself, so that a chain of
 * small changes does not swallow a question that nothing judged resembles.
 */
export function decideIteration({ questions, earlier, heldOut, policy }: IterationToDecide): IterationDecision[] {
  const forms = questions.map(({ question }) => (question === null ? null : questionForm(question)));
  const earlierForms = earlier.map(({ question }) => questionForm(question));
  const heldOutForms = Array.from(heldOut, questionForm);
  const ranks = new WordRanks([forms, earlierForms, heldOutForms]);
  const finder = (): CopyFinder => new CopyFinder(policy.duplicates.similarity, ranks);
  const own = finder();
  const trained = finder();
  const evaluated = finder();
  earlierForms.forEach((form, index) => trained.add(form, earlier[index]!.id));
  heldOutForms.forEach((form, index) => evaluated.add(form, index));

  return questions.map(({ id, ...input }, index) => {
    const form = forms[index];
    if (!form) return { id, ...decide(input, policy) };
    const duplicateOf = own.find(form);
    own.add(form, id, duplicateOf === undefined);
    const found = { duplicateOf, earlierDuplicateOf: trained.find(form), heldOut: evaluated.find(form) };
    return { id, ...decide({ ...input, ...found }, policy) };
  });
}
