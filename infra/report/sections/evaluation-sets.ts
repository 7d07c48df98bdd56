/** Every evaluated set in one table: scores by iteration, and differences with their bootstrap intervals; and what of the sets was generated. */
import type { ComparisonRow, ScoreRow } from '../../../db/queries/evaluation-scores.ts';
import { comparisonOf, contaminationText, measuresOf } from '../../cli/evaluation-text.ts';
import { count, percent } from '../../cli/numbers.ts';
import type { RunData } from '../data.ts';
import { gainText } from '../estimate.ts';
import { markup } from '../html.ts';
import type { Html } from '../html.ts';
import { idOf, iterationName, named } from '../runs.ts';
import { table } from '../table.ts';
import { note, section } from './section.ts';

export function evaluationSetsSection(runs: readonly RunData[]): Html {
  if (runs.every(({ evaluation }) => evaluation.scores.length === 0)) {
    return section('sets', 'Evaluation sets', note('Nothing was evaluated yet.'));
  }
  return section(
    'sets',
    'Evaluation sets',
    runs.map((data) => [
      scoreTable(runs, data),
      data.evaluation.averages.length === 0 ? '' : averageTable(runs, data),
      note(named(runs, data, contaminationText(data.evaluation.contaminations))),
    ]),
  );
}

function scoreTable(runs: readonly RunData[], data: RunData): Html {
  const { scores, comparisons } = data.evaluation;
  const gain = (row: ScoreRow, measure: ComparisonRow['measure'], against: ComparisonRow['against']): string => {
    const found = comparisonOf(comparisons, row, measure, against);
    return found ? gainText({ value: found.difference, low: found.lower, high: found.upper }) : '';
  };
  return table({
    id: idOf('set-scores', data),
    caption: named(
      runs,
      data,
      'Scores, and differences in points with 95 % intervals of a paired bootstrap over the questions',
    ),
    columns: [
      { head: 'set', text: true },
      { head: 'iteration' },
      { head: 'questions' },
      { head: 'measure', text: true },
      { head: 'score' },
      { head: 'against base' },
      { head: 'against the iteration before' },
    ],
    rows: inSetOrder(scores).flatMap((row) =>
      measuresOf(row).map(({ measure, label, value }) => [
        row.set_name,
        iterationName(row.iteration),
        markup`${count(row.questions)}${row.is_whole ? '' : ' so far'}`,
        label,
        percent(value),
        gain(row, measure, 'base'),
        gain(row, measure, 'previous'),
      ]),
    ),
  });
}

/** They come by iteration. */
function inSetOrder(scores: readonly ScoreRow[]): ScoreRow[] {
  const sets = [...new Set(scores.map(({ set_name }) => set_name))];
  return sets.flatMap((set) => scores.filter(({ set_name }) => set_name === set));
}

function averageTable(runs: readonly RunData[], data: RunData): Html {
  return table({
    id: idOf('set-averages', data),
    caption: named(
      runs,
      data,
      'Averages over the named sets: means of the math and of the general sets, overall as in the tables of the public code, over all sets and over all questions',
    ),
    columns: ['iteration', 'math', 'general', 'overall', 'macro', 'micro'].map((head) => ({ head })),
    rows: data.evaluation.averages.map((row) => [
      iterationName(row.iteration),
      ...[row.math, row.general, row.overall, row.macro, row.micro].map((value) => percent(value)),
    ]),
  });
}
