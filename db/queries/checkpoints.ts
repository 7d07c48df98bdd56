/** What `r-zero checkpoint` reads and writes. */
import type pg from 'pg';
import type { Role } from '../../activities/contract.ts';
import { insertRows } from '../bulk.ts';
import { select, transaction } from '../client.ts';
import { checkpointPrunings } from '../schema.ts';

export type PrunedPart = 'weights' | 'optimizer';

/** What a run used a checkpoint for: its base model, or the policy after so many steps of an iteration. */
export interface CheckpointPlace {
  runId: string;
  role: Role | 'base';
  iteration: number;
  /** Steps of the iteration's training phase behind it. */
  step: number;
  /** A later take has done the step again. */
  superseded?: true;
}

export interface StoredCheckpoint {
  checkpointId: string;
  bytes: number;
  files: { name: string; bytes: number; sha256: string }[];
  optimizerStep: number;
  /** What these adapters lie on; null for weights. */
  base: string | null;
  createdAt: Date;
  /** In the order of runs, iterations, roles and steps. */
  places: CheckpointPlace[];
  /** The newest of its recorded prunings, by part. */
  prunings: { what: PrunedPart; policy: string; createdAt: string }[];
}

/** @param runId all runs when omitted */
export function readCheckpoints(pool: pg.Pool, runId?: string): Promise<StoredCheckpoint[]> {
  return select<StoredCheckpoint>(
    pool,
    `with places as (
       select base_checkpoint_id as checkpoint_id, run_id, 'base' as role, 0 as iteration, 0 as step, null::boolean as superseded
       from r_zero.runs
       union all
       select checkpoint_after, run_id, role, iteration, unit + 1, bool_and(superseded_by is not null) or null
       from r_zero_all.policy_updates group by 1, 2, 3, 4, 5),
     grouped as (
       select checkpoint_id, min((run_id, iteration, role, step)::text) as first,
              json_agg(json_strip_nulls(json_build_object('runId', run_id, 'role', role, 'iteration', iteration, 'step', step,
                                                          'superseded', superseded))
                       order by run_id, iteration, role, step) as places
       from places where $1::text is null or run_id = $1 group by checkpoint_id),
     newest as (
       select checkpoint_id, json_agg(json_build_object('what', what, 'policy', policy, 'createdAt', created_at)
                                      order by pruning_id) as prunings
       from (select distinct on (checkpoint_id, what) * from r_zero.checkpoint_prunings
             order by checkpoint_id, what, pruning_id desc) p group by checkpoint_id)
     select c.checkpoint_id as "checkpointId", c.bytes::float8 as bytes, c.files, c.optimizer_step as "optimizerStep",
            c.base_checkpoint_id as base, c.created_at as "createdAt", coalesce(g.places, '[]') as places, coalesce(n.prunings, '[]') as prunings
     from r_zero.checkpoints c left join grouped g using (checkpoint_id) left join newest n using (checkpoint_id)
     where $1::text is null or g.checkpoint_id is not null
     order by c.created_at, c.checkpoint_id`,
    [runId ?? null],
  );
}

/** How many rows of each table name a checkpoint, those of all takes, by checkpoint. Reads whole tables. */
export async function countReferences(pool: pg.Pool, runId?: string): Promise<Map<string, Record<string, number>>> {
  const rows = await select<{ id: string; source: string; rows: number }>(
    pool,
    `select id, source, count(*)::int as rows from (
       select run_id, base_checkpoint_id as id, 'runs' as source from r_zero.runs
       union all select run_id, checkpoint_id, 'questions' from r_zero_all.questions
       union all select run_id, checkpoint_id, 'answers' from r_zero_all.answers
       union all select run_id, checkpoint_id, 'rollouts' from r_zero_all.rollouts
       union all select run_id, checkpoint_id, 'evaluations' from r_zero_all.evaluations
       union all select u.run_id, c.id, 'policy_updates' from r_zero_all.policy_updates u
         cross join lateral (select distinct unnest(array[checkpoint_before, checkpoint_after, reference_checkpoint]) as id) c
     ) named where $1::text is null or run_id = $1 group by id, source order by id, source`,
    [runId ?? null],
  );
  const counts = new Map<string, Record<string, number>>();
  for (const { id, source, rows: count } of rows) counts.set(id, { ...counts.get(id), [source]: count });
  return counts;
}

