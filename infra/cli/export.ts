/** `r-zero export`. */
import { resolve } from 'node:path';
import type pg from 'pg';
import { exportRun } from '../../activities/export/export-run.ts';
import type { ExportReport } from '../../activities/export/export-run.ts';
import type { ExportFormat } from '../../activities/export/kinds.ts';
import { modelFolder } from '../../activities/model-folder.ts';
import type { RunConfig } from '../../activities/run-input.ts';
import { assertSchemaCurrent } from '../../db/migrate.ts';
import type { ExportKind, ExportTakes } from '../../db/queries/export-relations.ts';
import { getRun } from '../../db/queries/runs.ts';
import { readOrigin } from '../models/origin.ts';
import { packageVersion } from '../package-info.ts';
import { withDatabase } from './database-access.ts';
import { catchInterrupts } from './interrupts.ts';
import { count, fileSize } from './numbers.ts';
import { stackReporter } from './stack-session.ts';
import { plainTable } from './tables.ts';
import { printable } from './terminal.ts';
import type { Terminal } from './terminal.ts';

export interface ExportOptions {
  dataDir: string;
  run: string;
  what: ExportKind;
  format: ExportFormat;
  takes: ExportTakes;
  output?: string;
  json: boolean;
}

export async function exportCommand(options: ExportOptions, terminal: Terminal): Promise<void> {
  const { dataDir, run: runId, what, format, takes } = options;
  const output = resolve(options.output ?? `${runId}-${what}-${format}${takes === 'all' ? '-all-takes' : ''}`);
  const interrupts = catchInterrupts(() => terminal.note('Stopping; the same command goes on where this one was.'));
  try {
    await withDatabase({ dataDir, onEvent: stackReporter(terminal) }, async ({ pool }) => {
      await assertSchemaCurrent(pool);
      const report = await exportRun(pool, {
        runId,
        what,
        format,
        takes,
        output,
        codeVersion: packageVersion(),
        licence: await licenceOf(pool, runId),
        ...(terminal.live
          ? { onProgress: (name: string, rows: number) => progress(terminal, `${name}: ${count(rows)} rows`) }
          : {}),
        signal: interrupts.signal,
      });
      if (terminal.live) progress(terminal, '');
      terminal.out(options.json ? JSON.stringify(report) : renderExport(report));
    });
  } finally {
    interrupts.release();
  }
}

/** What the run's base model says of itself; undefined when it is not on this machine any more, or says nothing. */
async function licenceOf(pool: pg.Pool, runId: string): Promise<string | undefined> {
  const { model } = (await getRun(pool, runId)).config as RunConfig;
  if (model === 'builtin') return 'Apache-2.0';
  try {
    return (await readOrigin(modelFolder(model)))?.licence;
  } catch {
    return undefined;
  }
}

function progress(terminal: Terminal, text: string): void {
  terminal.stream.write(`\r${text.slice(0, terminal.columns() - 1).padEnd(terminal.columns() - 1)}\r`);
}

export function renderExport(report: ExportReport): string {
  const { runId, what, iterations, planned, relations, output, format, takes, resets, reusedShards } = report;
  const rest = iterations < planned ? ` of ${planned}; what is not finished is not in it` : '';
  return [
    `Run ${printable(runId)}, iterations up to ${iterations}${rest}.`,
    '',
    plainTable(
      ['rows of', 'rows', 'files', 'size'],
      relations.map(({ name, rows, shards, bytes }) => [name, count(rows), count(shards), fileSize(bytes)]),
      1,
    ),
    '',
    ...(resets > 0 && what === 'everything' && takes === 'current'
      ? [
          `The run was reset ${resets === 1 ? 'once' : `${count(resets)} times`}; the rows superseded by that are left out (--takes all has them).`,
        ]
      : []),
    ...(reusedShards > 0 ? [`${count(reusedShards)} files were there already, and are as they were written.`] : []),
    `Written to ${printable(output)}; manifest.json has the sha-256 of each file.`,
    // The loader refuses a split without rows.
    ...relations
      .filter(({ rows }) => format === 'hf' && rows > 0)
      .slice(0, 1)
      .map(({ name }) => `In Python: datasets.load_dataset(${JSON.stringify(output)}, "${name}", split="train")`),
  ].join('\n');
}
