/** What `r-zero export` reads: relations as a reader wants them, in an order that never changes, a page at a time. */
import { getTableColumns, getTableName } from 'drizzle-orm';
import type pg from 'pg';
import { RZeroError } from '../../activities/errors.ts';
import { asDatabaseError, select } from '../client.ts';
import { sketches } from './export-relations.ts';
import type { ExportKind, ExportTakes, Sketch } from './export-relations.ts';

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
  /** SQL of the rows; $1 is the run, $2 to $6 the limits. */
  source: string;
}

/** Where an export ends: what comes later is not of it, so that it can be continued while the run goes on. */
export interface ExportLimits {
  /** The last finished iteration. */
  iteration: number;
  recomputation: number;
  pruning: number;
  /** Judges and people say more of finished iterations. */
  audit: number;
  /** When the newest row of the whole run was written, such as a changed setting; with microseconds. */
  at: string;
  /** Of the last reset; 1 without any. */
  take: number;
}

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
export async function exportRelations(pool: pg.Pool, kind: ExportKind, takes: ExportTakes): Promise<Relation[]> {
  const comments = await readComments(pool);
  return sketches(kind, takes).map((sketch) => relationOf(sketch, comments));
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
  const rows = await select<{ name: string; description: string }>(
    pool,
    `select c.relname || '.' || a.attname as name, col_description(c.oid, a.attnum) as description
     from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
     where n.nspname in ('r_zero', 'r_zero_all') and c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped
       and col_description(c.oid, a.attnum) is not null`,
    [],
  );
  return new Map(rows.map(({ name, description }) => [name, description]));
}

export type ExportRow = Record<string, unknown>;

/**
 * The next rows after a key, at most `count`, in the order of keys.
 *
 * @param after values of the last row's key; undefined for the beginning
 */
export function exportPage(
  pool: pg.Pool,
  { source, key }: Relation,
  runId: string,
  limits: ExportLimits,
  after: readonly unknown[] | undefined,
  count: number,
): Promise<ExportRow[]> {
  const names = key.map((column) => `"${column}"`).join(', ');
  const { iteration, recomputation, pruning, audit, at } = limits;
  const values: unknown[] = [runId, iteration, recomputation, pruning, audit, at, count];
  let next = '';
  if (after) {
    next = `where (${names}) > (${after.map((_, index) => `$${values.length + 1 + index}`).join(', ')})`;
    values.push(...after);
  }
  // Every parameter is named, whichever of them the source needs.
  const bound = 'select $1::text, $2::int, $3::bigint, $4::bigint, $5::bigint, $6::timestamptz';
  return select<ExportRow>(
    pool,
    `with limits as materialized (${bound}) select * from (${source}) page ${next} order by ${names} limit $7`,
    values,
  );
}

const WRITTEN_AT = ['runs', 'run_inputs', 'run_notices', 'takes', 'experiment_runs', 'oracles']
  .map((table) => `select max(created_at) as at from r_zero.${table} where run_id = $1`)
  .concat(
    'select max(started_at) from r_zero.run_starts where run_id = $1',
    'select max(created_at) from r_zero_all.alarms where run_id = $1 and iteration <= $2',
  )
  .join(' union all ');

/**
 * What there is of the run now: of the same rows always the same.
 *
 * @param iteration the last finished one
 */
export async function currentLimits(pool: pg.Pool, runId: string, iteration: number): Promise<ExportLimits> {
  const rows = await select<{ recomputation: string; pruning: string; audit: string; at: string; take: number }>(
    pool,
    `select (select coalesce(max(recomputation_id), 0) from r_zero.recomputations where run_id = $1) as recomputation,
            (select coalesce(max(pruning_id), 0) from r_zero.checkpoint_prunings where run_id = $1) as pruning,
            (select coalesce(max(audit_id), 0) from r_zero_all.audits where run_id = $1 and iteration <= $2) as audit,
            ${expression(`(select max(at) from (${WRITTEN_AT}) t)`, 'timestamp')} as at,
            (select coalesce(max(take), 1) from r_zero.takes where run_id = $1) as take`,
    [runId, iteration],
  );
  const { recomputation, pruning, audit, ...rest } = rows[0]!;
  return { iteration, recomputation: Number(recomputation), pruning: Number(pruning), audit: Number(audit), ...rest };
}

export interface ResetSince {
  take: number;
  iteration: number;
  phase: string;
}

/** The first reset after an export began that reached its iterations: what it holds of them is superseded. */
export async function resetSince(
  pool: pg.Pool,
  runId: string,
  { take, iteration }: ExportLimits,
): Promise<ResetSince | undefined> {
  const [reset] = await select<ResetSince>(
    pool,
    `select take, iteration, phase from r_zero.takes where run_id = $1 and take > $2 and iteration <= $3
     order by take limit 1`,
    [runId, take, iteration],
  );
  return reset;
}

/**
 * Runs `work` as the only export to a folder. The lock is the connection's, so that nothing is left of it when the process is killed.
 *
 * @param folder absolute
 * @throws RZeroError `StackBusy`
 */
export async function asOnlyExport<T>(pool: pg.Pool, folder: string, work: () => Promise<T>): Promise<T> {
  const client = await pool.connect().catch((error: unknown) => {
    throw asDatabaseError(error);
  });
  try {
    const [lock] = await select<{ held: boolean }>(
      client,
      `select pg_try_advisory_lock(hashtextextended('r-zero export ' || $1, 0)) as held`,
      [folder],
    );
    if (lock?.held) {
      try {
        return await work();
      } finally {
        await client.query(`select pg_advisory_unlock_all()`).catch(() => undefined);
      }
    }
    throw new RZeroError('StackBusy', `Another export is writing to ${folder}.`, {
      field: 'output',
      fix: 'Wait until it has ended, or choose another folder with --output.',
    });
  } finally {
    client.release(true);
  }
}
