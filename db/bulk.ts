import { getTableColumns, getTableName } from 'drizzle-orm';
import type { PgTable } from 'drizzle-orm/pg-core';
import type pg from 'pg';

/** Rows a statement carries: large enough to amortise the round trip, small enough to keep one message below some MB. */
const CHUNK = 2000;

/**
 * Inserts rows in bulk, one parameter a chunk (`json_to_recordset`), so that neither the number of rows nor array columns
 * matter. Existing rows (by any unique key) are left alone: a retried activity writes nothing twice.
 *
 * @param rows keyed by the table's TypeScript names; missing keys become null.
 * @param returning SQL column names to return for the rows that were inserted.
 */
export async function insertRows<T extends PgTable>(
  client: pg.PoolClient,
  table: T,
  rows: readonly T['$inferInsert'][],
  returning: readonly string[] = [],
): Promise<Record<string, unknown>[]> {
  const first = rows[0];
  if (!first) return [];
  const columns = Object.entries(getTableColumns(table)).filter(([key]) => key in first);
  const names = columns.map(([, column]) => `"${column.name}"`).join(', ');
  const types = columns.map(([, column]) => `"${column.name}" ${column.getSQLType()}`).join(', ');
  const statement =
    `insert into "r_zero"."${getTableName(table)}" (${names}) select ${names} from json_to_recordset($1::json) as t(${types}) ` +
    `on conflict do nothing${returning.length > 0 ? ` returning ${returning.join(', ')}` : ''}`;
  const inserted: Record<string, unknown>[] = [];
  for (let start = 0; start < rows.length; start += CHUNK) {
    const chunk = rows.slice(start, start + CHUNK).map((row) => {
      const source = row as Record<string, unknown>;
      return Object.fromEntries(columns.map(([key, column]) => [column.name, source[key] ?? null]));
    });
    const result = await client.query<Record<string, unknown>>(statement, [JSON.stringify(chunk, storable)]);
    inserted.push(...result.rows);
  }
  return inserted;
}

/** Postgres text holds neither NUL nor lone surrogates; the token ids beside the text keep what the model really said. */
function storable(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? value.toWellFormed().replaceAll('\u0000', '\uFFFD') : value;
}
