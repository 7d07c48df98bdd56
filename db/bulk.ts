import { getTableColumns } from 'drizzle-orm';
import { getTableConfig } from 'drizzle-orm/pg-core';
import type { PgTable } from 'drizzle-orm/pg-core';
import type pg from 'pg';

/** Size of the JSON a statement carries, about: large enough to amortise the round trip, small enough for one message. */
const CHUNK_CHARACTERS = 4_000_000;

export interface InsertOptions {
  /** SQL column names to return for the rows that were inserted. */
  returning?: readonly string[];
  /**
   * `ignore` leaves existing rows (by any unique key) alone. Within a finished unit a conflict means that something was
   * numbered twice, and dropping it silently would lose data: there it fails. @default 'fail'
   */
  onConflict?: 'fail' | 'ignore';
}

/**
 * Inserts rows in bulk, one parameter a chunk (`json_to_recordset`), so that neither the number of rows nor array columns
 * matter.
 *
 * @param rows keyed by the table's TypeScript names, all with the same keys.
 */
export async function insertRows<T extends PgTable>(
  client: pg.PoolClient,
  table: T,
  rows: readonly T['$inferInsert'][],
  { returning = [], onConflict = 'fail' }: InsertOptions = {},
): Promise<Record<string, unknown>[]> {
  const first = rows[0];
  if (!first) return [];
  const columns = Object.entries(getTableColumns(table)).filter(([key]) => key in first);
  const names = columns.map(([, column]) => `"${column.name}"`).join(', ');
  const types = columns.map(([, column]) => `"${column.name}" ${column.getSQLType()}`).join(', ');
  const { schema, name } = getTableConfig(table);
  const statement =
    `insert into "${schema}"."${name}" (${names}) select ${names} from json_to_recordset($1::json) as t(${types})` +
    (onConflict === 'ignore' ? ' on conflict do nothing' : '') +
    (returning.length > 0 ? ` returning ${returning.join(', ')}` : '');
  const inserted: Record<string, unknown>[] = [];
  const flush = async (chunk: readonly string[]): Promise<void> => {
    const result = await client.query<Record<string, unknown>>(statement, [`[${chunk.join(',')}]`]);
    inserted.push(...result.rows);
  };
  let chunk: string[] = [];
  let characters = 0;
  for (const row of rows) {
    const source = row as Record<string, unknown>;
    const json = `{${columns.map(([key, column]) => `"${column.name}":${jsonOf(source[key] ?? null)}`).join(',')}}`;
    chunk.push(json);
    characters += json.length;
    if (characters < CHUNK_CHARACTERS) continue;
    await flush(chunk);
    chunk = [];
    characters = 0;
  }
  if (chunk.length > 0) await flush(chunk);
  return inserted;
}

/** Token ids and log-probabilities, hundreds of them a row, go without a function call for each. */
function jsonOf(value: unknown): string {
  const isNumbers = Array.isArray(value) && (value.length === 0 || typeof value[0] === 'number');
  return JSON.stringify(value, isNumbers ? undefined : asStorable);
}

/** Postgres text holds neither NUL nor lone surrogates; the token ids beside the text keep what the model really said. */
export function storable(text: string): string {
  return text.toWellFormed().replaceAll('\u0000', '\uFFFD');
}

function asStorable(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? storable(value) : value;
}
