/** What evaluations came to: the rows behind comparisons, summaries and the report. */
import type pg from 'pg';
import { select } from '../client.ts';

type Connection = pg.Pool | pg.PoolClient;

export interface ItemAnswers {
  /** Place in the set. */
  item: number;
  /** By sample. */
  extracted: (string | null)[];
  correct: boolean[];
}

/** Every answered question of a set in an iteration and mode, shards together, in the order of the set. */
export const readItemAnswers = (
  connection: Connection,
  at: { runId: string; iteration: number; setName: string; setHash: string; mode: 'greedy' | 'sampled' },
): Promise<ItemAnswers[]> =>
  select<ItemAnswers>(
    connection,
    `select i.item, array_agg(i.extracted order by i.sample) as extracted, array_agg(i.correct order by i.sample) as correct
     from r_zero.evaluations e join r_zero.evaluation_items i using (evaluation_id)
     where e.run_id = $1 and e.iteration = $2 and e.set_name = $3 and e.set_hash = $4 and e.mode = $5
     group by i.item order by i.item`,
    [at.runId, at.iteration, at.setName, at.setHash, at.mode],
  );

export interface ScoreRow {
  iteration: number;
  set_name: string;
  /** Null for the model's held-out questions. */
  loader: string | null;
  area: 'math' | 'general' | 'other';
  questions: number;
  greedy_accuracy: number | null;
  /** Samples per question; null where none were drawn. */
  k: number | null;
  mean_at_k: number | null;
  majority_at_k: number | null;
  score: number | null;
  is_whole: boolean;
}

/** By iteration, in the order of the run's input, held-out questions first. */
export const readScores = (connection: Connection, runId: string): Promise<ScoreRow[]> =>
  select<ScoreRow>(
    connection,
    `select e.iteration, e.set_name, e.loader, e.area, e.questions, e.greedy_accuracy, e.k, e.mean_at_k, e.majority_at_k, e.score,
            e.is_whole
     from r_zero.evaluation_scores e left join r_zero.run_evaluation_sets s using (run_id, set_name)
     where e.run_id = $1 order by e.iteration, s.position nulls first`,
    [runId],
  );

export interface AverageRow {
  iteration: number;
  sets: number;
  questions: number;
  math: number | null;
  general: number | null;
  overall: number | null;
  macro: number | null;
  micro: number | null;
}

export const readAverages = (connection: Connection, runId: string): Promise<AverageRow[]> =>
  select<AverageRow>(
    connection,
    `select iteration, sets, questions, math, general, overall, macro, micro
     from r_zero.evaluation_averages where run_id = $1 order by iteration`,
    [runId],
  );

export interface ComparisonRow {
  iteration: number;
  set_name: string;
  measure: 'greedy' | 'mean' | 'majority';
  against: 'base' | 'previous';
  against_iteration: number;
  items: number;
  value: number;
  reference: number;
  difference: number;
  lower: number;
  upper: number;
  resamples: number;
  seed: string;
}

export const readComparisons = (connection: Connection, runId: string): Promise<ComparisonRow[]> =>
  select<ComparisonRow>(
    connection,
    `select iteration, set_name, measure, against, against_iteration, items, value, reference, difference, lower, upper, resamples, seed
     from r_zero.evaluation_comparisons where run_id = $1 order by set_name, measure, against, iteration`,
    [runId],
  );

export interface ContaminationRow {
  iteration: number;
  question_id: number;
  question: string;
  set_name: string;
  item: number;
  set_question: string | null;
  kind: 'exact' | 'near' | 'ngram';
  similarity: number;
  kept: boolean;
  reason: string;
}

/** @param limit most rows */
export const readContaminations = (connection: Connection, runId: string, limit: number): Promise<ContaminationRow[]> =>
  select<ContaminationRow>(
    connection,
    `select iteration, question_id::int8::float8 as question_id, question, set_name, item, set_question, kind, similarity, kept, reason
     from r_zero.contaminations where run_id = $1 order by iteration, question_id limit $2`,
    [runId, limit],
  );

export interface ContaminationCount {
  iteration: number;
  set_name: string;
  kind: 'exact' | 'near' | 'ngram';
  questions: number;
  /** Of these kept for training: a gate that does not look lets them through. */
  kept: number;
}

export const countContaminations = (connection: Connection, runId: string): Promise<ContaminationCount[]> =>
  select<ContaminationCount>(
    connection,
    `select iteration, set_name, kind, count(*)::int as questions, count(*) filter (where kept)::int as kept
     from r_zero.contaminations where run_id = $1 group by 1, 2, 3 order by 1, 2, 3`,
    [runId],
  );
