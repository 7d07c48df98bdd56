/** What `r-zero export` reads: relations as a reader wants them, in an order that never changes, a page at a time. */
import { getTableColumns, getTableName } from 'drizzle-orm';
import type { PgTable } from 'drizzle-orm/pg-core';
import type pg from 'pg';
import { asDatabaseError } from '../client.ts';
import * as schema from '../schema.ts';

/** How a value is written: in Parquet as the type of that name, in JSON as its natural form. */
export type ColumnType =
  | 'string'
  | 'int32'
  | 'int64'
  | 'float64'
  | 'boolean'
  /** Microseconds. */
  | 'timestamp'
  /** Any JSON; text in Parquet. */
  | 'json'
  | 'int32[]'
  | 'float32[]';

export interface ExportColumn {
  name: string;
  type: ColumnType;
  nullable: boolean;
  /** From the database's own comments. */
  description: string;
}

export interface Relation {
  name: string;
  /** One sentence for the data card. */
  description: string;
  columns: readonly ExportColumn[];
  /** Columns that order the rows and tell them apart. */
  key: readonly string[];
  /** SQL of the rows; $1 is the run, $2 to $5 the limits. */
  source: string;
}

export type ExportKind = 'dataset' | 'rollouts' | 'everything';

/** Where an export ends: what comes later is not of it, so that it can be continued while the run goes on. */
export interface ExportLimits {
  /** The last finished iteration. */
  iteration: number;
  recomputation: number;
  pruning: number;
  /** Judges and people say more of finished iterations. */
  audit: number;
}

interface Sketch {
  name: string;
  description: string;
  key: string[];
  /** Tables whose columns are taken, with their alias; of equal names the first. */
  tables: [alias: string, table: PgTable][];
  /** Columns of the tables to take, all when omitted; `name: new name`. */
  columns?: Record<string, string>;
  from: string;
}

/** Rows of iterations up to the limit. */
const OF_RUN = 't.run_id = $1 and t.iteration <= $2';
/** The run's own rows, and those of the recomputations that there were. */
const KNOWN = '(t.recomputation_id is null or t.recomputation_id <= $3)';
const PLACE = ['iteration', 'phase', 'unit'];

const plain = (
  table: PgTable,
  description: string,
  key: string[],
  from = `r_zero.${getTableName(table)} t where ${OF_RUN}`,
): Sketch => ({ name: getTableName(table), description, key, tables: [['t', table]], from });

const DATASET: Sketch = {
  name: 'dataset',
  description:
    'What the Solver was trained on: the kept questions with their pseudo-labels, and the truth where an oracle knows it.',
  key: ['iteration', 'dataset_index'],
  tables: [
    ['d', schema.gateDecisions],
    ['q', schema.questions],
    ['v', schema.votes],
    ['a', schema.audits],
  ],
  columns: {
    'q.iteration': 'iteration',
    'd.dataset_index': 'dataset_index',
    'q.question_id': 'question_id',
    'q.question': 'question',
    'v.label': 'label',
    'v.p_hat': 'p_hat',
    'v.majority': 'majority',
    'v.total': 'total',
    'a.truth': 'truth',
    'a.agrees': 'label_is_true',
    'q.challenger_answer': 'challenger_answer',
    'q.checkpoint_id': 'challenger_checkpoint',
    'q.seed': 'seed',
  },
  from: `r_zero.current_gate_decisions d
    join r_zero.questions q using (question_id)
    join r_zero.current_votes v using (question_id)
    left join r_zero.current_audits a on a.question_id = d.question_id and a.oracle = 'computed'
    where d.run_id = $1 and d.iteration <= $2 and d.kept`,
};

const ROLLOUTS: Sketch = {
  name: 'rollouts',
  description: 'What the Solver answered in training, with the rewards and log-probabilities that it was trained with.',
  key: ['iteration', 'step', 'item', 'sample'],
  tables: [
    ['t', schema.rollouts],
    ['q', schema.questions],
    ['w', schema.rewards],
  ],
  columns: {
    't.iteration': 'iteration',
    't.unit': 'step',
    't.item': 'item',
    't.sample': 'sample',
    't.rollout_id': 'rollout_id',
    't.question_id': 'question_id',
    'q.question': 'question',
    't.label': 'label',
    't.completion': 'completion',
    't.extracted': 'extracted',
    'w.total': 'reward',
    'w.accuracy': 'accuracy',
    'w.format': 'format',
    'w.advantage': 'advantage',
    't.finish_reason': 'finish_reason',
    't.tokens': 'tokens',
    't.logprobs': 'logprobs',
    't.checkpoint_id': 'checkpoint_id',
    't.seed': 'seed',
  },
  from: `r_zero.rollouts t join r_zero.questions q using (question_id)
    join r_zero.rewards w on w.rollout_id = t.rollout_id and w.recomputation_id is null
      and not exists (select from r_zero.rewards n where n.rollout_id = w.rollout_id and n.version > w.version
                      and n.recomputation_id is null)
    where ${OF_RUN}`,
};

