/** The questions of a run for the reader of a report, those of Challenger training among them: few columns of many, and everything of a few. */
import { select } from '../client.ts';
import type { Connection } from './report.ts';

export interface ReaderRow {
  question_id: string;
  iteration: number;
  /** Null when the completion could not be parsed. */
  question: string | null;
  /** Step of Challenger training that it was written in, from 0; null for those of the data generation. */
  step: number | null;
  /** Of parsing or of the gate; `kept`, and `rewarded` in training. */
  reason: string;
  label: string | null;
  majority: number | null;
  total: number | null;
  /** False when one oracle disagrees with the label; null without any. */
  agrees: boolean | null;
  /** That the Challenger was trained with; null for those of the data generation. */
  reward: number | null;
}

export interface ReaderSize {
  questions: number;
  /** Of these, in Challenger training. */
  training: number;
  answers: number;
  /** Characters of the answers. */
  characters: number;
}

const QUESTIONS = `r_zero.questions q
  left join r_zero.current_votes v using (question_id)
  left join r_zero.current_gate_decisions d using (question_id)
  where q.run_id = $1`;
const IS_TRAINING = `q.phase = 'challenger_training'`;
const REASON = `coalesce(q.reason, d.reason, case when ${IS_TRAINING} then 'rewarded' else 'not decided yet' end)`;
const GROUP = `q.iteration, ${IS_TRAINING}, ${REASON}`;

/**
 * The reader's questions: all of them, or `most` at least, in the proportions that iterations, phases and reasons have among all, at least one of
 * each. Which ones is decided by a hash of the question's id, so that it is the same each time.
 */
const SELECTED = `select question_id, iteration, is_training, unit, item, question, reason, label, majority, total from (
    select q.question_id, q.iteration, ${IS_TRAINING} as is_training, q.unit, q.item, q.question, ${REASON} as reason, v.label, v.majority, v.total,
           row_number() over (partition by ${GROUP} order by md5(q.question_id::text), q.question_id) as place,
           count(*) over (partition by ${GROUP}) as alike, count(*) over () as questions
    from ${QUESTIONS}
  ) ranked where place <= ceil(alike * least(1.0, $2::numeric / questions))`;

/** In the order in which they were written. */
export const readReaderRows = (connection: Connection, runId: string, most: number): Promise<ReaderRow[]> =>
  select(
    connection,
    `with selected as materialized (${SELECTED})
     select q.question_id::text, q.iteration, case when is_training then q.unit end as step, q.question, q.reason, q.label,
            q.majority, q.total, a.agrees, w.total as reward
     from selected q
     left join (select question_id, total from r_zero.rewards where run_id = $1 and role = 'challenger' and version = 1) w
       on w.question_id = q.question_id
     left join (select question_id, bool_and(agrees) as agrees from r_zero.current_audits where run_id = $1 group by 1) a
       on a.question_id = q.question_id
     order by q.iteration, is_training desc, q.unit, q.item`,
    [runId, most],
  );

/** Of everything that the run has, selected or not. */
export async function readReaderSize(connection: Connection, runId: string): Promise<ReaderSize> {
  const rows = await select<ReaderSize>(
    connection,
    `select (select count(*)::int from r_zero.questions where run_id = $1) as questions,
            (select count(*)::int from r_zero.questions q where run_id = $1 and ${IS_TRAINING}) as training,
            count(*)::int as answers, coalesce(sum(length(completion)), 0)::float8 as characters
     from r_zero.answers where run_id = $1`,
    [runId],
  );
  return rows[0]!;
}

/** A text, or what is left of a long one: its beginning, its end, and how many characters are not here. */
export type CutText = string | [beginning: string, end: string, omitted: number];

export interface ReaderDetail {
  question_id: string;
  /** What the Challenger wrote, tags and all. */
  completion: CutText;
  challenger_answer: string | null;
  unparsable: number | null;
  tie: boolean | null;
  classes: { representative?: string; count: number }[] | null;
  inputs: unknown;
  /** In Challenger training: what the question earned, and with what; `computed` differs from `total` in control runs. */
  reward: {
    total: number;
    computed: number;
    uncertainty: number | null;
    repetition: number | null;
    cluster_size: number | null;
    format: number;
    advantage: number;
  } | null;
  answers: { sample: number; extracted: string | null; completion: CutText; finish_reason: string }[];
  audits: { oracle: string; version: number; truth: string | null; agrees: boolean | null }[];
}

const cut = (column: string, length: string): string =>
  `case when length(${column}) <= ${length} then to_jsonb(${column})
        else jsonb_build_array(left(${column}, ${length} / 2), right(${column}, ${length} / 2), length(${column}) - ${length} / 2 * 2) end`;

/** @param length characters that a longer completion is cut to */
export const readReaderDetails = (
  connection: Connection,
  questionIds: readonly string[],
  length: number,
): Promise<ReaderDetail[]> =>
  select(
    connection,
    `select q.question_id::text, ${cut('q.completion', '$2::int')} as completion, q.challenger_answer,
            v.unparsable, v.tie, v.classes, d.inputs,
            case when w.question_id is not null then jsonb_build_object(
              'total', w.total, 'computed', w.computed, 'uncertainty', w.uncertainty, 'repetition', w.repetition,
              'cluster_size', w.cluster_size, 'format', w.format, 'advantage', w.advantage) end as reward,
            coalesce(a.answers, '[]') as answers, coalesce(o.audits, '[]') as audits
     from unnest($1::bigint[]) with ordinality wanted (question_id, place)
     join r_zero.questions q using (question_id)
     left join r_zero.current_votes v using (question_id)
     left join r_zero.current_gate_decisions d using (question_id)
     left join r_zero.rewards w on w.question_id = q.question_id and w.role = 'challenger' and w.version = 1
     left join lateral (
       select jsonb_agg(jsonb_build_object('sample', sample, 'extracted', extracted, 'finish_reason', finish_reason,
                                           'completion', ${cut('completion', '$2::int')}) order by sample) as answers
       from r_zero.answers where question_id = q.question_id
     ) a on true
     left join lateral (
       select jsonb_agg(jsonb_build_object('oracle', oracle, 'version', oracle_version, 'truth', truth, 'agrees', agrees)
                        order by oracle) as audits
       from r_zero.current_audits where question_id = q.question_id
     ) o on true
     order by wanted.place`,
    [questionIds, length],
  );