export interface UpdateRef {
  role: Role;
  iteration: number;
  step: number;
  before: string;
  after: string;
  reference: string;
}

/** The training steps of a run in order. */
export function readUpdates(pool: pg.Pool, runId: string): Promise<UpdateRef[]> {
  return select<UpdateRef>(
    pool,
    `select role, iteration, unit as step, checkpoint_before as before, checkpoint_after as after,
            reference_checkpoint as reference
     from r_zero.policy_updates where run_id = $1 order by iteration, role, unit`,
    [runId],
  );
}

/** Checkpoints of steps that a later take of the run has done, or is to do, again. */
export async function readSuperseded(pool: pg.Pool, runId: string): Promise<string[]> {
  const rows = await select<{ id: string }>(
    pool,
    `select distinct checkpoint_after as id from r_zero_all.policy_updates where run_id = $1 and superseded_by is not null`,
    [runId],
  );
  return rows.map(({ id }) => id);
}

/** Of these checkpoints, those that rows of other runs name. Everything that a run samples from is its base or an update's. */
export async function usedByOthers(
  connection: pg.Pool | pg.PoolClient,
  runId: string,
  checkpointIds: readonly string[],
): Promise<Set<string>> {
  const rows = await select<{ id: string }>(
    connection,
    `select distinct id from (
       select base_checkpoint_id as id from r_zero.runs where run_id <> $1
       union all
       select unnest(array[checkpoint_before, checkpoint_after, reference_checkpoint]) from r_zero.policy_updates
       where run_id <> $1) used
     where id = any($2)`,
    [runId, checkpointIds],
  );
  return new Set(rows.map(({ id }) => id));
}

/** Of these checkpoints, those that adapters lie on. */
export async function carryingAdapters(
  connection: pg.Pool | pg.PoolClient,
  checkpointIds: readonly string[],
): Promise<Set<string>> {
  const rows = await select<{ id: string }>(
    connection,
    'select distinct base_checkpoint_id as id from r_zero.checkpoints where base_checkpoint_id = any($1)',
    [checkpointIds],
  );
  return new Set(rows.map(({ id }) => id));
}

/** Of these ids, in their order, those that no row has. */
export async function withoutRows(pool: pg.Pool, checkpointIds: readonly string[]): Promise<string[]> {
  const rows = await select<{ id: string }>(
    pool,
    `select id from unnest($1::text[]) with ordinality as given (id, n)
     where not exists (select from r_zero.checkpoints where checkpoint_id = id) order by n`,
    [checkpointIds],
  );
  return rows.map(({ id }) => id);
}

export interface NewPruning {
  checkpointId: string;
  what: PrunedPart;
  runId: string;
  policy: string;
  bytes: number;
  codeVersion: string;
}

export async function insertPruning(pool: pg.Pool, row: NewPruning): Promise<void> {
  await transaction(pool, (client) => insertRows(client, checkpointPrunings, [row]));
}

/**
 * Keeps rows that would name the checkpoint waiting while `work` deletes its files: a run that is about to take it for its own, or
 * adapters that are to lie on it, either are seen here, or see the files gone.
 *
 * @returns false when another run uses it by now, or adapters do, and nothing was done
 */
export function whileUnused(
  pool: pg.Pool,
  runId: string,
  checkpointId: string,
  work: () => Promise<void>,
): Promise<boolean> {
  return transaction(pool, async (client) => {
    await client.query('select from r_zero.checkpoints where checkpoint_id = $1 for update', [checkpointId]);
    if ((await usedByOthers(client, runId, [checkpointId])).size > 0) return false;
    if ((await carryingAdapters(client, [checkpointId])).size > 0) return false;
    await work();
    return true;
  });
}
