import { extractAnswer } from '../method/voting.ts';
import type { VoteResult } from '../method/voting.ts';
import { voteRow } from '../voting.ts';
import { insertRows } from '../../db/bulk.ts';
import { readAnswers, readCompletions } from '../../db/queries/recomputations.ts';
import { votes } from '../../db/schema.ts';
import { stamp } from './context.ts';
import type { RecomputeContext } from './context.ts';
import { parseCompletion, voteOn } from './method.ts';
import type { QuestionPhase } from './method.ts';

export interface RecomputedQuestion {
  questionId: number;
  item: number;
  /** The run took it for a question, and has decided on it. */
  asked: boolean;
  /** As the preset reads the completion; null when it takes it for no question. */
  question: string | null;
  /** Null when it is no question, or was never answered because the run took it for none. */
  vote: VoteResult | null;
}

/**
 * Parses a unit's completions and votes on the answers that are stored for them; the votes become rows.
 *
 * @param place of the questions, with the take of their answers
 */
export async function recomputeQuestions(
  context: RecomputeContext,
  place: { iteration: number; phase: QuestionPhase; unit: number; take: number },
): Promise<RecomputedQuestion[]> {
  const { client, run, preset } = context;
  const stored = await readCompletions(client, { runId: run.runId, ...place });
  const questions: RecomputedQuestion[] = stored.map(({ questionId, item, completion, asked, tooLong }) => {
    const parsed = parseCompletion(context, place.phase, completion);
    // How long a prompt is, the tokenizer says, and no preset changes it.
    const question = parsed.status === 'valid' && !tooLong ? (parsed.question ?? '') : null;
    if (question !== null && !asked) context.unasked += 1;
    return { questionId, item, asked, question, vote: null };
  });
  const byId = new Map(
    questions.filter(({ question }) => question !== null).map((question) => [question.questionId, question]),
  );
  for await (const { questionId, answers } of readAnswers(client, [...byId.keys()])) {
    const entry = byId.get(questionId)!;
    const read = answers.map(({ completion, ...answer }) => ({
      ...answer,
      extracted: extractAnswer(completion, preset),
    }));
    entry.vote = voteOn(context, place.phase, entry.question ?? '', read);
  }
  await insertRows(
    client,
    votes,
    questions.flatMap(({ questionId, vote: result }) =>
      result === null ? [] : [{ ...voteRow(questionId, preset.name, result), take: place.take, ...stamp(context) }],
    ),
  );
  return questions;
}
