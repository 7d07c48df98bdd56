/** `r-zero report`. */
import { randomUUID } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { RZeroError } from '../../activities/errors.ts';
import { assertSchemaCurrent } from '../../db/migrate.ts';
import { makeReport } from '../report/report.ts';
import type { Report, ReportRequest } from '../report/report.ts';
import { watchReport } from '../report/watch-server.ts';
import { withDatabase } from './database-access.ts';
import { catchInterrupts } from './interrupts.ts';
import { count, fileSize } from './numbers.ts';
import { stackReporter } from './stack-session.ts';
import { printable } from './terminal.ts';
import type { Terminal } from './terminal.ts';

export interface ReportOptions {
  dataDir: string;
  run: string;
  compare?: string;
  output?: string;
  questions?: number;
  watch: boolean;
  port: number;
  json: boolean;
}

export async function reportCommand(options: ReportOptions, terminal: Terminal): Promise<void> {
  const { dataDir, run: runId, compare, questions } = options;
  if (compare === runId) {
    throw new RZeroError('RunInputInvalid', `Run "${runId}" is to be compared with itself.`, {
      field: 'compare',
      fix: 'Name another run, or leave --compare out.',
    });
  }
  const request: ReportRequest = { runId, compare, ...(questions === undefined ? {} : { limits: { questions } }) };
  await withDatabase({ dataDir, onEvent: stackReporter(terminal) }, async ({ pool }) => {
    await assertSchemaCurrent(pool);
    if (options.watch) return await watch(pool, request, options, terminal);
    const report = await makeReport(pool, request);
    const output = resolve(options.output ?? `${runId}${compare === undefined ? '' : `-and-${compare}`}-report.html`);
    await writeWhole(output, report.page);
    terminal.out(
      options.json
        ? JSON.stringify({ output, bytes: Buffer.byteLength(report.page), questions: report.questions })
        : renderReport(report, output),
    );
  });
}

/** The file is there whole or as it was before. */
async function writeWhole(output: string, text: string): Promise<void> {
  const draft = `${output}.${randomUUID()}.tmp`;
  try {
    await writeFile(draft, text, { flag: 'wx' });
    await rename(draft, output);
  } catch (error) {
    await rm(draft, { force: true });
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined || code === 'ENOSPC') throw error;
    throw new RZeroError('RunInputInvalid', `The report cannot be written to ${output} (${code}).`, {
      field: 'output',
      fix: 'Name a file in a folder that exists and can be written to.',
      cause: error,
    });
  }
}

function renderReport({ page, questions }: Report, output: string): string {
  const parts = questions.map(({ runId, shown, all }) => {
    const number =
      shown < all ? `${count(shown)} of ${count(all)} questions (--questions)` : `all ${count(all)} questions`;
    return `run ${printable(runId)} with ${number}`;
  });
  return `Written to ${printable(output)}: ${parts.join(', ')}; ${fileSize(Buffer.byteLength(page))}. Open it in a browser; it needs no network.`;
}

async function watch(
  pool: Parameters<typeof watchReport>[0],
  request: ReportRequest,
  { port, json }: ReportOptions,
  terminal: Terminal,
): Promise<void> {
  const interrupts = catchInterrupts(() => terminal.note('Stopping.'));
  const failed = new Set<string>();
  // Asked every two seconds: the same failure is worth one line.
  const onError = (error: unknown): void => {
    const text = error instanceof Error ? error.message : String(error);
    if (!failed.has(text)) terminal.note(printable(text));
    failed.add(text);
  };
  try {
    const server = await watchReport(pool, { ...request, port, onError });
    try {
      terminal.out(
        json
          ? JSON.stringify({ address: server.address })
          : `The report of ${printable(request.runId)}, live: ${server.address}   (Ctrl-C ends it)`,
      );
      if (!interrupts.signal.aborted) await once(interrupts.signal, 'abort');
    } finally {
      await server.close();
    }
  } finally {
    interrupts.release();
  }
}
