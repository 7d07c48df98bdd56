/** Rows of a published file: JSON lines, one JSON list, or Parquet, told apart by what is in them. */
import { readFile, stat } from 'node:fs/promises';
import { parquetMetadata, parquetReadObjects, parquetSchema } from 'hyparquet';
import type { SchemaTree } from 'hyparquet';

/** Far above any of the sets; what is larger is another kind of file. */
const MOST_BYTES = 512 * 2 ** 20;
const MOST_ROWS = 1_000_000;

export interface LocatedRow {
  /** `file:line`, or `file, row n` where a row is no line. */
  where: string;
  value: unknown;
}

/**
 * @param refuse makes the error, given where it is and what is wrong there
 * @throws what `refuse` makes, also for a file that cannot be read
 */
export async function readRows(path: string, refuse: (where: string, reason: string) => Error): Promise<LocatedRow[]> {
  let bytes: Buffer;
  try {
    const { size } = await stat(path);
    if (size > MOST_BYTES) throw new Error(`is larger than ${MOST_BYTES / 2 ** 20} MiB`);
    bytes = await readFile(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? 'there is no such file' : (code ?? message);
    throw refuse(path, reason);
  }
  if (bytes.subarray(0, 4).toString('latin1') === 'PAR1') return parquetRows(bytes, path, refuse);
  const text = bytes.toString('utf8');
  return text.trimStart().startsWith('[') ? listRows(text, path, refuse) : lineRows(text, path, refuse);
}

type Refuse = (where: string, reason: string) => Error;

async function parquetRows(bytes: Buffer, path: string, refuse: Refuse): Promise<LocatedRow[]> {
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  try {
    return (await readParquet(file)).map((value, index) => ({ where: `${path}, row ${index + 1}`, value }));
  } catch (error) {
    throw refuse(path, `no Parquet that can be read (${(error as Error).message.split('\n')[0]})`);
  }
}

/**
 * One column of one row group after the other: the library starts all that it is asked for, and where two of them fail nobody hears the
 * second, which ends the process. Columns of structures are left out: none of the sets needs one.
 */
async function readParquet(file: ArrayBuffer): Promise<Record<string, unknown>[]> {
  const metadata = parquetMetadata(file);
  const columns = parquetSchema(metadata).children.filter((column) => leavesOf(column) === 1);
  const rows: Record<string, unknown>[] = [];
  for (const { num_rows: count } of metadata.row_groups) {
    const rowStart = rows.length;
    const rowEnd = rowStart + Number(count);
    if (!(rowEnd <= MOST_ROWS)) throw new Error(`more than ${MOST_ROWS} rows`);
    for (let row = rowStart; row < rowEnd; row += 1) rows.push({});
    for (const { element } of columns) {
      const read = { file, metadata, columns: [element.name], rowStart, rowEnd };
      const values = await parquetReadObjects(read);
      if (values.length !== rowEnd - rowStart) throw new Error(`column ${element.name} has ${values.length} rows`);
      values.forEach((value, index) => {
        rows[rowStart + index]![element.name] = value[element.name];
      });
    }
  }
  return rows;
}

const leavesOf = ({ children }: SchemaTree): number =>
  children.length === 0 ? 1 : children.reduce((sum, child) => sum + leavesOf(child), 0);

function listRows(text: string, path: string, refuse: Refuse): LocatedRow[] {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    throw refuse(path, 'begins like a JSON list and is none');
  }
  return (list as unknown[]).map((value, index) => ({ where: `${path}, row ${index + 1}`, value }));
}

function lineRows(text: string, path: string, refuse: Refuse): LocatedRow[] {
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return [];
    const where = `${path}:${index + 1}`;
    try {
      return [{ where, value: JSON.parse(line) as unknown }];
    } catch {
      throw refuse(where, 'no JSON');
    }
  });
}
