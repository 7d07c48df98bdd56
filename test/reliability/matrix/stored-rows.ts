/** The rows of one run beside those of another: which are lost, which are there twice, and which say something else. */
import type pg from 'pg';
import { fingerprint } from '../../support/fingerprint.ts';

export type StoredRows = Record<string, Record<string, unknown>[]>;

/** What names a row within a run. */
const KEYS = ['role', 'mode', 'iteration', 'phase', 'unit', 'item', 'sample'];

export async function readRows(pool: pg.Pool, runId: string): Promise<StoredRows> {
  const rows = (await fingerprint(pool, runId)) as StoredRows;
  const units = await pool.query<Record<string, unknown>>(
    'select iteration, phase, unit from r_zero.units where run_id = $1 order by iteration, phase, unit',
    [runId],
  );
  return { ...rows, units: units.rows };
}

export interface Difference {
  lost: number;
  duplicated: number;
  /** `table: key` of the rows that say something else. */
  unequal: string[];
}

export function compareRows(expected: StoredRows, actual: StoredRows): Difference {
  const difference: Difference = { lost: 0, duplicated: 0, unequal: [] };
  for (const [table, rows] of Object.entries(expected)) {
    const left = new Map(rows.map((row) => [keyOf(row), JSON.stringify(row)]));
    if (left.size !== rows.length) throw new Error(`Rows of ${table} are not named by ${KEYS.join(', ')}.`);
    for (const row of actual[table] ?? []) {
      const key = keyOf(row);
      const wanted = left.get(key);
      left.delete(key);
      if (wanted === undefined) difference.duplicated += 1;
      else if (wanted !== JSON.stringify(row)) difference.unequal.push(`${table}: ${key}`);
    }
    difference.lost += left.size;
  }
  return difference;
}

const keyOf = (row: Record<string, unknown>): string => JSON.stringify(KEYS.map((key) => row[key] ?? null));
