/** `r-zero audit contamination`. */
import { assertSchemaCurrent } from '../../db/migrate.ts';
import { countContaminations, readContaminations } from '../../db/queries/evaluation-scores.ts';
import type { ContaminationRow } from '../../db/queries/evaluation-scores.ts';
import { getRun } from '../../db/queries/runs.ts';
import { withDatabase } from './database-access.ts';
import { contaminationText } from './evaluation-text.ts';
import { percent } from './numbers.ts';
import { stackReporter } from './stack-session.ts';
import { printable } from './terminal.ts';
import type { Terminal } from './terminal.ts';

export interface ContaminationOptions {
  dataDir: string;
  run: string;
  limit: number;
  json: boolean;
}

export async function contaminationCommand(options: ContaminationOptions, terminal: Terminal): Promise<void> {
  const { dataDir, run: runId, limit, json } = options;
  await withDatabase({ dataDir, onEvent: stackReporter(terminal) }, async ({ pool }) => {
    await assertSchemaCurrent(pool);
    await getRun(pool, runId);
    const counts = await countContaminations(pool, runId);
    const rows = await readContaminations(pool, runId, limit);
    if (json) {
      terminal.out(JSON.stringify({ runId, counts, questions: rows }));
      return;
    }
    terminal.out(contaminationText(counts));
    for (const row of rows) terminal.out(lineOf(row));
    const all = counts.reduce((sum, { questions }) => sum + questions, 0);
    if (rows.length < all) terminal.out(`  … and ${all - rows.length} more: --limit ${all}`);
  });
}

function lineOf(row: ContaminationRow): string {
  const text = (value: string | null): string => printable((value ?? '').replace(/\s+/g, ' ')).slice(0, 160);
  return (
    `  iteration ${row.iteration}, question ${row.question_id} (${row.kept ? 'kept' : row.reason}): ${text(row.question)}\n` +
    `    ${row.kind}${row.kind === 'exact' ? '' : ` ${percent(row.similarity, 0)}`}, ${row.set_name} ${row.item}: ${text(row.set_question)}`
  );
}
