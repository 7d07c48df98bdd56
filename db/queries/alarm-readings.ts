/** What an iteration's rows say of its health: the numbers behind the alarms, counted where the rows are. */
import type pg from 'pg';
import { select } from '../client.ts';

export interface TrainingReading {
  /** In the order of the steps; null where no update of the step was finite. */
  steps: {
    step: number;
    kl: number | null;
    entropy: number | null;
    clipFraction: number | null;
    updates: number;
    meanTokens: number;
    /** Groups of rollouts, and those in which one reward differs from another. */
    groups: number;
    spreadGroups: number;
  }[];
}

/** The rows of one role's training: table, and the item of a group. */
const TRAINED = {
  challenger_training: { rows: 'questions', key: 'question_id', group: 't.item / $3::int' },
  solver_training: { rows: 'rollouts', key: 'rollout_id', group: 't.item' },
} as const;

export type TrainingPhase = keyof typeof TRAINED;

/** @param groupSize of the Challenger; the Solver's groups are those of a question */
export async function readTraining(
  pool: pg.Pool,
  { runId, iteration, phase }: { runId: string; iteration: number; phase: TrainingPhase },
  groupSize: number,
): Promise<TrainingReading> {
  const { rows: table, key, group } = TRAINED[phase];
  const steps = await select<TrainingReading['steps'][number]>(
    pool,
    `select u.unit as step, u.kl, u.entropy, u.clip_fraction as "clipFraction", u.updates,
            sum(g.tokens)::double precision / sum(g.rows)::double precision as "meanTokens",
            count(*)::int as groups, count(*) filter (where g.least < g.most)::int as "spreadGroups"
     from r_zero.policy_updates u
     join (
       select t.unit, ${group} as "group", count(*) as rows, sum(cardinality(t.tokens)) as tokens,
              min(w.total) as least, max(w.total) as most
       from r_zero.${table} t
       join r_zero.rewards w on w.${key} = t.${key} and w.version = 1
       where t.run_id = $1 and t.iteration = $2 and t.phase = '${phase}' and $3::int > 0
       group by 1, 2
     ) g using (unit)
     where u.run_id = $1 and u.iteration = $2 and u.phase = '${phase}'
     group by u.unit, u.kl, u.entropy, u.clip_fraction, u.updates
     order by u.unit`,
    [runId, iteration, groupSize],
  );
  return { steps };
}

export interface RepeatedTexts {
  /** Texts that were looked at. */
  texts: number;
  /** How often the text came that is the least likely to come as often, and its log-probability; null when none came twice. */
  times: number | null;
  logProbability: number | null;
  /** Upper bound of the logarithm of the chance that any text of that probability comes as often as this one. */
  logChance: number | null;
}

/**
 * Texts that were sampled more than once by one policy for one prompt: of n texts, k are the same one of log-probability l with a
 * chance of at most n^k e^((k - 1) l).
 *
 * @param phase the Challenger's prompt is the same for all questions; the Solver's for all rollouts of a step's item
 */
export async function readRepeatedTexts(
  pool: pg.Pool,
  { runId, iteration, phase }: { runId: string; iteration: number; phase: TrainingPhase | 'dataset_generation' },
): Promise<RepeatedTexts> {
  const table = phase === 'solver_training' ? 'rollouts' : 'questions';
  const prompt = phase === 'solver_training' ? 'unit, item' : 'checkpoint_id';
  const [row] = await select<RepeatedTexts>(
    pool,
    `with same as (
       select count(*) as times, max((select sum(l) from unnest(logprobs) l))::double precision as log_probability,
              sum(count(*)) over (partition by ${prompt}) as texts
       from r_zero.${table} where run_id = $1 and iteration = $2 and phase = '${phase}'
       group by ${prompt}, tokens
     ), least as (
       select times, log_probability, (times - 1) * log_probability + times * ln(texts::double precision) as log_chance
       from same where times > 1 order by log_chance limit 1
     )
     select (select coalesce(sum(times), 0)::int from same) as texts, times::int,
            log_probability as "logProbability", log_chance as "logChance"
     from (values (1)) one left join least on true`,
    [runId, iteration],
  );
  return row!;
}

export interface QuestionsReading {
  generated: number;
  valid: number;
  distinct: number;
  /** Different runs of four tokens by all of them; null when there are none. */
  phraseShare: number | null;
}

export async function readQuestions(pool: pg.Pool, runId: string, iteration: number): Promise<QuestionsReading> {
  const [row] = await select<QuestionsReading>(
    pool,
    `with q as (
       select status, tokens, lower(regexp_replace(trim(question), '\\s+', ' ', 'g')) as question
       from r_zero.questions where run_id = $1 and iteration = $2 and phase = 'dataset_generation'
     ), phrases as (
       select tokens[i:i + 3] as phrase
       from q cross join lateral generate_series(1, cardinality(tokens) - 3) i where status = 'valid'
     )
     select count(*)::int as generated, count(*) filter (where status = 'valid')::int as valid,
            count(distinct question) filter (where status = 'valid')::int as distinct,
            (select count(distinct phrase)::double precision / nullif(count(*), 0)::double precision from phrases) as "phraseShare"
     from q`,
    [runId, iteration],
  );
  return row!;
}

export interface SolveRatesReading {
  labelled: number;
  /** Questions with the commonest solve rate, and that rate. */
  commonest: number;
  pHat: number | null;
}

export async function readSolveRates(pool: pg.Pool, runId: string, iteration: number): Promise<SolveRatesReading> {
  const [row] = await select<SolveRatesReading>(
    pool,
    `select coalesce(sum(n) over (), 0)::int as labelled, n::int as commonest, p_hat as "pHat"
     from (
       select v.p_hat, count(*) as n from r_zero.questions q join r_zero.current_votes v using (question_id)
       where q.run_id = $1 and q.iteration = $2 and q.phase = 'dataset_generation' and v.label is not null
       group by v.p_hat
     ) rates order by n desc, p_hat limit 1`,
    [runId, iteration],
  );
  return row ?? { labelled: 0, commonest: 0, pHat: null };
}

export interface HeldOutReading {
  iteration: number;
  /** One for each held-out question, in their order. */
  correct: boolean[];
}

/** Greedy answers to the held-out questions, of the base model and every evaluated iteration up to this one. */
export async function readHeldOutAnswers(pool: pg.Pool, runId: string, iteration: number): Promise<HeldOutReading[]> {
  return await select<HeldOutReading>(
    pool,
    `select e.iteration, array_agg(i.correct order by i.item) as correct
     from r_zero.evaluations e join r_zero.evaluation_items i using (evaluation_id)
     where e.run_id = $1 and e.iteration <= $2 and e.mode = 'greedy' and e.set_name = 'held-out'
     group by e.iteration order by e.iteration`,
    [runId, iteration],
  );
}

export interface LabelsReading {
  oracle: string;
  audited: number;
  /** Estimated share of true labels, and the upper end of its 95 % interval. */
  labelAccuracy: number;
  upper: number;
}

/**
 * What is known of the labels of the training set: by computed truth where there is any, otherwise by the oracle that says it most
 * exactly.
 */
export async function readKeptLabels(
  pool: pg.Pool,
  runId: string,
  iteration: number,
): Promise<LabelsReading | undefined> {
  const [row] = await select<LabelsReading>(
    pool,
    `select oracle, audited, label_accuracy as "labelAccuracy", upper from r_zero.label_accuracy
     where run_id = $1 and iteration = $2 and kept and audited > 0
     order by oracle = 'computed' desc, upper - lower limit 1`,
    [runId, iteration],
  );
  return row;
}
