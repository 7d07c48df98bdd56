import type pg from 'pg';
import type { Role } from '../../activities/contract.ts';
import { asDatabaseError, select } from '../client.ts';

/**
 * The checkpoint a role stands at just before (iteration, step): the newest update before that point, or the run's base
 * model. With `step` 0 it is what the iteration started from, the reference of its KL term.
 */
export async function checkpointBefore(
  pool: pg.Pool,
  runId: string,
  role: Role,
  iteration: number,
  step: number,
): Promise<string> {
  try {
    const result = await pool.query<{ id: string }>(
      `select coalesce(
         (select checkpoint_after from r_zero.policy_updates
          where run_id = $1 and role = $2 and (iteration, unit) < ($3::int, $4::int)
          order by iteration desc, unit desc limit 1),
         (select base_checkpoint_id from r_zero.runs where run_id = $1)) as id`,
      [runId, role, iteration, step],
    );
    return result.rows[0]!.id;
  } catch (error) {
    throw asDatabaseError(error);
  }
}

export interface GeneratedQuestion {
  questionId: number;
  unit: number;
  item: number;
  status: 'valid' | 'invalid';
  reason: string | null;
  question: string | null;
}

/** The data-generation questions of an iteration in natural order, or those of one shard. */
export async function readGeneratedQuestions(
  pool: pg.Pool,
  runId: string,
  iteration: number,
  unit?: number,
): Promise<GeneratedQuestion[]> {
  const result = await select<{
    question_id: string;
    unit: number;
    item: number;
    status: 'valid' | 'invalid';
    reason: string | null;
    question: string | null;
  }>(
    pool,
    `select question_id, unit, item, status, reason, question from r_zero.questions
     where run_id = $1 and iteration = $2 and phase = 'dataset_generation' and ($3::int is null or unit = $3)
     order by unit, item`,
    [runId, iteration, unit ?? null],
  );
  return result.map(({ question_id, ...rest }) => ({ questionId: Number(question_id), ...rest }));
}

export interface StoredVote {
  questionId: number;
  label: string | null;
  majority: number;
  total: number;
  tie: boolean;
}

export async function readVotes(pool: pg.Pool, runId: string, iteration: number): Promise<Map<number, StoredVote>> {
  const rows = await select<{
    question_id: string;
    label: string | null;
    majority: number;
    total: number;
    tie: boolean;
  }>(
    pool,
    `select v.question_id, v.label, v.majority, v.total, v.tie from r_zero.current_votes v
     join r_zero.questions q using (question_id)
     where q.run_id = $1 and q.iteration = $2 and q.phase = 'dataset_generation'`,
    [runId, iteration],
  );
  return new Map(
    rows.map(({ question_id, ...rest }) => [Number(question_id), { questionId: Number(question_id), ...rest }]),
  );
}

export interface DatasetRow {
  questionId: number;
  question: string;
  label: string;
}

/** The kept data set in its stored order. */
export async function readDataset(pool: pg.Pool, runId: string, iteration: number): Promise<DatasetRow[]> {
  const rows = await select<{ question_id: string; question: string; label: string }>(
    pool,
    `select question_id, question, label from r_zero.dataset where run_id = $1 and iteration = $2 order by dataset_index`,
    [runId, iteration],
  );
  return rows.map(({ question_id, ...rest }) => ({ questionId: Number(question_id), ...rest }));
}

/** What the Solver was trained on in the iterations before, oldest first. */
export async function readTrainedBefore(
  pool: pg.Pool,
  runId: string,
  iteration: number,
): Promise<{ id: number; question: string }[]> {
  const rows = await select<{ question_id: string; question: string }>(
    pool,
    `select question_id, question from r_zero.dataset where run_id = $1 and iteration < $2
     order by iteration, dataset_index`,
    [runId, iteration],
  );
  return rows.map(({ question_id, question }) => ({ id: Number(question_id), question }));
}

export interface QuestionCount {
  stage: 'parsing' | 'gate';
  reason: string;
  questions: number;
}

/** Why the questions of an iteration that are not in its data set are not in it, the commonest reason first. */
export function readDropReasons(pool: pg.Pool, runId: string, iteration: number): Promise<QuestionCount[]> {
  return select<QuestionCount>(
    pool,
    `select stage, reason, questions from r_zero.funnel_reasons where run_id = $1 and iteration = $2
     order by questions desc, stage, reason`,
    [runId, iteration],
  );
}

/** Labelled questions of an iteration: what an oracle can be asked about. */
export async function readLabelled(pool: pg.Pool, runId: string, iteration: number): Promise<DatasetRow[]> {
  const rows = await select<{ question_id: string; question: string; label: string }>(
    pool,
    `select q.question_id, q.question, v.label from r_zero.questions q join r_zero.current_votes v using (question_id)
     where q.run_id = $1 and q.iteration = $2 and q.phase = 'dataset_generation' and v.label is not null
     order by q.unit, q.item`,
    [runId, iteration],
  );
  return rows.map(({ question_id, ...rest }) => ({ questionId: Number(question_id), ...rest }));
}
