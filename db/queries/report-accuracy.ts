/**
 * How good the Solver is and how true its labels are, with what intervals need. The samples of one held-out question resemble each
 * other, so every standard error is that of a ratio estimate with the questions as its clusters.
 */
import { select } from '../client.ts';
import type { Connection } from './report.ts';

/** Named sets are shown by themselves, their shards together (run-evaluation.ts). */
const OF_NO_RUN_SET =
  'not exists (select from r_zero.run_evaluation_sets s where s.run_id = e.run_id and s.set_name = e.set_name)';

export interface EvaluationRow {
  iteration: number;
  set_name: string;
  mode: 'greedy' | 'sampled';
  items: number;
  samples_per_item: number;
  correct: number;
  majority_correct: number;
  worked: number;
  worked_correct: number;
  /** Standard errors of correct / samples, worked / samples, worked_correct / worked and of the rest's accuracy; null for one item. */
  accuracy_error: number | null;
  worked_error: number | null;
  worked_accuracy_error: number | null;
  other_accuracy_error: number | null;
  /** Mean over the questions of this accuracy less the base model's, and its standard error; null where there is no base of the set. */
  gain: number | null;
  gain_error: number | null;
}

export const readEvaluations = (connection: Connection, runId: string): Promise<EvaluationRow[]> =>
  select(
    connection,
    `with items as materialized (
       select e.evaluation_id, e.iteration, e.set_name, e.set_hash, e.mode, i.item, count(*)::float8 as n,
              sum(i.correct::int)::float8 as c, sum(i.worked::int)::float8 as w,
              sum((i.correct and i.worked)::int)::float8 as wc
       from r_zero.evaluations e join r_zero.evaluation_items i using (evaluation_id)
       where e.run_id = $1 and ${OF_NO_RUN_SET} group by 1, 2, 3, 4, 5, 6
     ), sums as (
       select evaluation_id, count(*)::float8 as k, sum(n) as n, sum(c) as c, sum(w) as w, sum(wc) as wc
       from items group by 1
     ), errors as (
       select s.evaluation_id,
              sqrt(sum((i.c - s.c / s.n * i.n) ^ 2) * s.k / nullif(s.k - 1, 0)) / s.n as accuracy_error,
              sqrt(sum((i.w - s.w / s.n * i.n) ^ 2) * s.k / nullif(s.k - 1, 0)) / s.n as worked_error,
              sqrt(sum((i.wc - s.wc / nullif(s.w, 0) * i.w) ^ 2) * s.k / nullif(s.k - 1, 0)) / nullif(s.w, 0)
                as worked_accuracy_error,
              sqrt(sum((i.c - i.wc - (s.c - s.wc) / nullif(s.n - s.w, 0) * (i.n - i.w)) ^ 2) * s.k / nullif(s.k - 1, 0))
                / nullif(s.n - s.w, 0) as other_accuracy_error
       from sums s join items i using (evaluation_id) group by s.evaluation_id, s.k, s.n, s.c, s.w, s.wc
     ), gains as (
       select i.evaluation_id, avg(i.c / i.n - b.c / b.n) as gain,
              stddev_samp(i.c / i.n - b.c / b.n) / sqrt(count(*)) as gain_error
       from items i join items b
         on b.iteration = 0 and b.set_name = i.set_name and b.set_hash = i.set_hash and b.mode = i.mode and b.item = i.item
       where i.iteration > 0 group by 1
     )
     select e.iteration, e.set_name, e.mode, e.items, e.samples_per_item, e.correct, e.majority_correct, e.worked,
            e.worked_correct, accuracy_error, worked_error, worked_accuracy_error, other_accuracy_error, gain, gain_error
     from r_zero.evaluations e left join errors using (evaluation_id) left join gains using (evaluation_id)
     where e.run_id = $1 and ${OF_NO_RUN_SET} order by e.set_name, e.mode, e.iteration`,
    [runId],
  );

export interface LabelRow {
  iteration: number;
  oracle: string;
  /** Labels of the kept questions, or of the others; null: of all. */
  kept: boolean | null;
  audited: number;
  agreeing: number;
  /** Share of true labels; null when none was audited. */
  label_accuracy: number | null;
  /** 95 % interval. */
  lower: number;
  upper: number;
}

/** Of view `label_accuracy`. */
export const readLabels = (connection: Connection, runId: string): Promise<LabelRow[]> =>
  select(
    connection,
    `select iteration, oracle, kept, audited, agreeing, label_accuracy, lower, upper
     from r_zero.label_accuracy where run_id = $1 order by oracle, iteration, kept`,
    [runId],
  );

export interface LabelShareRow {
  oracle: string;
  /** Tenth of p̂, from 0; the last one is closed. */
  part: number;
  audited: number;
  agreeing: number;
}

/** Of view `label_accuracy_by_p_hat`, iterations together, kept or not. */
export const readLabelShares = (connection: Connection, runId: string): Promise<LabelShareRow[]> =>
  select(
    connection,
    `select oracle, part, sum(audited)::int as audited, sum(agreeing)::int as agreeing
     from r_zero.label_accuracy_by_p_hat where run_id = $1 and kept is null and audited > 0
     group by 1, 2 order by 1, 2`,
    [runId],
  );

export interface DifferenceRow {
  set_name: string;
  mode: 'greedy' | 'sampled';
  /** The last evaluated iteration of each run. */
  iteration: number;
  other_iteration: number;
  items: number;
  /** Mean over the questions of the run's accuracy less the other's, and its standard error. */
  difference: number;
  error: number | null;
}

/** How two runs end, question by question, on the sets that both were evaluated on. */
export const readDifferences = (connection: Connection, runId: string, otherId: string): Promise<DifferenceRow[]> =>
  select(
    connection,
    `with ends as materialized (
       select distinct on (e.run_id, e.set_name, e.mode) e.evaluation_id, e.run_id, e.iteration, e.set_name, e.set_hash, e.mode
       from r_zero.evaluations e where e.run_id in ($1, $2) and e.iteration > 0 and ${OF_NO_RUN_SET}
       order by e.run_id, e.set_name, e.mode, e.iteration desc
     ), items as materialized (
       select e.*, i.item, avg(i.correct::int)::float8 as correct
       from ends e join r_zero.evaluation_items i using (evaluation_id) group by 1, 2, 3, 4, 5, 6, i.item
     )
     select a.set_name, a.mode, a.iteration, b.iteration as other_iteration, count(*)::int as items,
            avg(a.correct - b.correct) as difference, stddev_samp(a.correct - b.correct) / sqrt(count(*)) as error
     from items a join items b using (set_name, set_hash, mode, item)
     where a.run_id = $1 and b.run_id = $2 group by 1, 2, 3, 4 order by 1, 2`,
    [runId, otherId],
  );
