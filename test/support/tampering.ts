/** Alters rows as somebody would who owns the server and has switched its own checks off, and puts them back. */
import type pg from 'pg';

/** Runs statements without triggers and foreign keys. */
export async function withoutChecks<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query('set session_replication_role = replica');
    return await work(client);
  } finally {
    client.release(true);
  }
}

export interface Tampering {
  table: string;
  /** Key columns, as SQL. */
  key: string[];
  /** Condition on the rows to choose from. @default all */
  where?: string;
  /** What is done with one of them: an assignment, or `delete`. */
  change: string;
}

type Row = Record<string, string>;

let copies = 0;

/**
 * Alters one row, and puts it back when `work` is done.
 *
 * @param used rows to leave alone; the chosen one is added
 * @param work given the key of the row as numbers and text
 */
export async function tampered<T>(
  pool: pg.Pool,
  { table, key, where = 'true', change }: Tampering,
  work: (row: Record<string, string | number>) => Promise<T>,
  used = new Set<string>(),
): Promise<T> {
  const names = key.join(', ');
  const copy = `untampered_${copies++}`;
  // What lies behind a view of current rows.
  const { rows: homes } = await pool.query<{ schema: string }>(
    `select case when to_regclass('r_zero_all.' || $1) is null then 'r_zero' else 'r_zero_all' end as schema`,
    [table],
  );
  const home = `${homes[0]!.schema}.${table}`;
  const chosen = await pool.query<Row>(
    `select ${key.map((column) => `${column}::text`).join(', ')} from r_zero.${table} t where ${where}
     order by md5(concat(${names})), ${names} limit 100`,
  );
  const row = chosen.rows.find((each) => !used.has(`${table} ${JSON.stringify(each)}`));
  if (!row) throw new Error(`No row of ${table} where ${where}.`);
  used.add(`${table} ${JSON.stringify(row)}`);
  const isRow = key.map((column, index) => `t.${column}::text = $${index + 1}`).join(' and ');
  const values = key.map((column) => row[column]);
  const columns = await pool.query<{ list: string }>(
    `select string_agg(quote_ident(column_name), ', ') as list from information_schema.columns
     where format('%I.%I', table_schema, table_name) = $1 and is_generated = 'NEVER'`,
    [home],
  );
  const list = columns.rows[0]!.list;
  await withoutChecks(pool, async (client) => {
    await client.query(`create table public.${copy} as select ${list} from ${home} limit 0`);
    await client.query(`insert into public.${copy} select ${list} from ${home} t where ${isRow}`, values);
    const statement = change === 'delete' ? `delete from ${home} t` : `update ${home} t set ${change}`;
    const { rowCount } = await client.query(`${statement} where ${isRow}`, values);
    if (rowCount !== 1) throw new Error(`${rowCount} rows of ${table} were altered.`);
  });
  try {
    return await work(Object.fromEntries(key.map((column) => [column, asNumber(row[column]!)])));
  } finally {
    await withoutChecks(pool, async (client) => {
      const keys = key.map((column) => `t.${column} = u.${column}`).join(' and ');
      await client.query(`delete from ${home} t using public.${copy} u where ${keys}`);
      await client.query(`insert into ${home} (${list}) overriding system value select ${list} from public.${copy}`);
      await client.query(`drop table public.${copy}`);
    });
  }
}

const asNumber = (text: string): string | number => (/^\d{1,15}$/.test(text) ? Number(text) : text);
