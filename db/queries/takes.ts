/** Resets: marks what a run did from some point on as superseded, so that it is done again in its next take. */
import type pg from 'pg';
import type { Phase } from '../../activities/contract.ts';
import { asDatabaseError } from '../client.ts';
import { insertRows } from '../bulk.ts';
import { takes } from '../schema.ts';

/** The take that a run writes new phases in: 1 until it is reset. */
export async function newestTake(connection: pg.Pool | pg.PoolClient, runId: string): Promise<number> {
  const { rows } = await connection.query<{ take: number }>(
    'select coalesce(max(take), 1) as take from r_zero.takes where run_id = $1',
    [runId],
  );
  return rows[0]!.take;
}

export interface NewTake {
  runId: string;
  iteration: number;
  /** The phases of that iteration that are done again. */
  phases: readonly Phase[];
  reason: string | undefined;
  requestedBy: string;
  inputVersion: number;
  codeVersion: string;
}

export interface Take {
  take: number;
  /** Rows that were marked, by table; those without any are left out. */
  superseded: Record<string, number>;
}

/** Rows that are placed by run, iteration and phase. Parents last: what a row refers to is current as long as it is. */
const PLACED = [
  'alarms',
  'audits',
  'evaluation_comparisons',
  'evaluations',
  'policy_updates',
  'rewards',
  'rollouts',
  'gate_decisions',
  'answers',
  'anchors',
  'questions',
  'units',
  'phases',
] as const;

const FROM_HERE = `t.run_id = $1 and (t.iteration > $2 or t.iteration = $2 and t.phase = any($3))`;

/** Statements by table; $1 to $3 are run, iteration and phases, $4 the new take. */
const MARKS: readonly (readonly [table: string, statement: string])[] = [
  [
    'evaluation_items',
    `update r_zero_all.evaluation_items i set superseded_by = $4 from r_zero_all.evaluations t
     where i.evaluation_id = t.evaluation_id and i.superseded_by is null and ${FROM_HERE}`,
  ],
  [
    'anchor_answers',
    `update r_zero_all.anchor_answers i set superseded_by = $4 from r_zero_all.anchors t
     where i.anchor_id = t.anchor_id and i.superseded_by is null and ${FROM_HERE}`,
  ],
  // A vote is of the unit of its answers. A recomputation's counts them again, also where there are none.
  [
    'votes',
    `update r_zero_all.votes v set superseded_by = $4
     from (select question_id, run_id, iteration, case phase when 'dataset_generation' then 'labelling' else phase end as phase
           from r_zero_all.questions) t
     where v.question_id = t.question_id and v.superseded_by is null and ${FROM_HERE}`,
  ],
  ...PLACED.map(
    (table) =>
      [
        table,
        `update r_zero_all.${table} t set superseded_by = $4 where t.superseded_by is null and ${FROM_HERE}`,
      ] as const,
  ),
];

/**
 * The newest take, when it was begun at this place and nothing has been done in it: asked again, as an activity is whose answer was
 * lost, a reset begins no other.
 */
async function untouchedTake(client: pg.PoolClient, take: NewTake): Promise<Take | undefined> {
  const { rows } = await client.query<Take>(
    `select take, superseded from r_zero.takes t
     where run_id = $1 and iteration = $2 and phase = $3 and input_version = $4
       and take = (select max(take) from r_zero.takes where run_id = $1)
       and not exists (select from r_zero.attempts a where a.run_id = $1 and a.take = t.take)`,
    [take.runId, take.iteration, take.phases[0], take.inputVersion],
  );
  return rows[0];
}

/** Inside a transaction in which nobody else may write rows of the run: it holds the lock on the run's lease. */
export async function insertTake(client: pg.PoolClient, take: NewTake): Promise<Take> {
  const untouched = await untouchedTake(client, take);
  if (untouched) return untouched;
  const { runId, iteration, phases } = take;
  const number = (await newestTake(client, runId)) + 1;
  const superseded: Record<string, number> = {};
  for (const [table, statement] of MARKS) {
    const { rowCount } = await client.query(statement, [runId, iteration, phases, number]);
    if (rowCount) superseded[table] = rowCount;
  }
  await insertRows(client, takes, [
    {
      runId,
      take: number,
      iteration,
      phase: phases[0]!,
      reason: take.reason ?? null,
      requestedBy: take.requestedBy,
      inputVersion: take.inputVersion,
      superseded,
      codeVersion: take.codeVersion,
    },
  ]);
  return { take: number, superseded };
}

export type TakeRow = typeof takes.$inferSelect;

/** Oldest first. */
export async function readTakes(pool: pg.Pool, runId: string): Promise<TakeRow[]> {
  try {
    const { rows } = await pool.query<TakeRow>(
      `select run_id as "runId", take, iteration, phase, reason, requested_by as "requestedBy", input_version as "inputVersion",
              superseded, code_version as "codeVersion", created_at as "createdAt"
       from r_zero.takes where run_id = $1 order by take`,
      [runId],
    );
    return rows;
  } catch (error) {
    throw asDatabaseError(error);
  }
}
