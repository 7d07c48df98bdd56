/** What `r-zero recompute` reads and writes. All of it on one connection, inside one transaction. */
import type pg from 'pg';
import { insertRows } from '../bulk.ts';
import { recomputations } from '../schema.ts';

/** Questions whose answers are in memory together: at most some tens of megabytes. */
const QUESTIONS_A_CHUNK = 256;

export interface NewRecomputation {
  runId: string;
  preset: string;
  presetVersion: number;
  gate: unknown;
  codeVersion: string;
}

export interface RecomputationRef {
  recomputationId: number;
  version: number;
}

/**
 * One recomputation at a time, over one snapshot: a run at work is seen as it stood at one moment. The transaction's first statements;
 * a lock taken by a query would come after the snapshot and miss the versions that it waited for.
 */
export async function beginRecomputation(client: pg.PoolClient): Promise<void> {
  await client.query('set transaction isolation level repeatable read');
  await client.query('lock table r_zero.recomputations in share row exclusive mode');
}

export async function insertRecomputation(client: pg.PoolClient, row: NewRecomputation): Promise<RecomputationRef> {
  const newest = await client.query<{ version: number }>(
    `select coalesce(max(version), 1) as version from r_zero.recomputations where run_id = $1`,
    [row.runId],
  );
  const version = newest.rows[0]!.version + 1;
  const [inserted] = await insertRows(client, recomputations, [{ ...row, version }], {
    returning: ['recomputation_id'],
  });
  return { recomputationId: Number(inserted!['recomputation_id']), version };
}

export interface FinishedUnit {
  iteration: number;
  unit: number;
  take: number;
  /** Of the run's input that it worked with. */
  inputVersion: number;
}

/** Finished units of a run in their order. */
export async function finishedUnits(client: pg.PoolClient, runId: string, phase: string): Promise<FinishedUnit[]> {
  const { rows } = await client.query<FinishedUnit>(
    `select iteration, unit, take, input_version as "inputVersion" from r_zero.units where run_id = $1 and phase = $2 order by iteration, unit`,
    [runId, phase],
  );
  return rows;
}

export interface StoredCompletion {
  questionId: number;
  item: number;
  completion: string;
  /** The run took it for a question and asked it. */
  asked: boolean;
  /** The run could not ask it: its prompt left no room for an answer. */
  tooLong: boolean;
}

/** What the Challenger wrote in one step or shard, in its order. */
export async function readCompletions(
  client: pg.PoolClient,
  place: { runId: string; iteration: number; phase: string; unit: number },
): Promise<StoredCompletion[]> {
  const { rows } = await client.query<{
    question_id: string;
    item: number;
    completion: string;
    asked: boolean;
    tooLong: boolean;
  }>(
    `select question_id, item, completion, status = 'valid' as asked,
            coalesce(reason = 'prompt_too_long', false) as "tooLong"
     from r_zero.questions
     where run_id = $1 and iteration = $2 and phase = $3 and unit = $4 order by item`,
    [place.runId, place.iteration, place.phase, place.unit],
  );
  return rows.map(({ question_id, ...rest }) => ({ questionId: Number(question_id), ...rest }));
}

export interface StoredCompletionOfAnswer {
  completion: string;
  /** How many. */
  tokens: number;
  /** Null for answers from before it was stored. */
  meanLogprob: number | null;
}

/** The Solver's answers to each question that has any, in the order of samples, a chunk of questions at a time. */
export async function* readAnswers(
  client: pg.PoolClient,
  questionIds: readonly number[],
): AsyncGenerator<{ questionId: number; answers: StoredCompletionOfAnswer[] }> {
  for (let start = 0; start < questionIds.length; start += QUESTIONS_A_CHUNK) {
    const { rows } = await client.query<{ question_id: string; answers: StoredCompletionOfAnswer[] }>(
      `select question_id, json_agg(json_build_object('completion', completion, 'tokens', cardinality(tokens),
                                                      'meanLogprob', mean_logprob) order by sample) as answers
       from r_zero.answers where question_id = any($1::bigint[]) group by question_id order by question_id`,
      [questionIds.slice(start, start + QUESTIONS_A_CHUNK)],
    );
    for (const { question_id, answers } of rows) yield { questionId: Number(question_id), answers };
  }
}

export interface StoredRollout {
  rolloutId: number;
  item: number;
  sample: number;
  completion: string;
  question: string;
  /** The question's label under the recomputation; null when it has none. */
  label: string | null;
  /** The label that the run itself rewarded against. */
  trainedLabel: string;
}

export async function readRollouts(
  client: pg.PoolClient,
  place: { runId: string; iteration: number; unit: number },
  recomputationId: number,
): Promise<StoredRollout[]> {
  const { rows } = await client.query<{
    rollout_id: string;
    item: number;
    sample: number;
    completion: string;
    question: string;
    label: string | null;
    trained_label: string;
  }>(
    `select r.rollout_id, r.item, r.sample, r.completion, q.question, v.label, r.label as trained_label from r_zero.rollouts r
     join r_zero.questions q using (question_id)
     left join r_zero.votes v on v.question_id = r.question_id and v.recomputation_id = $4
     where r.run_id = $1 and r.iteration = $2 and r.phase = 'solver_training' and r.unit = $3
     order by r.item, r.sample`,
    [place.runId, place.iteration, place.unit, recomputationId],
  );
  return rows.map(({ rollout_id, trained_label, ...rest }) => ({
    rolloutId: Number(rollout_id),
    trainedLabel: trained_label,
    ...rest,
  }));
}

export interface SummaryRow {
  iteration: number;
  subject: string;
  rows: number;
  same: number;
  changed: number;
  new: number;
  missing: number;
  /** Mean p̂, reward, or share of kept questions, as the run has it and recomputed. */
  meanBefore: number | null;
  meanAfter: number | null;
}

export async function readSummary(client: pg.PoolClient, recomputationId: number): Promise<SummaryRow[]> {
  const { rows } = await client.query<SummaryRow>(
    `select iteration, subject, rows, same, changed, new, missing, mean_before as "meanBefore", mean_after as "meanAfter"
     from r_zero.recomputation_summary where recomputation_id = $1
     order by iteration, array_position(array['Challenger votes', 'Challenger rewards', 'labels', 'decisions', 'Solver rewards'], subject)`,
    [recomputationId],
  );
  return rows;
}

export interface DecisionMove {
  iteration: number;
  before: string | null;
  after: string | null;
  questions: number;
}

/** Decisions that differ, by the reason they had and the one they have now. */
export async function readMoves(client: pg.PoolClient, recomputationId: number): Promise<DecisionMove[]> {
  const { rows } = await client.query<DecisionMove>(
    `select iteration, reason_before as before, reason_after as after, count(*)::int as questions
     from r_zero.recomputed_decisions where recomputation_id = $1 and change <> 'same'
     group by 1, 2, 3 order by 1, 4 desc, 2, 3`,
    [recomputationId],
  );
  return rows;
}
