/** Named evaluation sets in words and tables: what the Solver scores on each, with intervals, and what of them was generated. */
import type { ComparisonRow, ScoreRow } from '../../db/queries/evaluation-scores.ts';
import type { RunEvaluation } from '../../db/queries/run-evaluation.ts';
import { count, percent, points } from './numbers.ts';
import { plainTable } from './tables.ts';
import type { Paint } from './terminal.ts';

/** Nothing for a run without named sets. */
export function renderEvaluation(
  { scores, averages, comparisons, contaminations }: RunEvaluation,
  paint: Paint,
): string[] {
  const named = scores.filter(({ loader }) => loader !== null);
  const last = Math.max(...named.map(({ iteration }) => iteration));
  const rows = named.filter(({ iteration }) => iteration === last);
  if (rows.length === 0) return [];
  const lines = rows.flatMap((row) =>
    measuresOf(row).map(({ measure, label, value }, index) => [
      index === 0 ? row.set_name : '',
      index === 0 ? count(row.questions) : '',
      label,
      percent(value),
      intervalOf(comparisonOf(comparisons, row, measure, 'base')),
      intervalOf(comparisonOf(comparisons, row, measure, 'previous')),
    ]),
  );
  const title = last === 0 ? 'Base model on evaluation sets' : `Solver of iteration ${last} on evaluation sets`;
  return [
    `${paint('bold', title)} (gains in points, 95 % intervals of a paired bootstrap)`,
    plainTable(['set', 'questions', 'measure', 'score', 'against base', 'against the iteration before'], lines),
    ...averages
      .filter(({ iteration }) => iteration === 0 || iteration === last)
      .map(
        ({ iteration, math, general, overall, macro, micro }) =>
          `  Averages of ${iteration === 0 ? 'the base model' : `iteration ${iteration}`}: math ${percent(math)}, general ${percent(general)}, ` +
          `overall ${percent(overall)}; macro ${percent(macro)}, micro ${percent(micro)}.`,
      ),
    `  ${contaminationText(contaminations)}`,
    '',
  ];
}

/** What there is of a set's scores, k said. */
export function measuresOf(
  row: ScoreRow,
): { measure: ComparisonRow['measure']; label: string; value: number | null }[] {
  return [
    { measure: 'greedy' as const, label: 'greedy', value: row.greedy_accuracy },
    ...(row.k === null
      ? []
      : [
          { measure: 'mean' as const, label: `mean@${row.k}`, value: row.mean_at_k },
          { measure: 'majority' as const, label: `majority@${row.k}`, value: row.majority_at_k },
        ]),
  ];
}

/** How a score differs from the base model's, or from that of the iteration before; undefined where nothing was compared. */
export function comparisonOf(
  comparisons: readonly ComparisonRow[],
  { iteration, set_name }: Pick<ScoreRow, 'iteration' | 'set_name'>,
  measure: ComparisonRow['measure'],
  against: ComparisonRow['against'],
): ComparisonRow | undefined {
  return comparisons.find(
    (row) =>
      row.iteration === iteration && row.set_name === set_name && row.measure === measure && row.against === against,
  );
}

/** `+4.5 (+1.0 to +8.0)`; a dash where nothing was compared. */
export function intervalOf(row: Pick<ComparisonRow, 'difference' | 'lower' | 'upper'> | undefined): string {
  if (!row) return '–';
  return `${points(row.difference, 0)} (${points(row.lower, 0)} to ${points(row.upper, 0)})`;
}

export function contaminationText(rows: RunEvaluation['contaminations']): string {
  const sum = (of: (row: RunEvaluation['contaminations'][number]) => number): number =>
    rows.reduce((total, row) => total + of(row), 0);
  const questions = sum((row) => row.questions);
  if (questions === 0) return 'No generated question repeats one of an evaluation set.';
  const kinds = (['exact', 'near', 'ngram'] as const)
    .map((kind) => [kind, sum((row) => (row.kind === kind ? row.questions : 0))] as const)
    .filter(([, found]) => found > 0)
    .map(([kind, found]) => `${count(found)} ${kind === 'ngram' ? 'by shared runs of words' : kind}`);
  const kept = sum((row) => row.kept);
  return (
    `${count(questions)} generated question${questions === 1 ? '' : 's'} repeat${questions === 1 ? 's' : ''} one of an evaluation set ` +
    `(${kinds.join(', ')}); ${kept === 0 ? 'none was kept' : `${count(kept)} kept, as the gate's rules have it`}.`
  );
}
