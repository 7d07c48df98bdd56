/** `r-zero sql`: a prompt, one query, or the connection string. */
import { spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type pg from 'pg';
import { asDatabaseError } from '../../db/client.ts';
import { connectionString } from '../dev-stack/index.ts';
import { withDatabase } from './database-access.ts';
import { databaseAnswers } from './endpoints.ts';
import { stackReporter } from './stack-session.ts';
import { plainTable } from './tables.ts';
import { printable } from './terminal.ts';
import type { Terminal } from './terminal.ts';

export interface SqlOptions {
  dataDir: string;
  json: boolean;
  /** Print the connection string, password included, instead of opening a prompt. */
  print: boolean;
}

/** @returns exit code: that of `psql` when it ran */
export async function sql(options: SqlOptions, query: string | undefined, terminal: Terminal): Promise<number> {
  const { dataDir } = options;
  const psql = options.print || query !== undefined ? undefined : findProgram('psql');
  if (query === undefined && psql === undefined) {
    await printConnection(options, terminal);
    return 0;
  }
  // Whatever is told about a server that has to be started first must not mix with the rows.
  const onEvent = query === undefined ? stackReporter(terminal) : () => undefined;
  return await withDatabase({ dataDir, onEvent }, async ({ url, pool }) => {
    if (psql !== undefined) return await openPsql(psql, url);
    await runQuery(pool, query ?? '', options.json, terminal);
    return 0;
  });
}

/** Nothing is started for this: the server would be gone before anyone could connect. */
async function printConnection({ dataDir, print }: SqlOptions, terminal: Terminal): Promise<void> {
  const url = connectionString(dataDir);
  if (!print) terminal.note('psql is not on the PATH; any Postgres client can connect with:');
  terminal.out(url);
  if (!print)
    terminal.note('Tables and views are in the schema r_zero. A query without a client: npx r-zero sql "select ..."');
  if (await databaseAnswers(dataDir)) return;
  process.stderr.write(
    `${terminal.style('yellow', 'note')}: Postgres does not run now; start it with: npx r-zero up\n`,
  );
}

async function runQuery(pool: pg.Pool, query: string, json: boolean, terminal: Terminal): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query('set search_path to r_zero, public');
    const answer = (await client.query({ text: query, rowMode: 'array' })) as unknown as Answer | Answer[];
    const results = Array.isArray(answer) ? answer : [answer];
    for (const result of results) terminal.out(json ? JSON.stringify(asObjects(result)) : renderRows(result));
  } catch (error) {
    throw asDatabaseError(error);
  } finally {
    client.release(true);
  }
}

export interface Answer {
  command: string;
  rowCount: number | null;
  fields: { name: string }[];
  rows: unknown[][];
}

function asObjects({ fields, rows }: Answer): Record<string, unknown>[] {
  return rows.map((row) => Object.fromEntries(fields.map(({ name }, column) => [name, row[column]])));
}

const WIDEST_CELL = 60;

/** Rows as a table. Text of a model is data: control characters are shown as escapes, long values are cut. */
export function renderRows({ command, rowCount, fields, rows }: Answer): string {
  if (fields.length === 0) return `${command} ${rowCount ?? ''}`.trim();
  const table = plainTable(
    fields.map(({ name }) => printable(name)),
    rows.map((row) => row.map(cell)),
    fields.length,
  );
  return `${table}\n(${rows.length} ${rows.length === 1 ? 'row' : 'rows'})`;
}

function cell(value: unknown): string {
  const safe = printable(plainText(value));
  return safe.length > WIDEST_CELL ? `${safe.slice(0, WIDEST_CELL - 1)}…` : safe;
}

function plainText(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : String(Number(value.toFixed(4)));
  return JSON.stringify(value);
}

/** The password goes through the environment: arguments are visible to every user of the machine. */
export function psqlInvocation(url: string, env: NodeJS.ProcessEnv): { args: string[]; env: NodeJS.ProcessEnv } {
  const options = env['PGOPTIONS'] ?? '-c search_path=r_zero,public';
  try {
    const parsed = new URL(url);
    const password = decodeURIComponent(parsed.password);
    parsed.password = '';
    return {
      args: ['--dbname', parsed.href],
      env: { ...env, PGOPTIONS: options, ...(password === '' ? {} : { PGPASSWORD: password }) },
    };
  } catch {
    // A "key=value" connection string: psql understands it, but it cannot be taken apart here.
    return { args: ['--dbname', url], env: { ...env, PGOPTIONS: options } };
  }
}

async function openPsql(program: string, url: string): Promise<number> {
  const { args, env } = psqlInvocation(url, process.env);
  const child = spawn(program, args, { env, stdio: 'inherit' });
  // In psql, Ctrl-C cancels a query; it must not take this process, and perhaps the server, with it.
  const ignore = () => undefined;
  process.on('SIGINT', ignore);
  try {
    return await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code) => resolve(code ?? 1));
    });
  } finally {
    process.off('SIGINT', ignore);
  }
}

export function findProgram(name: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  return (env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return statSync(path).isFile();
      } catch {
        // Not there or not for us: the next folder of the PATH.
        return false;
      }
    });
}
