/**
 * A run's rows as files for other programs. Rows come in the order of their keys and go to shards of a fixed number of rows, so the
 * bytes are a function of the run: an export that was interrupted goes on with the next shard and ends with the same files.
 */
import { readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';
import { hashFile } from '../engine/checkpoint.ts';
import { codeOf } from '../engine/staging.ts';
import { RZeroError } from '../errors.ts';
import { asOnlyExport, currentLimits, exportPage, exportRelations, resetSince } from '../../db/queries/export.ts';
import type { ExportLimits, ExportRow, Relation } from '../../db/queries/export.ts';
import type { ExportKind, ExportTakes } from '../../db/queries/export-relations.ts';
import { getRun, nextIteration } from '../../db/queries/runs.ts';
import type { RunRow } from '../../db/queries/runs.ts';
import { dataCard } from './card.ts';
import type { ExportFormat } from './kinds.ts';
import { jsonlShard } from './jsonl.ts';
import { MANIFEST_NAME, readManifest, writeManifest } from './manifest.ts';
import type { ExportManifest, ExportShard } from './manifest.ts';
import { parquetShard } from './parquet.ts';
import { removeDrafts, writeWhole } from './shard.ts';

export interface ExportRequest {
  runId: string;
  what: ExportKind;
  format: ExportFormat;
  /** `all`, of everything only: with the rows that resets have superseded. @default 'current' */
  takes?: ExportTakes;
  /** Absolute; created when it is not there. */
  output: string;
  codeVersion: string;
  /** The base model's, for the data card. */
  licence?: string | undefined;
  /** @default 10,000 */
  rowsPerShard?: number;
  onProgress?: (relation: string, rows: number) => void;
  signal?: AbortSignal;
}

export interface ExportReport {
  runId: string;
  what: ExportKind;
  format: ExportFormat;
  takes: ExportTakes;
  /** How often the run had been reset. */
  resets: number;
  output: string;
  /** Iterations from 0 that it holds, of those that the run plans. */
  iterations: number;
  planned: number;
  relations: { name: string; rows: number; shards: number; bytes: number }[];
  rows: number;
  bytes: number;
  /** Shards that an earlier start had finished, and that are as it left them. */
  reusedShards: number;
}

const ROWS_PER_SHARD = 10_000;
/** Rows in memory together, with all of their tokens; a row group of a Parquet file. */
const PAGE = 500;

/**
 * @throws RZeroError `RunNotFound`; `RunInputInvalid` with field `runId` when no iteration is finished, with field `output` when the
 * folder holds something else, or rows of before a reset; `StackBusy` while another export writes to it; `DiskFull`,
 * `DatabaseUnreachable`. What is finished stays, and the next call goes on from there.
 */
export async function exportRun(pool: pg.Pool, request: ExportRequest): Promise<ExportReport> {
  // One folder may have two names.
  const folder = await realpath(request.output).catch(() => request.output);
  return asOnlyExport(pool, folder, () => writeExport(pool, request));
}

async function writeExport(pool: pg.Pool, request: ExportRequest): Promise<ExportReport> {
  const { what, takes = 'current' } = request;
  if (takes === 'all' && what !== 'everything') {
    throw new RZeroError('RunInputInvalid', `Superseded rows are in an export of everything only, not of "${what}".`, {
      field: 'takes',
      fix: 'Give --what everything, or leave --takes out.',
    });
  }
  const run = await getRun(pool, request.runId);
  const relations = await exportRelations(pool, what, takes);
  const { manifest, reused } = await openExport(pool, run, request, relations);
  for (const relation of relations) {
    const entry = manifest.relations.find(({ name }) => name === relation.name)!;
    await removeDrafts(folderOf(request, relation.name));
    while (!entry.complete) {
      request.signal?.throwIfAborted();
      const shard = await writeShard(pool, request, manifest, relation, entry.shards);
      // Once more after reading: a reset shows in none of these rows, or here.
      await refuseSuperseded(pool, request, manifest.limits);
      if (shard) {
        entry.shards.push(shard);
        entry.rows += shard.rows;
      }
      entry.complete = !shard || shard.rows < manifest.rowsPerShard;
      await writeManifest(request.output, manifest);
    }
  }
  if (request.format === 'hf' && !manifest.complete) {
    const card = await dataCard(pool, run, manifest, relations, request.licence);
    const written = await writeWhole(join(request.output, 'README.md'), (sink) => sink(Buffer.from(card, 'utf8')));
    manifest.files = [{ file: 'README.md', ...written }];
  }
  if (!manifest.complete) {
    manifest.complete = true;
    await writeManifest(request.output, manifest);
  }
  return reportOf(run, request, manifest, reused);
}

async function openExport(
  pool: pg.Pool,
  run: RunRow,
  request: ExportRequest,
  relations: readonly Relation[],
): Promise<{ manifest: ExportManifest; reused: number }> {
  const { output, what, format, takes = 'current', codeVersion, rowsPerShard = ROWS_PER_SHARD } = request;
  const known = await readManifest(output);
  if (!known) {
    await refuseForeign(output);
    const manifest: ExportManifest = {
      formatVersion: 2,
      runId: run.runId,
      runCreatedAt: run.createdAt.toISOString(),
      what,
      format,
      takes,
      codeVersion,
      rowsPerShard,
      limits: await limitsOf(pool, run),
      complete: false,
      relations: relations.map(({ name }) => ({ name, complete: false, rows: 0, shards: [] })),
      files: [],
    };
    await writeManifest(output, manifest);
    return { manifest, reused: 0 };
  }
  const wanted = {
    runId: run.runId,
    runCreatedAt: run.createdAt.toISOString(),
    what,
    format,
    takes,
    codeVersion,
    rowsPerShard,
  };
  for (const [field, value] of Object.entries(wanted)) {
    const there = known[field as keyof typeof wanted];
    if (there === value) continue;
    throw new RZeroError('RunInputInvalid', `${output} holds another export: ${field} "${there}", not "${value}".`, {
      field: 'output',
      fix: 'Choose another folder with --output, or delete this one.',
    });
  }
  await refuseSuperseded(pool, request, known.limits);
  return { manifest: known, reused: await keepGoodShards(request, known) };
}

/** Rows of two takes in one folder would be those of no run. */
async function refuseSuperseded(pool: pg.Pool, { runId, output }: ExportRequest, limits: ExportLimits): Promise<void> {
  const reset = await resetSince(pool, runId, limits);
  if (!reset) return;
  const { take, iteration, phase } = reset;
  throw new RZeroError(
    'RunInputInvalid',
    `${output} holds rows of before run "${runId}" was reset to iteration ${iteration}, phase ${phase} (take ${take}).`,
    {
      field: 'output',
      fix: 'Choose another folder with --output, or delete this one; --what everything --takes all has the superseded rows, too.',
    },
  );
}

/** Everything up to the last iteration of which all units are finished: its rows do not change any more. */
async function limitsOf(pool: pg.Pool, run: RunRow): Promise<ExportLimits> {
  const iteration = (await nextIteration(pool, run.runId, run.iterations)) - 1;
  if (iteration >= 0) return currentLimits(pool, run.runId, iteration);
  throw new RZeroError('RunInputInvalid', `Run "${run.runId}" has not finished an iteration yet.`, {
    field: 'runId',
    fix: 'Export it when it has; `npx r-zero run list` tells how far each run is.',
  });
}

async function refuseForeign(output: string): Promise<void> {
  let names: string[];
  try {
    names = await readdir(output);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw new RZeroError('RunInputInvalid', `${output} cannot be used as a folder (${codeOf(error) ?? 'unknown'}).`, {
      field: 'output',
      fix: 'Give a folder that is empty or not there yet.',
      cause: error,
    });
  }
  // An export that was killed before its manifest was there.
  const others = names.filter((name) => name !== `.${MANIFEST_NAME}.part`);
  if (others.length === 0) return;
  throw new RZeroError('RunInputInvalid', `${output} is not empty and holds no export.`, {
    field: 'output',
    fix: 'Give a folder that is empty or not there yet, so that nothing of yours is overwritten.',
  });
}

/** Hashes the finished shards again; from the first that is not as it was written the relation is written anew. */
async function keepGoodShards({ output }: ExportRequest, manifest: ExportManifest): Promise<number> {
  let reused = 0;
  for (const entry of manifest.relations) {
    let good = 0;
    for (const shard of entry.shards) {
      if (!(await isAsWritten(output, shard))) break;
      good++;
    }
    reused += good;
    if (good === entry.shards.length) continue;
    entry.shards = entry.shards.slice(0, good);
    entry.rows = entry.shards.reduce((sum, { rows }) => sum + rows, 0);
    entry.complete = false;
    manifest.complete = false;
  }
  for (const file of manifest.files) if (!(await isAsWritten(output, file))) manifest.complete = false;
  return reused;
}

async function isAsWritten(
  output: string,
  { file, bytes, sha256 }: { file: string; bytes: number; sha256: string },
): Promise<boolean> {
  try {
    const found = await hashFile(output, file);
    return found.bytes === bytes && found.sha256 === sha256;
  } catch (error) {
    if (error instanceof RZeroError) return false;
    throw error;
  }
}

const folderOf = ({ output, format }: ExportRequest, relation: string): string =>
  join(output, ...(format === 'hf' ? ['data'] : []), relation);

/** @returns undefined when there are no rows left, except for the first shard, so that an empty relation is a file, too */
async function writeShard(
  pool: pg.Pool,
  request: ExportRequest,
  manifest: ExportManifest,
  relation: Relation,
  before: readonly ExportShard[],
): Promise<ExportShard | undefined> {
  const { runId, format, onProgress } = request;
  let last = before.at(-1)?.last;
  const pageAfter = (rows: number): Promise<ExportRow[]> =>
    exportPage(pool, relation, runId, manifest.limits, last, Math.min(PAGE, manifest.rowsPerShard - rows));
  let page = await pageAfter(0);
  if (page.length === 0 && before.length > 0) return undefined;
  const number = String(before.length).padStart(5, '0');
  const name = format === 'hf' ? `train-${number}.parquet` : `${number}.${format}`;
  const path = join(folderOf(request, relation.name), name);
  let rows = 0;
  const written = await writeWhole(path, async (sink) => {
    const writer =
      format === 'jsonl'
        ? jsonlShard(relation.columns, sink)
        : parquetShard(relation.columns, `temporal-r-zero ${manifest.codeVersion}`, sink);
    while (page.length > 0) {
      request.signal?.throwIfAborted();
      await writer.write(page);
      rows += page.length;
      last = relation.key.map((column) => page.at(-1)![column] as string | number);
      onProgress?.(
        relation.name,
        before.reduce((sum, shard) => sum + shard.rows, rows),
      );
      page = rows < manifest.rowsPerShard ? await pageAfter(rows) : [];
    }
    await writer.end();
  });
  const file = [...(format === 'hf' ? ['data'] : []), relation.name, name].join('/');
  return { file, rows, ...written, last: last ?? [] };
}

function reportOf(run: RunRow, request: ExportRequest, manifest: ExportManifest, reused: number): ExportReport {
  const relations = manifest.relations.map(({ name, rows, shards }) => ({
    name,
    rows,
    shards: shards.length,
    bytes: shards.reduce((sum, { bytes }) => sum + bytes, 0),
  }));
  return {
    runId: run.runId,
    what: request.what,
    format: request.format,
    takes: manifest.takes,
    resets: manifest.limits.take - 1,
    output: request.output,
    iterations: manifest.limits.iteration,
    planned: run.iterations,
    relations,
    rows: relations.reduce((sum, { rows }) => sum + rows, 0),
    bytes: relations.reduce((sum, { bytes }) => sum + bytes, 0),
    reusedShards: reused,
  };
}
