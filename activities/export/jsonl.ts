/** Rows as lines of JSON. */
import type { ExportColumn, ExportRow } from '../../db/queries/export.ts';
import type { ShardWriter } from './shard.ts';

export function jsonlShard(columns: readonly ExportColumn[], sink: (bytes: Uint8Array) => Promise<void>): ShardWriter {
  const numbers = columns.filter(({ type }) => type === 'int64').map(({ name }) => name);
  const asLine = (row: ExportRow): string => {
    const record: ExportRow = { ...row };
    // The driver gives them as text; none is above 2^53.
    for (const name of numbers) if (typeof record[name] === 'string') record[name] = Number(record[name]);
    return `${JSON.stringify(record)}\n`;
  };
  return {
    write: (rows) => sink(Buffer.from(rows.map(asLine).join(''), 'utf8')),
    end: () => Promise.resolve(),
  };
}
