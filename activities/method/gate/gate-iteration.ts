/**
 * All gate decisions of one iteration: which questions copy each other, an earlier iteration or the held-out set, and what
 * the policy makes of it. A function of its arguments alone, so that stored rows can be decided again under any policy.
 */
import { CopyFinder } from './copy-finder.ts';
import type { TextMatch } from './copy-finder.ts';
import { decide, type GateDecision } from './gate.ts';
import { WordRanks } from './near-duplicates.ts';
import { ngramMatches } from './ngram-overlap.ts';
import type { FrozenGatePolicy } from '../presets.ts';
import { questionForm } from './question-form.ts';
import type { QuestionForm } from './question-form.ts';

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
  /** Held-out questions of the model, in their order. */
  heldOut: Iterable<string>;
  /** The run's named evaluation sets; where there are some, shared runs of words count as repetition, too (ngram-overlap.ts). */
  sets?: readonly EvaluatedSet[];
  policy: FrozenGatePolicy;
}

export interface EvaluatedSet {
  name: string;
  /** All of them, in their order, whether or not the run asks them. */
  questions: readonly string[];
}

export interface IterationDecision extends GateDecision {
  id: number;
}

/**
 * One decision a question, in the order given. A copy is judged once, by its first: more copies must not mean more chances
 * to fall into the band. A question counts as near to an earlier one only if that one is no copy itself, so that a chain of
 * small changes does not swallow a question that nothing judged resembles.
 */
export function decideIteration({
  questions,
  earlier,
  heldOut,
  sets = [],
  policy,
}: IterationToDecide): IterationDecision[] {
  const forms = questions.map(({ question }) => (question === null ? null : questionForm(question)));
  const earlierForms = earlier.map(({ question }) => questionForm(question));
  const evaluatedQuestions = evaluatedOf(heldOut, sets);
  const longest = forms.reduce((most, form) => Math.max(most, form?.exact.length ?? 0), 0);
  const evaluatedForms = evaluatedQuestions.map(({ set, question }) =>
    set !== undefined && question.length > mostAlike(longest) ? null : questionForm(question),
  );
  const ranks = new WordRanks([forms, earlierForms, evaluatedForms]);
  const finder = (): CopyFinder => new CopyFinder(policy.duplicates.similarity, ranks);
  const own = finder();
  const trained = finder();
  const evaluated = finder();
  earlierForms.forEach((form, index) => trained.add(form, earlier[index]!.id));
  evaluatedForms.forEach((form, index) => form && evaluated.add(form, index));
  const overlaps =
    sets.length === 0
      ? undefined
      : ngramMatches(
          questions.map(({ question }) => question),
          evaluatedQuestions.map(({ question }) => question),
        );
  const evaluatedMatch = (form: QuestionForm, index: number): TextMatch | undefined => {
    const overlap = overlaps?.get(index);
    const match: TextMatch | undefined =
      evaluated.find(form) ?? (overlap && { id: overlap.index, kind: 'ngram', similarity: overlap.overlap });
    const at = match && evaluatedQuestions[match.id]!;
    return at && { ...match, id: at.item, ...(at.set === undefined ? {} : { set: at.set }) };
  };

  return questions.map(({ id, ...input }, index) => {
    const form = forms[index];
    if (!form) return { id, ...decide(input, policy) };
    const duplicateOf = own.find(form);
    own.add(form, id, duplicateOf === undefined);
    const found = { duplicateOf, earlierDuplicateOf: trained.find(form), heldOut: evaluatedMatch(form, index) };
    return { id, ...decide({ ...input, ...found }, policy) };
  });
}

/** Far longer texts have other words; taking each of a large set apart would cost more than all else. */
const mostAlike = (length: number): number => 3 * length + 100;

function evaluatedOf(
  heldOut: Iterable<string>,
  sets: readonly EvaluatedSet[],
): { set?: string; item: number; question: string }[] {
  return [
    ...Array.from(heldOut, (question, item) => ({ item, question })),
    ...sets.flatMap(({ name, questions }) => questions.map((question, item) => ({ set: name, item, question }))),
  ];
}
