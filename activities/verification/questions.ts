/** What the Challenger wrote in a unit, what the Solver answered, and the votes. */
import { extractAnswer } from '../method/voting.ts';
import { parseCompletion, storedAnswer, voteOn } from '../recompute/method.ts';
import type { QuestionPhase, StoredAnswer, VotedQuestion } from '../recompute/method.ts';
import { solverPrompt } from '../profile.ts';
import { voteRow } from '../voting.ts';
import { answersOf, unitQuestions, votesOf } from '../../db/queries/verification.ts';
import type { AnswerRecord, QuestionRecord, VoteRecord } from '../../db/queries/verification.ts';
import type { Place } from '../../db/queries/units.ts';
import { checkMetrics, checkpointColumn, policyBefore, seedOf, promptRoomOf } from './context.ts';
import type { VerifyContext } from './context.ts';
import { checkText } from './texts.ts';

export interface VerifiedUnit {
  /** In the order of items; without those that are missing. */
  questions: (VotedQuestion & { asked: boolean })[];
  /** Every item is there: what compares the questions of a unit can be made again. */
  isWhole: boolean;
  tokens: number;
}

export interface QuestionUnit {
  place: Place & { phase: QuestionPhase };
  /** How many questions there should be. */
  count: number;
  /** Where the answers belong; undefined while they are not there yet. */
  answersIn: Place | undefined;
}

type Asked = VotedQuestion & { asked: boolean; item: number };

/** @returns the questions as the method makes them of the stored texts, votes included */
export async function verifyQuestions(context: VerifyContext, unit: QuestionUnit): Promise<VerifiedUnit> {
  const { client } = context;
  const { place, count, answersIn } = unit;
  const policy =
    place.phase === 'challenger_training'
      ? policyBefore(context, 'challenger', place.iteration, place.unit)
      : policyBefore(context, 'challenger', place.iteration + 1, 0);
  const all: Asked[] = [];
  let tokens = 0;
  for await (const portion of unitQuestions(client, place)) {
    context.signal?.throwIfAborted();
    const questions = portion.map((record) => verifyQuestion(context, place, policy, record));
    tokens += portion.reduce((sum, record) => sum + record.tokens.length, 0);
    if (answersIn) await verifyAnswers(context, place.phase, answersIn, questions);
    all.push(...questions);
  }
  const missing = reportGaps(context, place, count, all);
  if (missing === 0) checkCounts(context, unit, all.filter((question) => question.asked).length);
  return { questions: all, isWhole: missing === 0, tokens };
}

function reportGaps(
  { findings }: VerifyContext,
  { iteration, phase, unit }: Place,
  count: number,
  questions: readonly { item: number; questionId: number }[],
): number {
  const found = new Set(questions.map(({ item }) => item));
  let missing = 0;
  for (let item = 0; item < count; item++) {
    findings.examine('questions');
    if (found.has(item)) continue;
    missing++;
    findings.missing('questions', 'questions', { iteration, phase, unit, item });
  }
  for (const { item, questionId } of questions) {
    if (item >= count) findings.unexpected('questions', 'questions', { question_id: questionId });
  }
  return missing;
}

function checkCounts(context: VerifyContext, { place, count, answersIn }: QuestionUnit, asked: number): void {
  const { votes } = votesPerQuestion(context, place.phase);
  if (place.phase === 'challenger_training') checkMetrics(context, place, { rollouts: count, parsed: asked });
  else checkMetrics(context, place, { generated: count, parsed: asked });
  if (answersIn && answersIn.phase === 'labelling') {
    checkMetrics(context, answersIn, { questions: asked, answers: asked * votes });
  }
}

const votesPerQuestion = ({ config }: VerifyContext, phase: QuestionPhase): { votes: number } =>
  phase === 'challenger_training' ? config.challenger : config.labelling;

function verifyQuestion(
  context: VerifyContext,
  place: Place & { phase: QuestionPhase },
  policy: string | undefined,
  record: QuestionRecord,
): Asked {
  const { findings, config } = context;
  const { questionId, item } = record;
  const row = { question_id: questionId };
  findings.compare('seeds', 'questions', row, record, {
    seed: seedOf(context, place, { item, sample: 0, stream: 'question' }),
  });
  findings.compare('questions', 'questions', row, record, {
    ...checkpointColumn(policy),
    groupIndex: place.phase === 'challenger_training' ? Math.floor(item / config.challenger.groupSize) : null,
  });
  if (!checkText(context, 'challenger', 'questions', row, record)) {
    findings.brokenQuestions.add(questionId);
    return { questionId, item, asked: record.status === 'valid', question: questionOf(record), vote: null };
  }
  const parsed = parseCompletion(context, place.phase, record.completion);
  const tooLong = parsed.status === 'valid' && isTooLong(context, parsed.question ?? '', record.reason);
  const expected = {
    status: tooLong ? 'invalid' : parsed.status,
    reason: tooLong ? 'prompt_too_long' : parsed.reason,
    question: parsed.question,
    challengerAnswer: parsed.answer,
  };
  if (!findings.compare('questions', 'questions', row, record, expected)) findings.brokenQuestions.add(questionId);
  const asked = expected.status === 'valid';
  return { questionId, item, asked, question: asked ? (parsed.question ?? '') : null, vote: null };
}

