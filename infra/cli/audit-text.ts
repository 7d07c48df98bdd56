/** What `r-zero audit verify` prints for people. */
import type { Mismatch } from '../../activities/verification/findings.ts';
import type { AuditReport } from '../../activities/verification/verify-run.ts';
import { count } from './numbers.ts';
import { plainTable } from './tables.ts';
import { printable } from './terminal.ts';

/** Mismatches that are printed as they are found; of more there is the number, and `--json` has them. */
export const MOST_SHOWN = 100;
const WIDEST_VALUE = 60;

/** `votes question_id=12 version=1: label is "7", should be "8"` */
export function renderMismatch({ table, row, problem, column, expected, actual }: Mismatch): string {
  const where = [table, ...Object.entries(row).map(([name, value]) => `${name}=${value}`)].join(' ');
  const what = column === undefined ? '' : `${column} `;
  if (problem === 'missing') {
    return printable(`${where}: ${what}${expected === undefined ? 'is missing' : `has not ${expected}`}`);
  }
  if (problem === 'unexpected') return printable(`${where}: should not be there`);
  return printable(`${where}: ${what}is ${quoted(actual)}, should be ${quoted(expected)}`);
}

const quoted = (value = ''): string =>
  value.length > WIDEST_VALUE ? `"${value.slice(0, WIDEST_VALUE - 1)}…"` : `"${value}"`;

export function renderAudit(report: AuditReport, dataDir: string): string {
  const { runId, preset, status, units, checkpoints, unverifiable, mismatchCount } = report;
  const gone = [
    ...(checkpoints.pruned > 0 ? [`${count(checkpoints.pruned)} pruned`] : []),
    ...(checkpoints.optimizerPruned > 0 ? [`${count(checkpoints.optimizerPruned)} without moments`] : []),
  ];
  return [
    ...(mismatchCount > 0 ? [''] : []),
    `Run ${printable(runId)} (${status}), preset ${preset}: ${count(units.finished)} of ${count(units.planned)} planned units, ` +
      `${count(checkpoints.total)} checkpoints${gone.length > 0 ? ` (${gone.join(', ')})` : ''}.`,
    '',
    plainTable(
      ['check', 'compared', 'mismatches'],
      report.checks.map(({ check, examined, mismatches }) => [check, count(examined), count(mismatches)]),
      1,
    ),
    '',
    replayLine(report),
    ...(report.replay?.skipped ?? []).map(
      ({ reason, batches }) => `  ${count(batches)} drawn requests were not generated again: ${printable(reason)}`,
    ),
    ...report.notes.map((note) => printable(note)),
    ...(unverifiable > 0
      ? [`${count(unverifiable)} values rest on what is reported; they were taken as they are stored.`]
      : []),
    conclusion(report),
    ...wrongFolder(report, dataDir),
  ].join('\n');
}

function replayLine({ replay }: AuditReport): string {
  if (!replay) return 'No sample was generated again (--no-replay).';
  const { samples, seed, batches, rows } = replay;
  return (
    `${count(samples)} samples drawn with seed ${seed}: ${count(batches)} whole requests generated again, ` +
    `${count(rows)} rows held against them.`
  );
}

function conclusion({ ok, mismatchCount }: AuditReport): string {
  if (ok) return 'Everything is as it was written.';
  const more = mismatchCount > MOST_SHOWN ? `, of which ${count(MOST_SHOWN)} are shown; --json has more` : '';
  return `${count(mismatchCount)} ${mismatchCount === 1 ? 'mismatch' : 'mismatches'}${more}.`;
}

function wrongFolder({ checkpoints, mismatches }: AuditReport, dataDir: string): string[] {
  const missing = new Set(
    mismatches
      .filter(({ check, problem }) => check === 'checkpoints' && problem === 'missing')
      .map(({ row }) => row['checkpoint_id']),
  );
  if (checkpoints.total === 0 || missing.size < checkpoints.total) return [];
  return [
    `None of the checkpoints is in ${printable(dataDir)}: name the data directory of the workers with --data-dir.`,
  ];
}
