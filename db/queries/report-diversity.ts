/** Whether the Challenger still finds something new: its questions' words, and the clusters of its training. */
import { select } from '../client.ts';
import type { Connection } from './report.ts';

export interface DiversityRow {
  iteration: number;
  questions: number;
  /** Different ones, up to case and white space. */
  distinct_questions: number;
  /** How often the most frequent one was written. */
  most_frequent: number;
  /** Questions that words were counted in: as many of each iteration. */
  counted: number;
  words: number;
  distinct_1: number;
  pairs: number;
  distinct_2: number;
  fours: number;
  distinct_4: number;
}

/** Shares of different words fall as more is written: they are taken of as many questions of each iteration, and of no more than this. */
const MOST_COUNTED = 2000;

/**
 * Of the questions of the data generation that could be parsed. A word is a run of letters, a digit, or any other sign. Which questions
 * words are counted in is decided by a hash of their ids, so that it is the same each time.
 */
export const readDiversity = (connection: Connection, runId: string): Promise<DiversityRow[]> =>
  select(
    connection,
    `with texts as materialized (
       select iteration, btrim(lower(regexp_replace(question, '\\s+', ' ', 'g'))) as text,
              row_number() over (partition by iteration order by md5(question_id::text), question_id) as place
       from r_zero.questions where run_id = $1 and phase = 'dataset_generation' and status = 'valid'
     ), counts as materialized (
       select iteration, sum(n)::int as questions, count(*)::int as distinct_questions, max(n)::int as most_frequent
       from (select iteration, text, count(*) as n from texts group by 1, 2) t group by 1
     ), counted as materialized (select least(min(questions), $2::int) as questions from counts),
     words as materialized (
       select iteration, array(select m[1] from regexp_matches(text, '[[:alpha:]]+|\\S', 'g') m) as word
       from texts, counted where place <= questions
     ), grams as (
       select iteration, size, hashtextextended(array_to_string(word[i : i + size - 1], ' '), 0) as gram
       from words cross join (values (1), (2), (4)) sizes (size)
       cross join lateral generate_series(1, cardinality(word) - size + 1) i
     ), sizes as (
       select iteration,
              count(*) filter (where size = 1)::int as words, count(distinct gram) filter (where size = 1)::int as distinct_1,
              count(*) filter (where size = 2)::int as pairs, count(distinct gram) filter (where size = 2)::int as distinct_2,
              count(*) filter (where size = 4)::int as fours, count(distinct gram) filter (where size = 4)::int as distinct_4
       from grams group by 1
     )
     select c.iteration, c.questions, distinct_questions, most_frequent, counted.questions as counted, coalesce(words, 0) as words,
            coalesce(distinct_1, 0) as distinct_1, coalesce(pairs, 0) as pairs, coalesce(distinct_2, 0) as distinct_2,
            coalesce(fours, 0) as fours, coalesce(distinct_4, 0) as distinct_4
     from counts c cross join counted left join sizes s using (iteration) order by 1`,
    [runId, MOST_COUNTED],
  );

export interface ClusterRow {
  iteration: number;
  step: number;
  questions: number;
  /** Clusters of near questions in the batch, as the repetition penalty counts them. */
  clusters: number;
}

/** Every member of a cluster of n brings a share of 1/n of it. */
export const readClusters = (connection: Connection, runId: string): Promise<ClusterRow[]> =>
  select(
    connection,
    `select w.iteration, w.unit as step, count(*)::int as questions, round(sum(1.0 / w.cluster_size))::int as clusters
     from r_zero.rewards w
     where w.run_id = $1 and w.role = 'challenger' and w.version = 1 and w.cluster_size > 0
     group by 1, 2 order by 1, 2`,
    [runId],
  );