const questionOf = ({ status, question }: QuestionRecord): string | null =>
  status === 'valid' ? (question ?? '') : null;

/** As stored where the tokenizer cannot be asked. */
function isTooLong(context: VerifyContext, question: string, reason: string | null): boolean {
  const { tokenizer, profile } = context;
  if (!tokenizer) return reason === 'prompt_too_long';
  return tokenizer.encode(solverPrompt(profile, question)).length > promptRoomOf(context);
}

/** Holds the answers and votes of some questions against each other, and gives the questions their votes. */
async function verifyAnswers(
  context: VerifyContext,
  phase: QuestionPhase,
  place: Place,
  questions: readonly Asked[],
): Promise<void> {
  const { client, findings } = context;
  const ids = questions.map(({ questionId }) => questionId);
  const votes = new Map((await votesOf(client, ids)).map((record) => [record.questionId, record]));
  const answers = new Map<number, AnswerRecord[]>();
  for (const record of await answersOf(client, ids)) {
    const own = answers.get(record.questionId);
    if (own) own.push(record);
    else answers.set(record.questionId, [record]);
  }
  const policy = policyBefore(context, 'solver', place.iteration, 0);
  for (const question of questions) {
    const { questionId } = question;
    const stored = votes.get(questionId);
    if (!question.asked) {
      if (stored) findings.unexpected('votes', 'votes', voteId(stored));
      for (const { answerId } of answers.get(questionId) ?? []) {
        findings.unexpected('answers', 'answers', { answer_id: answerId });
      }
      continue;
    }
    const given = verifySamples(context, phase, { place, policy, question }, answers.get(questionId) ?? []);
    question.vote = verifyVote(context, phase, question, given, stored);
  }
}

/** @returns the answer of each sample; undefined when samples are missing, so that there is nothing to vote on */
function verifySamples(
  context: VerifyContext,
  phase: QuestionPhase,
  { place, policy, question }: { place: Place; policy: string | undefined; question: Asked },
  records: readonly AnswerRecord[],
): StoredAnswer[] | undefined {
  const { findings, preset } = context;
  const { votes } = votesPerQuestion(context, phase);
  const { questionId, item } = question;
  const bySample = new Map(records.map((record) => [record.sample, record]));
  const answers: StoredAnswer[] = [];
  let missing = 0;
  for (let sample = 0; sample < votes; sample++) {
    findings.examine('answers');
    const record = bySample.get(sample);
    if (!record) {
      missing++;
      findings.missing('answers', 'answers', { question_id: questionId, sample });
      continue;
    }
    const row = { answer_id: record.answerId };
    findings.compare('seeds', 'answers', row, record, {
      seed: seedOf(context, place, { item, sample, stream: 'answer' }),
    });
    findings.compare('answers', 'answers', row, record, { ...place, ...checkpointColumn(policy) });
    if (!checkText(context, 'solver', 'answers', row, record)) {
      answers.push(storedAnswer(record, record.extracted));
      continue;
    }
    const found = extractAnswer(record.completion, preset);
    findings.compare('answers', 'answers', row, record, { extracted: found });
    answers.push(storedAnswer(record, found));
  }
  for (const { sample, answerId } of records) {
    if (sample >= votes || sample < 0) findings.unexpected('answers', 'answers', { answer_id: answerId });
  }
  return missing > 0 ? undefined : answers;
}

function verifyVote(
  context: VerifyContext,
  phase: QuestionPhase,
  { questionId, question }: Asked,
  given: readonly StoredAnswer[] | undefined,
  stored: VoteRecord | undefined,
): VotedQuestion['vote'] {
  const { findings, preset } = context;
  if (!given) {
    findings.unverifiable++;
    if (!stored) return null;
    const { label, majority, total, tie } = stored;
    return { label, votes: majority, total, tie };
  }
  const result = voteOn(context, phase, question ?? '', given);
  if (!stored) {
    findings.missing('votes', 'votes', { question_id: questionId });
    return result;
  }
  const { questionId: _id, ...expected } = voteRow(questionId, preset.name, result);
  // Older votes were stored without these.
  if (stored.entropy === null) delete expected.entropy;
  if (stored.incomparable === null) delete expected.incomparable;
  findings.compare('votes', 'votes', voteId(stored), stored, expected);
  return result;
}

const voteId = ({ questionId, version }: VoteRecord) => ({ question_id: questionId, version });
