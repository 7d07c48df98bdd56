/** `r-zero recompute`: the method once more over a stored run. */
import type { PresetName } from '../../activities/method/presets.ts';
import { recomputeRun } from '../../activities/recompute/recompute.ts';
import type { RecomputeReport } from '../../activities/recompute/recompute.ts';
import { assertSchemaCurrent } from '../../db/migrate.ts';
import type { DecisionMove, SummaryRow } from '../../db/queries/recomputations.ts';
import { packageVersion } from '../package-info.ts';
import { withDatabase } from './database-access.ts';
import { catchInterrupts } from './interrupts.ts';
import { count, decimal } from './numbers.ts';
import { progressLine } from './progress-line.ts';
import { stackReporter } from './stack-session.ts';
import { plainTable } from './tables.ts';
import { printable } from './terminal.ts';
import type { Terminal } from './terminal.ts';

export interface RecomputeOptions {
  dataDir: string;
  run: string;
  preset?: PresetName;
  dryRun: boolean;
  json: boolean;
}

const MOST_MOVES = 20;

export async function recomputeCommand(options: RecomputeOptions, terminal: Terminal): Promise<void> {
  const { dataDir, run: runId, preset, dryRun } = options;
  const interrupts = catchInterrupts(() => terminal.note('Stopping; nothing of this recomputation is kept.'));
  try {
    await withDatabase({ dataDir, onEvent: stackReporter(terminal) }, async ({ pool }) => {
      await assertSchemaCurrent(pool);
      const report = await recomputeRun(pool, {
        runId,
        ...(preset === undefined ? {} : { preset }),
        dryRun,
        codeVersion: packageVersion(),
        signal: interrupts.signal,
        ...(terminal.live ? { onProgress: (done: string) => progressLine(terminal, done) } : {}),
      });
      if (terminal.live) progressLine(terminal, '');
      terminal.out(options.json ? JSON.stringify(report) : renderReport(report));
    });
  } finally {
    interrupts.release();
  }
}

export function renderReport(report: RecomputeReport): string {
  const { runId, before, after, summary, moves } = report;
  const name = ({ preset, presetVersion }: { preset: string; presetVersion: number }) =>
    `${preset} (version ${presetVersion})`;
  return [
    `Run ${printable(runId)}, computed under ${name(before)}, recomputed under ${name(after)}.`,
    '',
    plainTable(
      ['iteration', 'what', 'rows', 'same', 'changed', 'new', 'missing', 'mean before', 'mean after'],
      summary.map(summaryCells),
      2,
    ),
    ...(moves.length === 0 ? [] : ['', ...renderMoves(moves)]),
    '',
    conclusion(report),
  ].join('\n');
}

function summaryCells(row: SummaryRow): string[] {
  const counts = [row.rows, row.same, row.changed, row.new, row.missing].map((value) => count(value));
  return [String(row.iteration), row.subject, ...counts, decimal(row.meanBefore, 4), decimal(row.meanAfter, 4)];
}

function renderMoves(moves: readonly DecisionMove[]): string[] {
  const shown = moves.slice(0, MOST_MOVES);
  const table = plainTable(
    ['iteration', 'decided', 'would be', 'questions'],
    shown.map(({ iteration, before, after, questions }) => [
      String(iteration),
      before ?? 'not decided',
      after ?? 'not decidable',
      count(questions),
    ]),
    3,
  );
  return moves.length > MOST_MOVES ? [table, `  and ${moves.length - MOST_MOVES} more kinds`] : [table];
}

function conclusion({ summary, unasked, version, recomputationId }: RecomputeReport): string {
  const different = summary.reduce((sum, row) => sum + row.changed + row.new + row.missing, 0);
  const lines = [
    different === 0
      ? 'Everything would be the same.'
      : `${count(different)} rows would differ. "mean" is of p̂, of the reward, or of the share kept.`,
  ];
  if (summary.some(({ missing }) => missing > 0))
    lines.push('"missing" is what this preset cannot compute from the stored answers.');
  if (unasked > 0)
    lines.push(`${count(unasked)} completions are questions under this preset only; the Solver was never asked.`);
  if (version === null) return [...lines, 'A dry run: nothing was stored.'].join('\n');
  return [
    ...lines,
    `Stored as version ${version}; the run's own rows are as they were. Look into it with`,
    `  npx r-zero sql "select * from recomputed_decisions where recomputation_id = ${recomputationId} and change <> 'same'"`,
    'and the views recomputed_votes, recomputed_rewards and recomputation_summary.',
  ].join('\n');
}
