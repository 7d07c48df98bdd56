/** Rows as a Parquet file, a row group a page. */
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import type { ColumnType, ExportColumn } from '../../db/queries/export.ts';
import type { ShardWriter } from './shard.ts';

type Schema = ConstructorParameters<typeof ParquetWriter>[0]['schema'];
type SchemaElement = Schema[number];

/** @param sink takes the bytes in their order */
export function parquetShard(
  columns: readonly ExportColumn[],
  createdBy: string,
  sink: (bytes: Uint8Array) => Promise<void>,
): ShardWriter {
  const bytes = new ByteWriter();
  const drain = (): Promise<void> => {
    const chunk = new Uint8Array(bytes.buffer, 0, bytes.index).slice();
    bytes.index = 0;
    return chunk.length > 0 ? sink(chunk) : Promise.resolve();
  };
  const draining = Object.assign(bytes, { flush: drain, finish: drain });
  const writer = new ParquetWriter({ writer: draining, schema: schemaOf(columns), createdBy });
  return {
    write: async (rows) => {
      const columnData = columns.map(({ name, type }) => ({ name, data: rows.map((row) => valueOf(type, row[name])) }));
      await writer.write({ columnData, rowGroupSize: Math.max(1, rows.length) });
    },
    end: async () => {
      await writer.finish();
    },
  };
}

function schemaOf(columns: readonly ExportColumn[]): Schema {
  return [{ name: 'root', num_children: columns.length }, ...columns.flatMap(elementsOf)];
}

const ELEMENTS: Readonly<Record<Exclude<ColumnType, 'int32[]' | 'float32[]'>, Omit<SchemaElement, 'name'>>> = {
  string: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  json: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  int32: { type: 'INT32' },
  int64: { type: 'INT64' },
  float64: { type: 'DOUBLE' },
  boolean: { type: 'BOOLEAN' },
  timestamp: { type: 'INT64', converted_type: 'TIMESTAMP_MICROS' },
};

function elementsOf({ name, type, nullable }: ExportColumn): SchemaElement[] {
  const repetition = { repetition_type: nullable ? ('OPTIONAL' as const) : ('REQUIRED' as const) };
  if (type !== 'int32[]' && type !== 'float32[]') return [{ name, ...ELEMENTS[type], ...repetition }];
  const item = type === 'int32[]' ? ('INT32' as const) : ('FLOAT' as const);
  return [
    { name, ...repetition, num_children: 1, converted_type: 'LIST' },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    { name: 'element', repetition_type: 'REQUIRED', type: item },
  ];
}

function valueOf(type: ColumnType, value: unknown): unknown {
  if (value === null || value === undefined) return null;
  if (type === 'int64') return BigInt(value as string | number);
  if (type === 'json') return JSON.stringify(value);
  if (type === 'timestamp') return microseconds(value as string);
  return value;
}

/** `2026-01-31T12:00:00.123456Z` as microseconds since 1970. */
function microseconds(text: string): bigint {
  return BigInt(Date.parse(`${text.slice(0, 19)}Z`)) * 1000n + BigInt(text.slice(20, 26));
}