const EVERYTHING: readonly Sketch[] = [
  plain(schema.runs, 'The run: its settings, base model and prompts.', ['run_id'], 'r_zero.runs t where t.run_id = $1'),
  plain(schema.phases, 'The plan: how many units each phase of an iteration has.', ['iteration', 'phase']),
  plain(schema.units, 'A finished shard or step: the unit of loss.', PLACE),
  plain(schema.attempts, 'A start of work on a unit, finished or not.', [...PLACE, 'attempt_id']),
  plain(
    schema.checkpoints,
    'A model on disk, named by its content.',
    ['checkpoint_id'],
    `r_zero.checkpoints t where t.checkpoint_id in (
       select base_checkpoint_id from r_zero.runs where run_id = $1
       union select checkpoint_after from r_zero.policy_updates where run_id = $1 and iteration <= $2)`,
  ),
  plain(
    schema.checkpointPrunings,
    'Files of a checkpoint that were deleted on purpose.',
    ['pruning_id'],
    'r_zero.checkpoint_prunings t where t.run_id = $1 and t.pruning_id <= $4',
  ),
  plain(schema.questions, 'What the Challenger wrote, valid or not.', [...PLACE, 'item']),
  plain(schema.answers, 'One sampled Solver completion.', [...PLACE, 'question_id', 'sample']),
  {
    ...plain(schema.votes, 'The majority of a question’s answers.', [...PLACE, 'item', 'version']),
    tables: [
      ['q', schema.questions],
      ['t', schema.votes],
    ],
    columns: {
      'q.iteration': 'iteration',
      'q.phase': 'phase',
      'q.unit': 'unit',
      'q.item': 'item',
      ...Object.fromEntries(
        Object.values(getTableColumns(schema.votes)).map((column) => [`t.${column.name}`, column.name]),
      ),
    },
    from: `r_zero.questions q join r_zero.votes t using (question_id)
      where q.run_id = $1 and q.iteration <= $2 and ${KNOWN}`,
  },
  plain(
    schema.gateDecisions,
    'Kept for training or not, and why.',
    ['iteration', 'question_id', 'version'],
    `r_zero.gate_decisions t where ${OF_RUN} and ${KNOWN}`,
  ),
  plain(schema.rollouts, 'A Solver completion in training.', [...PLACE, 'item', 'sample']),
  plain(
    schema.rewards,
    'What a question or a rollout earned, with all components.',
    [...PLACE, 'reward_id'],
    `r_zero.rewards t where ${OF_RUN} and ${KNOWN}`,
  ),
  plain(schema.policyUpdates, 'A training step: from which checkpoint to which.', PLACE),
  plain(schema.evaluations, 'The Solver on held-out questions.', ['iteration', 'set_name', 'mode']),
  {
    ...plain(schema.evaluationItems, 'Every sample of an evaluation.', [
      'iteration',
      'evaluation_id',
      'item',
      'sample',
    ]),
    tables: [
      ['t', schema.evaluationItems],
      ['e', schema.evaluations],
    ],
    columns: {
      'e.iteration': 'iteration',
      'e.mode': 'mode',
      ...Object.fromEntries(
        Object.values(getTableColumns(schema.evaluationItems)).map((column) => [`t.${column.name}`, column.name]),
      ),
    },
    from: `r_zero.evaluations e join r_zero.evaluation_items t using (evaluation_id)
      where e.run_id = $1 and e.iteration <= $2`,
  },
  plain(schema.anchors, 'A question with a known answer and its vote: it trains nothing.', [...PLACE, 'item']),
  {
    ...plain(schema.anchorAnswers, 'One sampled Solver completion for an anchor.', [...PLACE, 'item', 'sample']),
    tables: [
      ['n', schema.anchors],
      ['t', schema.anchorAnswers],
    ],
    columns: {
      'n.iteration': 'iteration',
      'n.phase': 'phase',
      'n.unit': 'unit',
      'n.item': 'item',
      ...Object.fromEntries(
        Object.values(getTableColumns(schema.anchorAnswers)).map((column) => [`t.${column.name}`, column.name]),
      ),
    },
    from: `r_zero.anchors n join r_zero.anchor_answers t using (anchor_id) where n.run_id = $1 and n.iteration <= $2`,
  },
  plain(
    schema.oracles,
    'A judge or a person who was asked about labels.',
    ['oracle_id'],
    `r_zero.oracles t where t.run_id = $1
       and exists (select from r_zero.audits a where a.oracle_id = t.oracle_id and a.iteration <= $2 and a.audit_id <= $5)`,
  ),
  plain(
    schema.audits,
    'A pseudo-label compared with an oracle.',
    ['iteration', 'audit_id'],
    `r_zero.audits t where ${OF_RUN} and t.audit_id <= $5`,
  ),
  plain(
    schema.recomputations,
    'The method applied once more to the stored texts.',
    ['version'],
    'r_zero.recomputations t where t.run_id = $1 and t.recomputation_id <= $3',
  ),
];

