/** `r-zero audit verify`. */
import { resolve } from 'node:path';
import { createTfjsEngine } from '../../activities/engine/index.ts';
import type { Mismatch } from '../../activities/verification/findings.ts';
import { verifyRun } from '../../activities/verification/verify-run.ts';
import { assertSchemaCurrent } from '../../db/migrate.ts';
import { packageVersion } from '../package-info.ts';
import { MOST_SHOWN, renderAudit, renderMismatch } from './audit-text.ts';
import { withDatabase } from './database-access.ts';
import { catchInterrupts } from './interrupts.ts';
import { progressLine } from './progress-line.ts';
import { stackReporter } from './stack-session.ts';
import type { Terminal } from './terminal.ts';

export interface AuditOptions {
  dataDir: string;
  run: string;
  samples: number;
  seed: number;
  replay: boolean;
  json: boolean;
}

/** @returns the exit code */
export async function auditCommand(options: AuditOptions, terminal: Terminal): Promise<number> {
  const { run: runId, samples, seed, json } = options;
  const dataDir = resolve(options.dataDir);
  const codeVersion = packageVersion();
  const interrupts = catchInterrupts(() => terminal.note('Stopping.'));
  const engine = createTfjsEngine();
  let shown = 0;
  const onMismatch = (mismatch: Mismatch): void => {
    if (json || shown++ >= MOST_SHOWN) return;
    if (terminal.live) progressLine(terminal, '');
    terminal.out(renderMismatch(mismatch));
  };
  try {
    return await withDatabase({ dataDir, onEvent: stackReporter(terminal) }, async ({ pool }) => {
      await assertSchemaCurrent(pool);
      const deps = { database: pool, engine, dataDir, codeVersion };
      const report = await verifyRun(pool, {
        runId,
        dataDir,
        codeVersion,
        ...(options.replay ? { replay: { deps, samples, seed } } : {}),
        onMismatch,
        ...(terminal.live ? { onProgress: (done: string) => progressLine(terminal, done) } : {}),
        signal: interrupts.signal,
      });
      if (terminal.live) progressLine(terminal, '');
      terminal.out(json ? JSON.stringify(report) : renderAudit(report, dataDir));
      return report.ok ? 0 : 1;
    });
  } finally {
    await engine.close();
    interrupts.release();
  }
}
