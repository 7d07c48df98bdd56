/** `r-zero checkpoint list|verify|prune`. */
import { resolve } from 'node:path';
import type pg from 'pg';
import { listCheckpoints } from '../../activities/retention/list.ts';
import { orphanCheckpoints } from '../../activities/retention/orphans.ts';
import { pruneRun } from '../../activities/retention/prune.ts';
import type { KeepPolicy } from '../../activities/retention/select.ts';
import { verifyCheckpoints } from '../../activities/retention/verify.ts';
import { assertSchemaCurrent } from '../../db/migrate.ts';
import { packageVersion } from '../package-info.ts';
import { renderList, renderPrune, renderVerify } from './checkpoint-text.ts';
import { withDatabase } from './database-access.ts';
import { catchInterrupts } from './interrupts.ts';
import { stackReporter } from './stack-session.ts';
import type { Terminal } from './terminal.ts';

interface Options {
  dataDir: string;
  run?: string;
  json: boolean;
}

export function listCommand(options: Options, terminal: Terminal): Promise<void> {
  return withPool(options, terminal, async (pool) => {
    const listed = await listCheckpoints(pool, placeOf(options));
    if (options.json) return terminal.out(JSON.stringify(listed));
    const orphans = await orphanCheckpoints(pool, placeOf(options));
    terminal.out(renderList(listed, resolve(options.dataDir), orphans));
  });
}

/** @returns the exit code */
export function verifyCommand(ids: string[], options: Options, terminal: Terminal): Promise<number> {
  return withPool(options, terminal, async (pool, signal) => {
    const report = await verifyCheckpoints(pool, {
      ...placeOf(options),
      ids,
      signal,
      ...(terminal.live ? { onProgress: (done: number, total: number) => progress(terminal, done, total) } : {}),
    });
    terminal.out(options.json ? JSON.stringify(report) : renderVerify(report, resolve(options.dataDir)));
    return report.ok ? 0 : 1;
  });
}

export function pruneCommand(
  options: Options & { run: string; keep: KeepPolicy; optimizerOnly: boolean; dryRun: boolean },
  terminal: Terminal,
): Promise<void> {
  const { run: runId, keep, optimizerOnly, dryRun } = options;
  return withPool(options, terminal, async (pool, signal) => {
    const request = { dataDir: resolve(options.dataDir), runId, keep, optimizerOnly, dryRun, signal };
    const report = await pruneRun(pool, { ...request, codeVersion: packageVersion() });
    terminal.out(options.json ? JSON.stringify(report) : renderPrune(report));
  });
}

function placeOf({ dataDir, run }: Options): { dataDir: string; runId?: string } {
  return { dataDir: resolve(dataDir), ...(run === undefined ? {} : { runId: run }) };
}

async function withPool<T>(
  { dataDir }: Options,
  terminal: Terminal,
  work: (pool: pg.Pool, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const interrupts = catchInterrupts(() => terminal.note('Stopping after this checkpoint.'));
  try {
    return await withDatabase({ dataDir, onEvent: stackReporter(terminal) }, async ({ pool }) => {
      await assertSchemaCurrent(pool);
      return work(pool, interrupts.signal);
    });
  } finally {
    interrupts.release();
  }
}

/** One line that is written over. */
function progress(terminal: Terminal, done: number, total: number): void {
  const text = done + 1 < total ? `verifying ${done + 1} of ${total}` : '';
  terminal.stream.write(`\r${text.padEnd(terminal.columns() - 1)}\r`);
}