const SKETCHES: Readonly<Record<ExportKind, readonly Sketch[]>> = {
  dataset: [DATASET],
  rollouts: [ROLLOUTS],
  everything: EVERYTHING,
};

const TYPES: Readonly<Record<string, ColumnType>> = {
  text: 'string',
  integer: 'int32',
  smallint: 'int32',
  bigint: 'int64',
  'double precision': 'float64',
  boolean: 'boolean',
  'timestamp with time zone': 'timestamp',
  jsonb: 'json',
  'integer[]': 'int32[]',
  'real[]': 'float32[]',
};

/** The relations of an export, with the comments of this database as descriptions. */
export async function exportRelations(pool: pg.Pool, kind: ExportKind): Promise<Relation[]> {
  const comments = await readComments(pool);
  return SKETCHES[kind].map((sketch) => relationOf(sketch, comments));
}

function relationOf(sketch: Sketch, comments: ReadonlyMap<string, string>): Relation {
  const all = sketch.tables.flatMap(([alias, table]) =>
    Object.values(getTableColumns(table)).map((column) => ({ alias, table, column })),
  );
  const wanted =
    sketch.columns ?? Object.fromEntries(all.map(({ alias, column }) => [`${alias}.${column.name}`, column.name]));
  const taken = Object.entries(wanted).map(([source, name]) => {
    const found = all.find(({ alias, column }) => `${alias}.${column.name}` === source);
    const type = TYPES[found?.column.getSQLType() ?? ''];
    if (!found || !type) throw new Error(`${sketch.name}: no export type for ${source}`);
    const isOptional = sketch.name === 'dataset' && (found.alias === 'a' || source === 'v.label');
    const description = comments.get(`${getTableName(found.table)}.${found.column.name}`) ?? '';
    return { source, name, type, nullable: !found.column.notNull || isOptional, description };
  });
  const list = taken.map(({ source, name, type }) => `${expression(source, type)} as "${name}"`).join(', ');
  return {
    name: sketch.name,
    description: sketch.description,
    columns: taken.map(({ name, type, nullable, description }) => ({ name, type, nullable, description })),
    key: sketch.key,
    source: `select ${list} from ${sketch.from}`,
  };
}

/** Instants as text: the driver's dates have milliseconds only. */
function expression(source: string, type: ColumnType): string {
  return type === 'timestamp' ? `to_char(${source} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')` : source;
}

async function readComments(pool: pg.Pool): Promise<Map<string, string>> {
  try {
    const { rows } = await pool.query<{ name: string; description: string }>(
      `select c.relname || '.' || a.attname as name, col_description(c.oid, a.attnum) as description
       from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
       where n.nspname = 'r_zero' and c.relkind in ('r', 'p', 'v') and a.attnum > 0 and not a.attisdropped
         and col_description(c.oid, a.attnum) is not null`,
    );
    return new Map(rows.map(({ name, description }) => [name, description]));
  } catch (error) {
    throw asDatabaseError(error);
  }
}

export type ExportRow = Record<string, unknown>;

/**
 * The next rows after a key, at most `count`, in the order of keys.
 *
 * @param after values of the last row's key; undefined for the beginning
 */
export async function exportPage(
  pool: pg.Pool,
  { source, key }: Relation,
  runId: string,
  limits: ExportLimits,
  after: readonly unknown[] | undefined,
  count: number,
): Promise<ExportRow[]> {
  const names = key.map((column) => `"${column}"`).join(', ');
  const values: unknown[] = [runId, limits.iteration, limits.recomputation, limits.pruning, limits.audit, count];
  let next = '';
  if (after) {
    next = `where (${names}) > (${after.map((_, index) => `$${values.length + 1 + index}`).join(', ')})`;
    values.push(...after);
  }
  // Every parameter is named, whichever of them the source needs.
  const bound = 'select $1::text, $2::int, $3::bigint, $4::bigint, $5::bigint';
  try {
    const { rows } = await pool.query<ExportRow>(
      `with limits as materialized (${bound}) select * from (${source}) page ${next} order by ${names} limit $6`,
      values,
    );
    return rows;
  } catch (error) {
    throw asDatabaseError(error);
  }
}

/** Recomputations, prunings and audits that there are now. */
export async function currentLimits(pool: pg.Pool): Promise<Omit<ExportLimits, 'iteration'>> {
  try {
    const { rows } = await pool.query<{ recomputation: string; pruning: string; audit: string }>(
      `select (select coalesce(max(recomputation_id), 0) from r_zero.recomputations) as recomputation,
              (select coalesce(max(pruning_id), 0) from r_zero.checkpoint_prunings) as pruning,
              (select coalesce(max(audit_id), 0) from r_zero.audits) as audit`,
    );
    const { recomputation, pruning, audit } = rows[0]!;
    return { recomputation: Number(recomputation), pruning: Number(pruning), audit: Number(audit) };
  } catch (error) {
    throw asDatabaseError(error);
  }
}
