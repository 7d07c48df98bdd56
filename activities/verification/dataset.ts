/** The questions of an iteration from which its data set is made: labels and decisions. */
import { iterationDecisions } from '../recompute/method.ts';
import type { DecisionRow, VotedQuestion } from '../recompute/method.ts';
import { decisionsOf } from '../../db/queries/verification.ts';
import { checkMetrics, contextAt } from './context.ts';
import type { VerifyContext } from './context.ts';
import { verifyQuestions } from './questions.ts';

export interface LabelledQuestion {
  questionId: number;
  question: string;
  label: string;
}

export interface VerifiedDataset {
  /** What the Solver is trained on, in its order; undefined when the iteration was not gated yet. */
  kept: LabelledQuestion[] | undefined;
  labelled: LabelledQuestion[];
  /** No question is missing. */
  isWhole: boolean;
}

/** @param earlier what earlier iterations kept */
export async function verifyDataset(
  context: VerifyContext,
  iteration: number,
  shards: readonly number[],
  earlier: readonly { id: number; question: string }[],
): Promise<VerifiedDataset> {
  const { run, config, isFinished } = context;
  const { questions: total, shardSize } = config.labelling;
  const questions: VotedQuestion[] = [];
  let isWhole = true;
  for (const unit of shards) {
    const place = { runId: run.runId, iteration, phase: 'dataset_generation' as const, unit };
    const answersIn = { ...place, phase: 'labelling' as const };
    const verified = await verifyQuestions(context, {
      place,
      count: Math.min(shardSize, total - unit * shardSize),
      answersIn: isFinished(iteration, 'labelling', unit) ? answersIn : undefined,
    });
    isWhole &&= verified.isWhole;
    questions.push(...verified.questions.filter(({ asked }) => asked));
    context.onProgress(`iteration ${iteration}, label shard ${unit + 1}`);
  }
  const labelled = questions.flatMap(({ questionId, question, vote }) =>
    question !== null && vote?.label ? [{ questionId, question, label: vote.label }] : [],
  );
  if (!isFinished(iteration, 'gating', 0)) return { kept: undefined, labelled, isWhole };
  const expected = isWhole
    ? iterationDecisions(contextAt(context, iteration, 'gating'), questions, earlier)
    : undefined;
  return { kept: await verifyDecisions(context, iteration, labelled, questions, expected), labelled, isWhole };
}

/** @param expected undefined when questions are missing, which may have been what others repeat: then as stored */
async function verifyDecisions(
  context: VerifyContext,
  iteration: number,
  labelled: readonly LabelledQuestion[],
  questions: readonly VotedQuestion[],
  expected: readonly DecisionRow[] | undefined,
): Promise<LabelledQuestion[]> {
  const { client, findings, run } = context;
  const place = { runId: run.runId, iteration, phase: 'gating' as const, unit: 0 };
  const stored = new Map((await decisionsOf(client, run.runId, iteration)).map((row) => [row.questionId, row]));
  for (const { questionId } of questions) {
    if (!stored.has(questionId)) findings.missing('decisions', 'gate_decisions', { question_id: questionId });
  }
  for (const { questionId, ...decision } of expected ?? []) {
    const record = stored.get(questionId);
    if (!record) continue;
    const row = { question_id: questionId, version: record.version };
    findings.compare('decisions', 'gate_decisions', row, record, { ...place, ...decision });
  }
  const known = new Set(questions.map(({ questionId }) => questionId));
  for (const { questionId, version } of stored.values()) {
    if (expected && !known.has(questionId)) {
      findings.unexpected('decisions', 'gate_decisions', { question_id: questionId, version });
    }
  }
  const made = expected ?? [...stored.values()];
  if (!expected) findings.unverifiable += made.length;
  const kept = made.filter((decision) => decision.kept).sort((a, b) => (a.datasetIndex ?? 0) - (b.datasetIndex ?? 0));
  if (expected) checkMetrics(context, place, { decided: made.length, kept: kept.length });
  const byId = new Map(labelled.map((question) => [question.questionId, question]));
  return kept.flatMap(({ questionId }) => byId.get(questionId) ?? []);
}
