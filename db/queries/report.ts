/**
 * The numbers of a report (`infra/report/`), from views where there is one. Fractions are between 0 and 1; what was not measured is
 * null. Rows come in an order that never changes, so that equal rows make equal reports.
 */
import type pg from 'pg';
import { asDatabaseError, select } from '../client.ts';

export type Connection = pg.Pool | pg.PoolClient;

/**
 * Runs `work` on one state of the database: a run that goes on meanwhile changes nothing between two statements.
 * What it wrote would be refused.
 */
export async function onSnapshot<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  let client: pg.PoolClient | undefined;
  let broken = false;
  try {
    client = await pool.connect();
    await client.query('begin isolation level repeatable read read only');
    return await work(client);
  } catch (error) {
    throw asDatabaseError(error);
  } finally {
    await client?.query('rollback').catch(() => (broken = true));
    client?.release(broken);
  }
}

export interface FunnelRow {
  iteration: number;
  generated: number;
  parsed: number;
  voted: number;
  kept: number;
}

/** Of view `funnel`. */
export const readFunnel = (connection: Connection, runId: string): Promise<FunnelRow[]> =>
  select(
    connection,
    `select iteration, generated, parsed, voted, kept from r_zero.funnel where run_id = $1 order by iteration`,
    [runId],
  );

export interface ReasonRow {
  iteration: number;
  stage: string;
  reason: string;
  questions: number;
}

/** Of view `funnel_reasons`. */
export const readReasons = (connection: Connection, runId: string): Promise<ReasonRow[]> =>
  select(
    connection,
    `select iteration, stage, reason, questions from r_zero.funnel_reasons where run_id = $1
     order by iteration, stage desc, reason`,
    [runId],
  );

export interface VoteShareRow {
  iteration: number;
  majority: number;
  total: number;
  kept: boolean;
  questions: number;
}

/** How many questions of the data generation had which p̂. */
export const readVoteShares = (connection: Connection, runId: string): Promise<VoteShareRow[]> =>
  select(
    connection,
    `select q.iteration, v.majority, v.total, coalesce(d.kept, false) as kept, count(*)::int as questions
     from r_zero.questions q
     join r_zero.current_votes v using (question_id)
     left join r_zero.current_gate_decisions d using (question_id)
     where q.run_id = $1 and q.phase = 'dataset_generation' and v.total > 0
     group by 1, 2, 3, 4 order by 1, 2, 3, 4`,
    [runId],
  );

export interface PhaseTimeRow {
  iteration: number;
  phase: string;
  units: number;
  units_done: number;
  seconds: number;
  /** Sampled; null where units from before they were counted, or without a model, have none. */
  tokens: number | null;
  last_finished_at: Date | null;
}

/** Of view `phase_progress`, with the tokens that models sampled. */
export const readPhaseTimes = (connection: Connection, runId: string): Promise<PhaseTimeRow[]> =>
  select(
    connection,
    `select p.iteration, p.phase, p.units, p.units_done, p.seconds, p.last_finished_at,
            (select sum(u.tokens)::float8 from r_zero.units u
             where (u.run_id, u.iteration, u.phase) = (p.run_id, p.iteration, p.phase)) as tokens
     from r_zero.phase_progress p where p.run_id = $1 and p.units > 0 order by p.iteration, p.phase`,
    [runId],
  );

export interface TroubleRow {
  iteration: number;
  phase: string;
  /** failed, cancelled, superseded; null: killed, or at work at this moment. */
  outcome: string | null;
  error_code: string | null;
  attempts: number;
  units: number;
  /** Until the end, or the last sign of life. */
  seconds: number;
  /** The newest one's. */
  message: string | null;
}

/** Attempts that did not finish their unit. */
export const readTrouble = (connection: Connection, runId: string): Promise<TroubleRow[]> =>
  select(
    connection,
    `select iteration, phase, outcome, error_code, count(*)::int as attempts, count(distinct unit)::int as units,
            coalesce(sum(extract(epoch from coalesce(finished_at, seen_at, started_at) - started_at)), 0)::float8 as seconds,
            (array_agg(error_message order by attempt_id desc) filter (where error_message is not null))[1] as message
     from r_zero.attempts where run_id = $1 and outcome is distinct from 'finished'
     group by 1, 2, 3, 4 order by 1, 2, 3 nulls last, 4`,
    [runId],
  );

export interface OriginRow {
  code_version: string | null;
  engine: string | null;
  backend: string | null;
  backend_version: string | null;
  execution: string | null;
  device: string | null;
  deterministic: boolean | null;
  threads: number | null;
  units: number;
}

/** What ran the units with a model, of view `provenance`; more than one row when a run moved. */
export const readOrigins = (connection: Connection, runId: string): Promise<OriginRow[]> =>
  select(
    connection,
    `select code_version, engine, backend, backend_version, execution, device, deterministic, threads, count(*)::int as units
     from r_zero.provenance where run_id = $1 and engine is not null
     group by 1, 2, 3, 4, 5, 6, 7, 8 order by min(finished_at), 1, 2, 3, 4, 5, 6`,
    [runId],
  );

export interface PolicyRow {
  iteration: number;
  role: string;
  checkpoint: string;
}

/** The policies at the end of each iteration. */
export const readPolicies = (connection: Connection, runId: string): Promise<PolicyRow[]> =>
  select(
    connection,
    `select distinct on (iteration, role) iteration, role, checkpoint_after as checkpoint
     from r_zero.policy_updates where run_id = $1 order by iteration, role, unit desc`,
    [runId],
  );

/** Changes with every row that a report could show: cheap enough to ask every second. */
export async function readRunVersion(connection: Connection, runId: string): Promise<string> {
  const rows = await select<{ version: string }>(
    connection,
    `select concat_ws(' ', r.status, r.iterations, extract(epoch from r.updated_at), md5(coalesce(r.status_reason, '')),
            (select count(*) from r_zero.units where run_id = $1), (select count(*) from r_zero.phases where run_id = $1),
            (select concat_ws(' ', count(*), count(outcome), max(attempt_id)) from r_zero.attempts where run_id = $1),
            (select count(*) from r_zero.audits where run_id = $1), (select count(*) from r_zero_all.alarms where run_id = $1),
            (select max(take) from r_zero.takes where run_id = $1)) as version
     from r_zero.runs r where r.run_id = $1`,
    [runId],
  );
  return rows[0]?.version ?? '';
}
